"""`nyx keys rotate` on a home of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nyx.__main__ import run


def test_a_rotation_makes_a_new_key_for_its_owner_alone_and_keeps_the_last(
    kept_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(kept_home, home)
    monkeypatch.setenv("NYX_HOME", str(home))
    seen = []
    for _ in range(2):
        assert run(["keys", "rotate"]) == 0
        path = home / "keys" / "credentials.json"
        assert path.stat().st_mode & 0o777 == 0o600
        ring = json.loads(path.read_text())
        seen.append(ring["current"])
        assert {*seen, "current", "retired"} <= set(ring)
    assert seen[0] != seen[1]
    assert (
        "0 credentials moved to a new key; 0 old keys removed; the last one stays for a day"
        in capsys.readouterr().out
    )

"""`nyx fix --json` prints one object, whatever happened to the stack that it had joined."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nyx import fix
from nyx.events import StreamLost, StreamRefused
from nyxcore.errors import NyxError


@pytest.mark.parametrize(
    ("error", "code"),
    [(StreamLost("it has not answered"), "stream_lost"), (StreamRefused(404, "no run"), "stream_refused")],
)
def test_a_stream_that_is_lost_or_refused_is_told_in_the_one_object(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: NyxError,
    code: str,
) -> None:
    def ended(*_: object) -> int:
        raise error

    monkeypatch.setattr(fix, "_fix", ended)
    assert fix.run([str(tmp_path), "--json", "--out", str(tmp_path / "out")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["error"] == {"code": code, "message": error.message}
    assert (told["run"], told["findings"], told["fixes"], told["report"]) == (None, [], [], None)

"""`make setup` makes the folder of Chromium whole or not at all, and once."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def unpack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """layers/chromium/unpack.py with packages of the test's own, whose unpacking takes no time."""
    spec = importlib.util.spec_from_file_location("unpack", ROOT / "layers/chromium/unpack.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("CHROMIUM", "MERMAID"):
        package = tmp_path / name.lower()
        package.mkdir()
        package.joinpath("package.json").write_text('{"version": "1.0.0"}')
        monkeypatch.setattr(module, name, package)
    monkeypatch.setattr(module, "TARGET", tmp_path / "opt" / "chromium")

    def unpacked(folder: Path, _scratch: Path) -> None:
        folder.mkdir()
        folder.joinpath("headless_shell").write_text("program")

    monkeypatch.setattr(module, "_unpack", unpacked)
    return module


def test_a_second_call_does_nothing(unpack: ModuleType) -> None:
    unpack.main()
    unpack.TARGET.joinpath("headless_shell").write_text("untouched")
    unpack.main()
    assert unpack.TARGET.joinpath("headless_shell").read_text() == "untouched"


def test_another_version_replaces_the_folder(unpack: ModuleType) -> None:
    unpack.main()
    unpack.TARGET.joinpath("headless_shell").write_text("old")
    unpack.MERMAID.joinpath("package.json").write_text('{"version": "2.0.0"}')
    unpack.main()
    assert unpack.TARGET.joinpath("headless_shell").read_text() == "program"
    versions = json.loads(unpack.TARGET.joinpath("versions.json").read_text())
    assert versions == {"chromium": "1.0.0", "mermaid": "2.0.0"}


def test_an_interrupted_call_leaves_what_was_there_and_nothing_else(
    unpack: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack.main()
    unpack.MERMAID.joinpath("package.json").write_text('{"version": "2.0.0"}')

    def interrupted(folder: Path, _scratch: Path) -> None:
        folder.mkdir()
        folder.joinpath("headless_shell").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(unpack, "_unpack", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unpack.main()
    assert unpack.TARGET.joinpath("headless_shell").read_text() == "program"
    assert [path.name for path in unpack.TARGET.parent.iterdir()] == ["chromium"]


def test_packages_that_are_missing_are_named(unpack: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "CHROMIUM", Path("nowhere"))
    with pytest.raises(SystemExit, match=r"nowhere/package\.json is missing: run"):
        unpack.main()

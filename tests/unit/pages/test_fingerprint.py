"""A PDF's key changes with all that decides how it looks, and with nothing else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from nyxcore.pages import fingerprint as prints
from nyxcore.reports.models import Report
from nyxcore.reports.pdf import of_report
from nyxcore.settings import settings

ROOT = Path(__file__).parents[3]
NOBODY = UUID(int=0)
REPORT = Report(
    id=NOBODY,
    project_id=NOBODY,
    run_id=NOBODY,
    type="auto-fix",
    style="technical",
    language="en",
    version=1,
    title="Flask · Auto-fix · 2026-11-23",
    content_hash="0" * 64,
    model=None,
    persona=None,
    tokens=0,
    usd=0,
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
    content="# Flask",
)


@dataclass(frozen=True)
class Installation:
    """A copy of the code and of the fonts' index, to be changed."""

    shared: Path
    fonts: Path
    patch: pytest.MonkeyPatch

    def target(self) -> str:
        """Where a new process looks for the report's PDF."""
        settings.cache_clear()
        prints.fingerprint.cache_clear()
        return of_report(NOBODY, REPORT, paper="A4").target

    def release(self, library: str) -> None:
        """Another release of a library."""
        known = prints.version
        self.patch.setattr(prints, "version", lambda name: "0" if name == library else known(name))

    def printer(self, name: str) -> None:
        """Another release of what pages are printed by."""
        index = json.loads(self.fonts.joinpath("index.json").read_text())
        assert index["printers"][name] == locked(name)
        index["printers"][name] = "0"
        self.fonts.joinpath("index.json").write_text(json.dumps(index))

    def edit(self, file: str) -> None:
        """A changed file of the code."""
        path = self.shared / file
        path.write_bytes(path.read_bytes() + b"\n")


def locked(printer: str) -> str:
    """The version that npm installs."""
    lock = json.loads(ROOT.joinpath("package-lock.json").read_text())["packages"]
    package = {"chromium": "@sparticuz/chromium", "mermaid": "mermaid"}[printer]
    version: str = lock[f"node_modules/{package}"]["version"]
    return version


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    shared, fonts = tmp_path / "shared", tmp_path / "fonts"
    left_out = shutil.ignore_patterns("__pycache__", "*.jsonl", "migrations", "prompts")
    shutil.copytree(ROOT / "shared", shared, ignore=left_out)
    fonts.mkdir()
    shutil.copy(ROOT / "layers/pages/opt/fonts/index.json", fonts)
    monkeypatch.setattr(prints, "SHARED", shared)
    monkeypatch.setenv("NYX_FONTS", str(fonts))
    yield Installation(shared, fonts, monkeypatch)
    prints.fingerprint.cache_clear()


CHANGES: dict[str, Callable[[Installation], object]] = {
    "the reading of Markdown": lambda it: it.edit("nyxcore/markup/parser.py"),
    "the layout": lambda it: it.edit("nyxcore/pages/layout.py"),
    "the stylesheet": lambda it: it.edit("nyxcore/pages/page.css"),
    "a report's labels": lambda it: it.edit("nyxcore/reports/labels/de.toml"),
    "what a report's page is made of": lambda it: it.edit("nyxcore/reports/page.py"),
    "the printer": lambda it: it.edit("nyxpdf/printer.py"),
    "the drawing of diagrams": lambda it: it.edit("nyxpdf/diagrams.js"),
    "another file of the printer": lambda it: it.shared.joinpath("nyxpdf/more.py").write_text(""),
    "a file's name": lambda it: it.shared.joinpath("nyxpdf/job.py").rename(it.shared / "nyxpdf/jobs.py"),
    "a font": lambda it: it.fonts.joinpath("index.json").write_text('{"families": {}}'),
    "the release of Chromium": lambda it: it.printer("chromium"),
    "the release of mermaid": lambda it: it.printer("mermaid"),
    "our own release": lambda it: it.release("nyxcore"),
    **{f"the release of {name}": lambda it, name=name: it.release(name) for name in prints.LIBRARIES},  # type: ignore[misc]
    "the address of QR codes": lambda it: it.patch.setenv("NYX_REPORT_BASE_URL", "https://reports.example"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_key_changes_with(installation: Installation, change: Callable[[Installation], object]) -> None:
    before = installation.target()
    assert installation.target() == before
    change(installation)
    assert installation.target() != before


OTHERS: dict[str, Callable[[Installation], object]] = {
    "how reports are listed": lambda it: it.edit("nyxcore/reports/repository.py"),
    "another part of the product": lambda it: it.edit("nyxcore/runs/service.py"),
    "what Python has compiled": lambda it: it.shared.joinpath("nyxpdf/job.pyc").write_bytes(b"x"),
    "a library of the API": lambda it: it.release("fastapi"),
    "the address of the API": lambda it: it.patch.setenv("NYX_PUBLIC_BASE_URL", "https://api.example"),
    "when files were written": lambda it: [path.touch() for path in it.shared.rglob("*.py")],
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_the_key_stays_with(installation: Installation, change: Callable[[Installation], object]) -> None:
    before = installation.target()
    change(installation)
    assert installation.target() == before


def test_an_installation_without_the_printers_source_is_noticed(installation: Installation) -> None:
    shutil.rmtree(installation.shared / "nyxpdf")
    with pytest.raises(FileNotFoundError, match="nyxpdf is missing"):
        installation.target()


def test_the_libraries_are_those_that_the_layer_brings() -> None:
    written = ROOT.joinpath("layers/pages/requirements.in").read_text()
    assert set(re.findall(r"^[a-z].*$", written, re.MULTILINE)) == set(prints.LIBRARIES)

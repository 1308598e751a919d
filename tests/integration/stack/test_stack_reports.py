"""What `nyx fix` leaves to read, and `nyx report`: every option, and every word that cannot be meant."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pypdf import PdfReader
from stack_bench import PATIENCE, Dev, Reported, start_nyx

from nyx import __main__ as command
from nyx import fix
from nyx.api import Api, ApiRefused

type Nyx = Callable[..., Dev]


def said(reported: Reported, cwd: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `nyx report`, which joins the stack that serves the home."""
    started = start_nyx("report", *words, home=reported.dev.home, cwd=cwd)
    out, errors = started.process.communicate(timeout=PATIENCE)
    return started.process.returncode, out, errors


def test_nyx_fix_leaves_a_pdf_that_a_reader_understands(reported: Reported) -> None:
    assert {path.name for path in reported.out.iterdir()} == {
        *(".gitignore", "report.md", "report.pdf", "fixes.patch"),
    }
    pdf, report = PdfReader(reported.out / "report.pdf"), reported.told["report"]
    assert pdf.metadata is not None
    assert (pdf.metadata.title, pdf.metadata.author) == (report["title"], "nyxcore")
    assert pdf.trailer["/Root"]["/Lang"] == "en"
    assert pdf.trailer["/Root"]["/MarkInfo"]["/Marked"]
    headings = [line[3:] for line in report["content"].splitlines() if line.startswith("## ")]
    outline = [str(entry.title) for entry in _flat(pdf.outline)]
    assert headings and [entry for entry in outline if entry in headings] == headings
    assert f"https://nyxcore.cloud/reports/{report['id']}" in set(_links(pdf))
    cover, *others = [page.extract_text() for page in pdf.pages]
    assert "atlas" in cover and "Technical report" in cover
    assert all(f"{number} / {len(pdf.pages)}" in text for number, text in enumerate(others, start=2))
    assert (reported.out / "report.md").read_text() == report["content"]


def _flat(outline: Any) -> Any:
    for entry in outline:
        yield from _flat(entry) if isinstance(entry, list) else [entry]


def _links(pdf: PdfReader) -> Any:
    for page in pdf.pages:
        for note in page.get("/Annots") or []:
            action = note.get_object().get("/A")
            if action is not None and "/URI" in action:
                yield str(action["/URI"])


def test_the_list_names_the_reports_and_filters_them(reported: Reported, tmp_path: Path) -> None:
    report = reported.told["report"]
    code, out, _ = said(reported, tmp_path, "list")
    assert code == 0 and any(
        line.startswith(report["id"]) and line.endswith(report["title"]) for line in out.splitlines()
    )
    code, out, _ = said(reported, tmp_path, "list", "--json", "--project", "atlas", "--style", "technical")
    assert code == 0
    assert report["id"] in {each["id"] for each in json.loads(out)}
    assert {each["style"] for each in json.loads(out)} == {"technical"}


def test_a_report_is_shown_in_the_style_and_language_that_is_asked_for(
    reported: Reported, tmp_path: Path
) -> None:
    report = reported.told["report"]
    assert said(reported, tmp_path, "show", report["id"])[:2] == (0, report["content"])
    code, out, _ = said(reported, tmp_path, "show", report["id"], "--style", "executive", "--language", "de")
    assert code == 0 and "Management-Überblick" in out
    again = said(reported, tmp_path, "show", report["id"], "--style", "executive", "--language", "de")[1]
    assert again == out  # found, not written again: it would have another time in it


def test_a_report_is_printed_where_it_is_asked_for(reported: Reported, tmp_path: Path) -> None:
    words = ("pdf", reported.told["report"]["id"], "--style", "marketing")
    code, out, _ = said(reported, tmp_path, *words)
    printed = tmp_path / out.strip()
    assert code == 0 and printed.parent == tmp_path / "nyx-out"
    assert printed.name == f"{reported.told['report']['title']}.marketing.pdf"
    assert PdfReader(printed).pages[0].mediabox.height == pytest.approx(842, abs=1)
    code, out, _ = said(reported, tmp_path, *words, "--paper", "Letter", "--out", "mine.pdf")
    assert (code, out) == (0, "mine.pdf\n")
    assert PdfReader(tmp_path / "mine.pdf").pages[0].mediabox.height == pytest.approx(792, abs=1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "nonsense"), "there is no report nonsense; `nyx report list` shows those there are"),
        (("pdf", "0199c0de-7a31-7d4f-9d52-5f3f1f1e8a10"), "there is no report 0199c0de-7a31"),
        (("list", "--project", "gone"), "there is no project 'gone'"),
        (("list", "--style", "poetic"), "invalid choice: 'poetic'"),
        (("pdf", "--language", "fr"), "invalid choice: 'fr'"),
        (("pdf", "--paper", "A3"), "invalid choice: 'A3'"),
        (("pdf", "--out", "."), "--out '.' is a folder. Give the name of a file in it."),
        (("pdf", "--out", "no/such.pdf"), "there is no folder 'no'. Make it first."),
        ((), "list|show|pdf"),
    ],
)
def test_a_word_that_cannot_be_meant_is_refused_with_the_way_out(
    reported: Reported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.setenv("NYX_HOME", str(reported.dev.home))
    monkeypatch.chdir(tmp_path)
    try:
        code = command.run(["report", *words])
    except SystemExit as ended:  # argparse's own way
        code = int(str(ended.code))
    out, errors = capsys.readouterr()
    assert (code, out) == (2, "")
    assert told in errors


def test_a_folder_that_cannot_be_written_is_named(reported: Reported, tmp_path: Path) -> None:
    code, _, errors = said(reported, tmp_path, "pdf", "--out", "/proc/report.pdf")
    assert code == 1 and "Results cannot be written to /proc" in errors


def test_before_the_first_run_there_is_no_report_and_that_is_said(nyx: Nyx) -> None:
    out, _ = nyx("report", "list").process.communicate(timeout=PATIENCE)
    assert out == "There is no report yet: `nyx fix PATH` makes one.\n"
    show = nyx("report", "show")
    _, errors = show.process.communicate(timeout=PATIENCE)
    assert show.process.returncode == 2 and "there is no report yet: `nyx fix PATH` makes one" in errors


@pytest.fixture
def earlier(reported: Reported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that an earlier run has left a PDF and a patch in."""
    monkeypatch.setenv("NYX_HOME", str(reported.dev.home))
    monkeypatch.setattr(signal, "signal", lambda *_: signal.SIG_DFL)  # of this process, not the command's
    out = tmp_path / "out"
    out.mkdir()
    for name in ("report.pdf", "fixes.patch"):
        (out / name).write_text("of an earlier run")
    return out


def test_where_printing_fails_no_older_pdf_stays_beside_the_new_report(
    reported: Reported, earlier: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> NoReturn:
        raise ApiRefused("there is no Chromium here: run `make setup`", "chromium_missing", 503)

    monkeypatch.setattr(Api, "pdf", refused)
    assert fix.run([str(reported.tree), "--out", str(earlier)]) == 0
    shown = capsys.readouterr()
    assert "the report was not printed: there is no Chromium here: run `make setup`" in shown.err
    assert "report.pdf" not in shown.out
    assert not (earlier / "report.pdf").exists()
    assert (earlier / "report.md").read_text().startswith("# atlas · Auto-fix · ")
    assert (earlier / "fixes.patch").read_text().startswith("diff --git a/")


def test_ctrl_c_while_it_prints_keeps_what_is_done_and_says_how_to_print_later(
    reported: Reported, earlier: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Api, "pdf", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    assert fix.run([str(reported.tree), "--json", "--out", str(earlier)]) == 130
    told = json.loads(capsys.readouterr().out)
    assert told["run"]["status"] == "succeeded" and told["report"] is not None
    assert told["error"]["code"] == "interrupted"
    assert "`nyx report pdf` prints what it has reported" in told["error"]["message"]
    assert (earlier / "report.md").exists() and not (earlier / "report.pdf").exists()


def test_the_pdf_of_the_command_is_the_one_that_the_api_gives(reported: Reported) -> None:
    api = reported.api()
    try:
        again = api.pdf(reported.told["report"]["id"])
    finally:
        api.close()
    assert again == (reported.out / "report.pdf").read_bytes()
    assert len(PdfReader(BytesIO(again)).pages) > 2

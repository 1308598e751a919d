"""What is in a PDF: its text, its structure, what it says of itself."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pypdfium2
import pytest
from print_jobs import CHROMIUM, figure, job, page, report
from pypdf import PdfReader

from nyxpdf.limits import Limits
from nyxpdf.printer import Printed, Printer

RICH = page(
    '<h1>Überblick</h1><p>Siehe <a href="#ziel">unten</a> und <a href="https://example.com/a?b=c">außen</a>.</p>'
    '<h2 id="ziel">Ziel</h2><p>Text</p><h3>Noch tiefer</h3><p>Text</p><h2>Ende</h2>'
    '<img alt="Ein Punkt" src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 width=%229%22'
    ' height=%229%22%3E%3Cpath d=%22M0 0h9v9%22/%3E%3C/svg%3E">',
    title="Bericht – 数据",
    lang="de",
)


def read(printed: Printed) -> PdfReader:
    return PdfReader(io.BytesIO(printed.pdf), strict=True)


def text(printed: Printed) -> str:
    return "\n".join(each.extract_text() for each in read(printed).pages)


def titles(outline: list[Any]) -> list[Any]:
    """Titles of an outline, deeper ones as lists."""
    return [titles(entry) if isinstance(entry, list) else entry.title for entry in outline]


def test_the_outline_is_the_tree_of_the_headings(printer: Printer) -> None:
    assert titles(read(printer.print(job(RICH))).outline) == ["Überblick", ["Ziel", ["Noch tiefer"], "Ende"]]


def test_title_language_author_and_date_are_the_jobs_own(printer: Printer) -> None:
    pdf = read(printer.print(job(RICH)))
    root: Any = pdf.trailer["/Root"]
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Bericht – 数据"
    assert pdf.metadata.author == "nyxcore"
    assert pdf.metadata.creation_date == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert root["/Lang"] == "de"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


def test_the_document_is_tagged_and_its_images_have_their_words(printer: Printer) -> None:
    pdf = read(printer.print(job(RICH)))
    root: Any = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    elements = [pdf.get_object(number) for number in range(1, len(pdf.xref[0]))]
    tags = [each for each in elements if isinstance(each, dict) and each.get("/Type") == "/StructElem"]
    assert {"/H1", "/H2", "/H3", "/P", "/Link", "/Figure"} <= {tag["/S"] for tag in tags}
    assert [tag["/Alt"] for tag in tags if tag["/S"] == "/Figure"] == ["Ein Punkt"]


def test_links_lead_inside_and_outside(printer: Printer) -> None:
    pdf = read(printer.print(job(RICH)))
    links: list[Any] = [note.get_object() for note in pdf.pages[0].annotations or ()]
    assert [link["/Dest"] for link in links if "/Dest" in link] == ["/ziel"]
    assert [link["/A"]["/URI"] for link in links if "/A" in link] == ["https://example.com/a?b=c"]
    assert "/ziel" in pdf.named_destinations


def test_contents_show_the_pages_on_which_the_headings_stand(printer: Printer) -> None:
    printed = printer.print(job(report(8)))
    pdf = read(printed)
    assert printed.pages == len(pdf.pages) > 8
    for number in range(8):
        (place,) = [
            at
            for at, each in enumerate(pdf.pages, 1)
            if at > 1 and f"Section {number}\n" in each.extract_text()
        ]
        assert f"Section {number} {place}\n" in pdf.pages[0].extract_text()
        assert f'<span data-page-of="s{number}">{place}</span>' in printed.html


def test_an_id_that_is_nowhere_leaves_its_number_empty(printer: Printer) -> None:
    printed = printer.print(job(page('<p>before[<span data-page-of="nowhere"></span>]after</p>')))
    assert "before[]after" in text(printed)


def test_ids_need_not_be_ascii(printer: Printer) -> None:
    body = '<a href="#über-uns">x</a> page <span data-page-of="über-uns"></span><h2 id="über-uns">Y</h2>'
    assert "page 1" in text(printer.print(job(page(body))))


def test_the_footer_counts_the_pages(printer: Printer) -> None:
    pdf = read(printer.print(job(report(1))))
    assert [f"{n} / {len(pdf.pages)}" in each.extract_text() for n, each in enumerate(pdf.pages, 1)] == [
        True
    ] * len(pdf.pages)


@pytest.mark.parametrize(
    "document",
    [RICH, report(3), page(figure(0) + figure(1))],
    ids=["with everything", "numbered", "with diagrams"],
)
def test_the_same_job_gives_the_same_bytes_in_any_browser(printer: Printer, document: str) -> None:
    given = job(document, ("graph TD\n A --> B", 'pie\n title Found\n "high": 3\n "low": 5'))
    first = printer.print(given)
    printer.print(job(report(1)))
    other = Printer(CHROMIUM, Limits())
    try:
        fresh = other.print(given)
    finally:
        other.close()
    assert printer.print(given) == first == fresh


RED = (
    "data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 width=%2220%22 height=%2220%22%3E"
    "%3Crect width=%2220%22 height=%2220%22 fill=%22red%22/%3E%3C/svg%3E"
)


@pytest.mark.parametrize(
    "body",
    [
        f'<img alt="red" src="{RED}">',
        f'<div style="height: 3000px"></div><img alt="red" loading="lazy" src="{RED}">',
        f"<p style=\"background: url('{RED}'); height: 20px\"></p>",
        f"<style>p::before {{ content: url('{RED}') }}</style><p></p>",
    ],
    ids=["an image", "a lazy image", "a background", "content"],
)
def test_what_a_page_shows_is_there_though_no_screen_has_shown_it(printer: Printer, body: str) -> None:
    document = pypdfium2.PdfDocument(printer.print(job(page(body), footer="")).pdf)
    bitmap = document[len(document) - 1].render()
    pixels = bytes(bitmap.buffer)
    document.close()
    assert bytes((0, 0, 255)) * 5 in pixels  # blue, green, red

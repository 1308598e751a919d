"""Pages of `nyxcore.pages` on paper: their fonts, their heads and feet, their tables, and that all of it fits."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

import pypdfium2
import pytest
from print_jobs import CHROMIUM, job
from print_jobs import page as small_page
from printed_glyphs import NOTDEF, blank, drawn, fonts, images
from printed_pixels import qr_codes
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject
from test_hostile_jobs import png

from nyxcore.pages.models import PageDocument
from nyxcore.pages.service import print_job
from nyxpdf import printer as printers
from nyxpdf.limits import MIB, Limits
from nyxpdf.pdf import Pdf
from nyxpdf.printer import Printed, Printer

OURS = re.compile(r"/[A-Z]{6}\+(Inter|JetBrainsMono|NotoSans|TwemojiMozilla)")
POINTS_PER_MM = 72 / 25.4

SAMPLES = (
    *("Größe naïve Łódź", "Tiếng Việt", "Ελληνικά ἀρχή", "Русский Українська"),
    *(
        "简体中文代码健康报告",
        "日本語のコード、カナ",
        "한국어 보고서",
        "تقرير عن صحة الشيفرة",
        "שלום עולם",
        "कोड स्वास्थ्य",
    ),
    *(
        "😀 ✅ ❌ 🚀 ⚠️ 👩‍💻 🇩🇪",
        "← → ↑ ↓ ⇒ ↳ ✓ ✗ ⚠ ✔ ✘ ☐ ☑ ★",
        "≤ ≥ ≠ ≈ ∞ ∑ √ ∈ ∀ ∃ ∧ ∇",
        "─│┌┐└┘├┤┬┴┼═║█▓▒░■□●○◆▲",
    ),
)


pytestmark = pytest.mark.usefixtures("copied_fonts")


GIVEN: dict[str, Any] = {
    "title": "Flask · Auto-fix · 2026-11-23",
    "project": "Flask",
    "kind": "Auto-fix",
    "date": datetime(2026, 11, 23, tzinfo=UTC),
}


def printed(printer: Printer, markdown: str, **changes: Any) -> Printed:
    return printer.print(print_job(PageDocument(markdown=markdown, **(GIVEN | changes))))


def texts(found: Printed) -> list[str]:
    return [each.extract_text() for each in PdfReader(io.BytesIO(found.pdf)).pages]


def left_edge(found: Printed, number: int) -> float:
    """Where the running head of a page begins, in millimetres from the paper's edge."""
    document = pypdfium2.PdfDocument(found.pdf)
    try:
        text = document[number].get_textpage()
        head = text.get_text_range().index("Flask · Auto-fix")
        edge: float = text.get_charbox(head)[0]
        text.close()
        return edge / POINTS_PER_MM
    finally:
        document.close()


EVERYTHING = "\n\n".join(
    [
        *SAMPLES,
        *(f"**{sample}** *{sample}* `{sample}` **`{sample}`**" for sample in SAMPLES),
        "```\n" + "\n".join(SAMPLES) + "\n```",
        "No font: 𓀀 தமிழ்",
        "```mermaid\ngraph TD; A[Größe ✓]-->B[Русский 漢字]\n```",
    ]
)


def test_no_script_is_set_in_a_font_of_the_machine_or_in_empty_boxes(printer: Printer) -> None:
    pdf = printed(printer, EVERYTHING, title="Ελληνικά → 漢字 ✅").pdf
    names = fonts(pdf)
    assert [name for name, embedded in names.items() if not embedded] == [], "every font is embedded"
    assert not [name for name in names if not OURS.match(name)]
    found = list(drawn(pdf))
    assert sum(len(each.glyphs) for each in found) > 1_000
    assert not [each.font["/BaseFont"] for each in found if NOTDEF in each.glyphs]


def test_that_check_sees_a_character_without_a_glyph(printer: Printer) -> None:
    pdf = printer.print(job(small_page("<p>𓀀</p>"), footer="")).pdf
    assert any(NOTDEF in each.glyphs for each in drawn(pdf))
    assert not any(NOTDEF in each.glyphs for each in drawn(printer.print(job(small_page("<p>a</p>"))).pdf))


def test_that_check_sees_a_font_of_the_machine(printer: Printer) -> None:
    names = fonts(printer.print(job(small_page("<p>text</p>"))).pdf)
    assert names and not any(OURS.match(name) for name in names)


@pytest.mark.parametrize("kind", ["/Type1", "/TrueType"])
def test_that_check_sees_a_simple_font_that_is_not_embedded(kind: str) -> None:
    written, made = PdfWriter(), io.BytesIO()
    written.add_blank_page(100, 100)
    names = {"/Type": "/Font", "/Subtype": kind, "/BaseFont": "/Helvetica"}
    written._add_object(
        DictionaryObject({NameObject(key): NameObject(value) for key, value in names.items()})
    )
    written.write(made)
    assert fonts(made.getvalue()) == {"/Helvetica": False}


def test_a_diagram_is_text_and_lines_and_no_picture_made_of_points(printer: Printer) -> None:
    found = printed(printer, "```mermaid\ngraph TD; A[Begin here]-->B[Größe ✓]\n```\n")
    assert 'src="data:image/svg+xml' in found.html
    text = "\n".join(texts(found))
    assert "Begin here" in text and "Größe" in text
    assert images(found.pdf) == 0


def test_that_check_sees_a_picture_made_of_points(printer: Printer) -> None:
    picture = b64encode(png(9)).decode()
    assert images(printed(printer, f"![points](data:image/png;base64,{picture})").pdf) == 1


def test_every_sample_leaves_ink_on_the_paper(printer: Printer) -> None:
    pdf = printed(printer, "\n\n".join(SAMPLES)).pdf
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 2
    assert blank(pdf, 1) == ""


def test_that_check_sees_a_character_that_is_not_drawn(printer: Printer) -> None:
    pdf = printer.print(job(small_page("<p>ab</p><p style='color: white'>cd</p>"), footer="")).pdf
    assert blank(pdf, 0) == "cd"


def test_what_is_printed_can_be_searched_and_copied(printer: Printer) -> None:
    document = pypdfium2.PdfDocument(printed(printer, "\n\n".join(SAMPLES)).pdf)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    for sample in ("Größe", "Łódź", "Ελληνικά", "Русский", "简体中文代码健康报告", "한국어", "→", "✓", "≤"):
        assert sample in text


@pytest.mark.parametrize(
    "url",
    [
        "https://nyxcore.cloud/reports/01a218a7-40a9-7250-bd13-26d9ed563726",
        f"https://reports.example.org/{'a-long-folder/' * 12}reports/01a218a7-40a9-7250-bd13-26d9ed563726",
    ],
)
def test_the_code_on_the_cover_is_read_as_the_report_s_address(printer: Printer, url: str) -> None:
    assert qr_codes(printed(printer, "text", url=url).pdf, 0) == [url]


def test_the_cover_has_no_running_head_and_every_other_page_has_its_number(printer: Printer) -> None:
    cover, *others = texts(printed(printer, "# Flask · Auto-fix · 2026-11-23\n\n" + "Paragraph.\n\n" * 120))
    total = len(others) + 1
    assert "/ " not in cover and cover.count("Auto-fix · 2026-11-23") == 1
    for number, text in enumerate(others, start=2):
        assert f"{number} / {total}" in text
        assert "Flask · Auto-fix · 2026-11-23" in text


def test_contents_name_the_pages_on_which_the_headings_stand(printer: Printer) -> None:
    text = "".join(f"## Part {part}\n\n" + "Words of it.\n\n" * 25 for part in range(1, 9))
    found = texts(printed(printer, text))
    for part in range(1, 9):
        number = re.search(rf"Part {part}\s*(\d+)", found[1])
        assert number is not None
        assert re.search(rf"Part {part}\b", found[int(number[1]) - 1])


@pytest.mark.parametrize(("lines", "pages", "wanted"), [(5, 4, 1), (9, 6, 2), (10, 8, 2)])
def test_contents_stand_above_six_pages_and_cost_no_pass_more(
    printer: Printer, monkeypatch: pytest.MonkeyPatch, lines: int, pages: int, wanted: int
) -> None:
    """Of seven pages without them: they are the eighth."""
    passes: list[int] = []
    known = printers._pass

    def counted(*given: Any, **named: Any) -> Pdf:
        passes.append(1)
        return known(*given, **named)

    monkeypatch.setattr(printers, "_pass", counted)
    text = "".join(f"## Part {part}\n\n" + "Words of it.\n\n" * lines for part in range(1, 13))
    found = printed(printer, text)
    assert (found.pages, len(passes)) == (pages, wanted)
    has = pages > 6
    assert ("Contents" in texts(found)[1]) is has
    assert ('<nav class="contents"' in found.html) is has
    assert not re.search(r'data-page-of="[^"]*"></span>', found.html), "no place of a number is left empty"


def test_contents_stand_before_pages_of_lines_that_one_line_of_markdown_makes(printer: Printer) -> None:
    found = printed(printer, "".join(f"## Part {part}\n\n{'word<br>' * 45}\n\n" for part in range(8)))
    assert found.pages > 8
    assert "Contents" in texts(found)[1]


def test_a_table_that_goes_on_repeats_its_head_and_splits_no_row(printer: Printer) -> None:
    row = "| `pkg/module_{0}.py` | begin{0} words in between that need more than one line of the cell end{0} |\n"
    table = "| the file | the finding |\n| --- | --- |\n" + "".join(
        row.format(number) for number in range(90)
    )
    pages = texts(printed(printer, table))[1:]
    assert len(pages) > 2
    for text in pages:
        assert "the file" in text and "the finding" in text
        assert re.findall(r"begin(\d+)", text) == re.findall(r"end(\d+)", text)


def test_a_long_table_keeps_its_columns_on_every_page_and_needs_memory_by_its_rows_only() -> None:
    table = "| severity | where | what |\n| --- | --- | --- |\n" + "".join(
        f"| high | `pkg/module_{number}.py` | finding {number} |\n" for number in range(5_000)
    )
    own = Printer(CHROMIUM, Limits(memory=550 * MIB))  # as one table it took 700
    try:
        document = pypdfium2.PdfDocument(printed(own, table).pdf)
    finally:
        own.close()
    columns = set()
    for number in range(1, len(document)):
        text = document[number].get_textpage()
        place = text.get_text_range().index("where what")
        columns.add(tuple(round(text.get_charbox(place + shift)[0]) for shift in (0, len("where "))))
        text.close()
    document.close()
    assert len(columns) == 1


def test_a_heading_is_never_the_last_thing_on_a_page(printer: Printer) -> None:
    text = "".join(f"### Heading {number}\n\n" + "Words. " * 40 + "\n\n" for number in range(60))
    after_contents = texts(printed(printer, text))[3:]
    assert len(after_contents) > 3
    for page_text in after_contents:
        lines = [
            line for line in page_text.splitlines() if line.strip() and not re.fullmatch(r"\d+ / \d+", line)
        ]
        assert not lines[-1].startswith("Heading")


@pytest.mark.parametrize(
    ("paper", "width", "height"), [("A4", 594.96, 841.92), ("Letter", 612, 792)], ids=["A4", "Letter"]
)
def test_the_cover_fills_one_sheet_of_its_paper(
    printer: Printer, paper: str, width: float, height: float
) -> None:
    found = printed(printer, "text", paper=paper, url="https://nyxcore.cloud/reports/1", project="P" * 400)
    first = PdfReader(io.BytesIO(found.pdf)).pages[0].mediabox
    assert (float(first.width), float(first.height)) == pytest.approx((width, height), abs=0.1)
    assert found.pages == 2


WIDE = {
    "a table of twelve columns": "| a_long_identifier " * 12
    + "|\n"
    + "| --- " * 12
    + "|\n"
    + "| `a_value_of_it` 1,234,567 " * 12
    + "|\n",
    "a table of long words": "| internationalizations " * 6 + "|\n" + "| --- " * 6 + "|\n",
    "a table of code": "| `abcdefghijkl` " * 6 + "|\n" + "| --- " * 6 + "|\n",
    "a word without an end": "x" * 3_000,
    "code without an end": f"`{'x' * 900}`\n\n```\n{'y' * 900}\n```",
    "a cell without an end": f"| {'z' * 900} | b |\n| --- | ---: |\n| `{'z' * 900}` | {'9' * 90} |\n",
    "a heading without an end": f"## {'H' * 300}",
    "quotes within quotes": "> " * 30 + "deep",
    "lists within lists": "".join("  " * depth + "- item\n" for depth in range(18)),
    "a number without an end": "| n |\n| ---: |\n| " + "1" * 400 + " |\n",
    "a diagram wider than the page": "```mermaid\ngraph LR\n"
    + "".join(f"N{n}-->N{n + 1}\n" for n in range(20))
    + "```",
    "a picture without an alternative": "**" + "critical** " * 60,
}


@pytest.mark.parametrize("markdown", WIDE.values(), ids=WIDE)
def test_nothing_is_so_wide_that_the_document_is_shrunk(printer: Printer, markdown: str) -> None:
    assert left_edge(printed(printer, markdown), 1) == pytest.approx(23, abs=0.6)


def test_a_diagram_beside_italic_text_is_set_upright(printer: Printer) -> None:
    text = "Some *slanted* words.\n\n```mermaid\ngraph TD; A[Begin]-->B\n```\n"
    html = printed(printer, text).html
    assert "font-style:italic" in html
    (picture,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    svg = b64decode(picture).decode()
    assert "@font-face" in svg and "font-style:italic" not in svg


def test_no_element_of_a_page_keeps_its_fonts_away(printer: Printer) -> None:
    hiding = '<img name="fonts" alt="hidden"><form name="fonts"></form>'
    plain = json.loads(print_job(PageDocument(markdown="Some *text*.", **GIVEN)))
    hostile = plain | {"html": plain["html"].replace("<main>", f"<main>{hiding}")}
    assert hiding in hostile["html"]
    assert all(OURS.match(name) for name in fonts(printer.print(json.dumps(hostile).encode()).pdf))


@pytest.mark.parametrize("words", [560, 850])
def test_a_row_of_more_than_half_a_page_is_not_split_where_it_fits_on_a_page(
    printer: Printer, words: int
) -> None:
    rows = "".join(f"| begin{row} | {'word ' * words}end{row} |\n" for row in range(1, 13))
    for text in texts(printed(printer, f"| no. | text |\n| --- | --- |\n{rows}"))[1:]:
        assert re.findall(r"begin(\d+)", text) == re.findall(r"end(\d+)", text)


def test_a_paragraph_before_a_short_diff_stays_with_it_and_each_page_is_filled(printer: Printer) -> None:
    part = "begin{0} of a fix\n\n```diff\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old\n+end{0}\n```\n\n"
    pages = texts(printed(printer, "".join(map(part.format, range(60)))))[1:]
    for text in pages:
        assert re.findall(r"begin(\d+)", text) == re.findall(r"end(\d+)", text)
    assert len({text.count("begin") for text in pages[:-1]}) == 1

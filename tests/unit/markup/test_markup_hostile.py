"""Documents made to cost more than they are worth: each ends, whole or with a clear error, and says what it left plain.

Time is never asserted. A quadratic turn of any of these would take minutes, and the run of the tests with it.
"""

from __future__ import annotations

import re

import pytest
from html_reading import assert_harmless, read
from scale import SCALE, scale_limits

from nyxcore.errors import MarkdownTooLarge
from nyxcore.markup import limits
from nyxcore.markup.parser import extended
from nyxcore.markup.service import render

N = 100_000 // SCALE + 1_000
MANY = 20_000 // SCALE


@pytest.mark.parametrize(
    "unit", ["[", "![", "*", "_", "`", "~", "<", "&", "\\", "[a](", "[^", "*a_ ", "`a``", "<!--", "a@"]
)
def test_a_run_of_marks_is_shown_whole(unit: str) -> None:
    """In one paragraph, which is left plain, and in many."""
    one = render("x" + unit * N)
    assert '<p class="note">Shown as plain text, since it is longer than 20,000' in one.html
    assert read(one.html).text.count(unit) >= N - 1  # a space at the end is none
    many = render(("x" + unit * (10_000 // len(unit)) + "\n\n") * (5 if SCALE == 1 else 2))
    assert '<p class="note">' not in many.html
    assert_harmless(many.html)


@pytest.mark.parametrize(
    "unit", [":", "http://", "www.", "www._", "http://a", "mailto:", "a.b@", "https://a.b/("]
)
def test_a_run_that_looks_like_addresses_is_shown_whole(unit: str) -> None:
    source = unit * (19_000 // len(unit))
    assert read(render(source).html).text.strip().replace("_", "") == source.replace("_", "")


def test_a_line_of_ten_megabytes_is_refused_by_its_size() -> None:
    with pytest.raises(
        MarkdownTooLarge, match=r"10,000,000 characters; at most 8,000,000 are taken, so split it"
    ):
        render("x" * 10_000_000)


def test_a_line_of_the_largest_size_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    scale_limits(monkeypatch)
    number = limits.MAX_CHARACTERS // SCALE // len("&lt; ")
    assert read(render("&lt; " * number).html).text.count("&lt;") == number


def test_too_many_lines_are_refused_by_their_number() -> None:
    with pytest.raises(MarkdownTooLarge, match=r"600,000 line ends; at most 500,000"):
        render("x\r\n" * 600_000)


def test_of_a_table_without_end_the_rest_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    scale_limits(monkeypatch)
    html = render("| a | b | c |\n|---|---|---|\n" + "| 1 | 2 | 3 |\n" * N).html
    assert (
        html.count("Shown as plain text from here on, since the document has more than 400,000 parts.") == 1
    )
    assert read(html).text.count("1") == N and html.count("<tr>") > 30_000 // SCALE


@pytest.mark.parametrize(
    "line", [">" * 1_000 + " deep", "- " * 1_000 + "deep", "> - " * 500 + "deep", "1. " * 1_000 + "deep"]
)
def test_deep_nesting_ends_in_plain_text(line: str) -> None:
    html = render(line + "\n\nafter\n", language="de").html
    assert "Als einfacher Text gezeigt: mehr als 30 Ebenen tief verschachtelt." in html
    assert re.search(r"deep\n*</code></pre>", html) and html.rstrip().endswith("<p>after</p>")


def test_a_staircase_of_lists_loses_nothing() -> None:
    html = render("".join("  " * depth + f"- item{depth}.\n" for depth in range(1_000))).html
    text = read(html).text
    assert all(f"item{depth}." in text for depth in range(1_000))


def test_a_deep_quote_over_a_long_tail_does_not_read_it_at_every_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_STEPS", 100_000 // SCALE)
    html = render("> " * 29 + "a\n" + "tail\n" * (50_000 // SCALE)).html
    assert "has more than" in html and read(html).text.count("tail") == 50_000 // SCALE


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("".join(f"[a{n}](https://b.c/{n})\n\n" for n in range(MANY)), f'<a href="https://b.c/{MANY - 1}"'),
        ("".join(f"## heading {n}\n\n" for n in range(MANY)), f'id="section-heading-{MANY - 1}"'),
        ("## same\n\n" * MANY, f'id="section-same-{MANY - 1}"'),
        ("".join(f"a[^{n}]\n\n[^{n}]: b\n\n" for n in range(MANY // 4)), f'id="note-{MANY // 4}"'),
        ("[^1]: a\n\n" + "a[^1]\n\n" * MANY, f'id="noteref-1-{MANY}"'),
        (
            "".join(f"[a{n}]: https://b.c/{n}\n" for n in range(MANY)) + f"[a{MANY - 1}]",
            f'href="https://b.c/{MANY - 1}"',
        ),
    ],
    ids=["links", "headings", "equal headings", "footnotes", "one footnote", "definitions"],
)
def test_thousands_of_a_kind_are_made(source: str, wanted: str) -> None:
    assert wanted in render(source).html


def test_more_marks_than_a_report_has_are_plain_from_there_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MARKS", 10_000)
    html = render(("*b* " * 100 + "\n\n") * 100 + "end\n").html
    assert html.count("Shown as plain text from here on") == 1
    assert read(html).text.count("b") == 100 * 100 and 4_500 < html.count("<em>") <= 5_000
    assert html.endswith("<pre><code>end</code></pre>\n")


@pytest.mark.parametrize(
    "source",
    [
        "<div>\n\n" * 5_000,
        "<b>\n\na\n\n" * 5_000,
        "".join(f"<abbr title={n}>\n\n" for n in range(5_000)),
        "<div>\n" + "<a href='https://x'><b>" * 5_000 + "</b></a>" * 5_000,
        "<table>\n\n" + "a\n\n" * 5_000 + "</table>",
        "<div>" + "<" * N,
        "<div>\n" + "<!--\n" * N,
        "<a " + "b " * N,
        "<ul>\n" + "<li>a\n" * 20_000 + "</ul>",
    ],
    ids=["div", "b", "abbr", "links", "table", "less-than", "comments", "attributes", "items"],
)
def test_raw_html_without_end_is_bounded(source: str) -> None:
    html = render(source).html
    assert len(html) < 12 * len(source) + 1_000
    depth = deepest = 0
    for tag in html.split("<")[1:]:
        depth += -1 if tag.startswith("/") else not tag.startswith(("br", "hr", "img", "wbr", "input"))
        deepest = max(deepest, depth)
    assert deepest < 100


def test_a_definition_cannot_be_multiplied() -> None:
    long = "[a]: x '" + "t" * 5_000 + "'"
    html = render(f"{long}\n\n" + "[a]\n\n" * 2_000).html
    assert html.count("t" * 5_000) == 1 and html.count("[a]") == 2_001


def test_a_document_that_becomes_too_much_html_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_HTML", 1_000_000)
    source = "[a]: https://x.y '" + "t" * 1_500 + "'\n\n" + "[a]\n\n" * 2_000
    with pytest.raises(MarkdownTooLarge, match="characters once it is HTML; at most 1,000,000"):
        render(source)
    image = "data:image/png;base64," + "A" * 100_000
    with pytest.raises(MarkdownTooLarge, match="characters once it is HTML"):
        render(f"[a]: <{image}>\n\n" + "[a]\n\n" * 20)


def test_control_characters_without_end_are_replaced() -> None:
    number = 100_000
    html = render("\u202e" * number + "\n\n```\n" + "\u200b" * number + "\n```\n").html
    assert html.count("\ufffd") == 2 * number - 10_000 and len(html) < 8 * number


def test_the_next_document_is_converted_after_a_refused_one() -> None:
    with pytest.raises(MarkdownTooLarge):
        render("x" * 9_000_000)
    assert render("*x*").html == "<p><em>x</em></p>\n"


def test_an_ordinary_report_of_a_megabyte_meets_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    scale_limits(monkeypatch)
    part = "## Part\n\n" + "A *finding* in `a/b.py` of https://a.b/c, see [more](#part).\n\n" * 20
    part += "| a | b |\n|---|---|\n" + "| `x` | high |\n" * 20 + "\n```diff\n-a\n+b\n```\n\n"
    source = part * (1_000_000 // SCALE // len(part))
    assert '<p class="note">' not in render(source).html


def test_images_of_megabytes_are_not_parsed() -> None:
    """Twenty links around one: each level reads the address inside of it again."""
    source = "![" * 20 + "a](data:image/png;base64," + "A" * 2_000_000 + ")" + "](x)" * 20
    tokens = extended().parse(source[:100])
    assert tokens and len(render(source).html) < 200
    assert "A" * 1_000_000 in render("`data:image/png;base64," + "A" * 1_000_000 + "`").html

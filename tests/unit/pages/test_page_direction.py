"""Text that is read from right to left says so, block by block; other text says nothing."""

import re

import pytest
from page_documents import body, page

ARABIC = "تقرير عن الشيفرة"
HEBREW = "שלום עולם"


def directions(markdown: str) -> list[tuple[str, str]]:
    """Element and direction of each that has one."""
    return re.findall(r'<(\w+)[^>]* dir="(\w+)"', body(page(markdown)))


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (f"{ARABIC}\n\n{HEBREW}\n\nLatin", [("p", "rtl"), ("p", "rtl")]),
        (f"## {ARABIC}\n\nLatin with {ARABIC} inside", [("h2", "rtl")]),
        (f"**12. “{ARABIC}”** (Python)", [("p", "rtl")]),
        (f"- {ARABIC}\n- Latin\n- {HEBREW}", [("ul", "rtl"), ("li", "ltr")]),
        (f"1. Latin\n2. {ARABIC}\n   - {HEBREW}", [("li", "rtl"), ("ul", "rtl")]),
        (f"| a | b |\n| --- | --- |\n| {ARABIC} | 3 |", [("td", "rtl")]),
        (f"| {ARABIC} | b |\n| --- | --- |\n| 3 | `x` |", [("table", "rtl"), ("th", "ltr"), ("td", "ltr")]),
        (f"`main.py` {ARABIC}", [("p", "rtl")]),
        (f"> {ARABIC}\n>\n> Latin", [("blockquote", "rtl"), ("p", "ltr")]),
        (f'<p dir="ltr">{ARABIC}</p>', [("p", "ltr")]),
        (f"```\n{ARABIC}\n```\n\nLatin", []),
    ],
)
def test_a_block_goes_the_way_of_its_first_strong_letter(
    markdown: str, expected: list[tuple[str, str]]
) -> None:
    assert directions(markdown) == expected


def test_a_page_without_such_text_has_no_direction() -> None:
    html = page("# A\n\nText\n\n- 1\n- b\n\n| a |\n| - |\n| 漢 |\n")
    assert not re.search(r'<\w+[^>]* dir="', html)


def test_cover_contents_and_running_head_go_their_own_way_too() -> None:
    text = "".join(f"## {ARABIC} {number}\n\n" + "Words.\n\n" * 30 for number in range(6))
    html = page(text, title=f"{ARABIC} · Auto-fix", project=ARABIC)
    assert re.search(r'<h1 class="size-\d" dir="rtl">', html)
    assert f'<dd dir="rtl">{ARABIC}</dd>' in html and "<dd>Auto-fix</dd>" in html
    assert f'<span dir="rtl">{ARABIC} 0</span>' in html
    assert r'@top-left{content:"\2068 ' in html

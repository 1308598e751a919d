"""Text from a repository cannot break out of the document that it stands in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nyxcore.markup.parser import extended
from nyxcore.reports.markdown import bar, code, fenced, inline, table

COMMONMARK = MarkdownIt("commonmark").enable("table")


def test_code_spans_of_a_message_stay_code() -> None:
    assert inline("`os` imported but unused") == "`os` imported but unused"


def test_html_in_a_message_is_shown_and_not_acted_on() -> None:
    html = COMMONMARK.render(inline("use <script>alert(1)</script> & *never* [x](http://y)"))
    assert "<script>" not in html and "<em>" not in html and "<a " not in html
    assert "&lt;script&gt;" in html


TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
WHOLE = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0" + TURNING), min_size=1)


@given(WHOLE.filter(lambda text: "\\|" not in text))
def test_a_code_span_shows_any_text_whole(text: str) -> None:
    flat = " ".join(text.split())
    tokens = COMMONMARK.parseInline(code(text))[0].children or []
    if flat:
        assert [token.type for token in tokens] == ["code_inline"]
        assert tokens[0].content.strip(" ") == flat.strip(" ")


@given(st.text(alphabet="`~ax\n +-"))
def test_no_line_of_a_diff_closes_its_block(diff: str) -> None:
    tokens = COMMONMARK.parse(fenced(diff, "diff") + "\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


def test_a_pipe_in_a_cell_does_not_make_a_column() -> None:
    html = COMMONMARK.render(table(["rule", "n"], [["`a|b`", "1"]], numbers_from=1))
    assert html.count("<td") == 2 and "a|b" in html


@pytest.mark.parametrize("text", ["a\\|b", "`a\\|b`", "\\\\|", "|", "`|`", "\\`|\\`"])
def test_no_combination_of_backslash_and_pipe_makes_a_column(text: str) -> None:
    for cell in (code(text), inline(text)):
        html = COMMONMARK.render(table(["a", "b"], [[cell, "1"]]))
        assert html.count("<td") == 2 and "<td>1</td>" in html


@pytest.mark.parametrize(
    "text", ["- a", "+ a", "1. a", "2) a", "> a", "# a", "=== ", "---", "    a", "| a |"]
)
def test_a_text_does_not_begin_a_block(text: str) -> None:
    tokens = COMMONMARK.parse(inline(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert "".join(child.content for child in tokens[1].children or []) == text.strip()


@pytest.mark.parametrize(
    "text", ["https://evil.example", "www.evil.example", "WWW.evil.example", "a@evil.example"]
)
def test_an_address_does_not_become_a_link(text: str) -> None:
    tokens = extended().parseInline(inline(text))[0].children or []
    assert [token.type for token in tokens if "link" in token.type] == []
    assert "".join(token.content for token in tokens) == text


@pytest.mark.parametrize(
    ("part", "whole", "drawn"), [(0, 9, ""), (9, 9, "█" * 12), (1, 10_000, "▏"), (1, 2, "█" * 6)]
)
def test_a_bar_is_as_long_as_its_share(part: int, whole: int, drawn: str) -> None:
    assert bar(part, whole) == drawn

"""Text from a repository cannot break out of the document that it stands in."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nyxcore.reports.markdown import code, fenced, inline, table

COMMONMARK = MarkdownIt("commonmark").enable("table")


def test_code_spans_of_a_message_stay_code() -> None:
    assert inline("`os` imported but unused") == "`os` imported but unused"


def test_html_in_a_message_is_shown_and_not_acted_on() -> None:
    html = COMMONMARK.render(inline("use <script>alert(1)</script> & *never* [x](http://y)"))
    assert "<script>" not in html and "<em>" not in html and "<a " not in html
    assert "&lt;script&gt;" in html


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
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

"""Code that is cut into lines, tables that are measured, names that may break: and not a word of it is changed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_documents import words

from nyxcore.markup.service import render
from nyxcore.pages.dressing import LINE_COLUMNS, dress

SEVERITIES = {"high": "high"}


def dressed(markdown: str) -> str:
    return dress(render(markdown).html, SEVERITIES)


def lines(html: str) -> list[tuple[str, str]]:
    """Class and text of each line of code."""
    found = re.findall(
        r'<span class="(line[^"]*)">(.*?\n)(?:</span>)*(?=<span class="line|</code>)', html, re.DOTALL
    )
    return [(name, words(text)) for name, text in found]


def test_each_line_of_code_is_an_element_of_its_own() -> None:
    assert lines(dressed('```python\ndef f():\n    """a\n    b"""\n\n    return 1\n```\n')) == [
        ("line", "def f():\n"),
        ("line", '    """a\n'),
        ("line", '    b"""\n'),
        ("line", "\n"),
        ("line", "    return 1\n"),
    ]


def test_what_is_coloured_over_two_lines_is_coloured_in_both() -> None:
    html = dressed('```python\nx = """a\nb"""\n```\n')
    assert html.count('<span class="s2">') + html.count('<span class="sd">') >= 2
    assert html.count("<span") == html.count("</span>")


def test_lines_of_a_diff_say_what_they_are() -> None:
    diff = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n context\n-old\n+new\n"
    assert [name for name, _ in lines(dressed(f"```diff\n{diff}```\n"))] == [
        "line file",
        "line file",
        "line hunk",
        "line",
        "line del",
        "line add",
    ]


def test_a_removed_line_that_begins_like_a_files_name_is_a_removed_line() -> None:
    diff = "--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1 @@\n--- a comment of SQL\n-++ odd\n+++ odder\n"
    assert [name for name, _ in lines(dressed(f"```diff\n{diff}```\n"))][2:] == [
        "line hunk",
        "line del",
        "line del",
        "line add",
    ]


def test_minuses_in_what_is_no_diff_mean_nothing() -> None:
    assert lines(dressed("```text\n-not a diff\n```\n")) == [("line", "-not a diff\n")]


def test_raw_html_with_line_breaks_in_code_stays_balanced() -> None:
    html = dressed("<pre><code>a<br>b<b>c\nd</b></code></pre>\n")
    assert "</br>" not in html
    assert html.count("<b>") == html.count("</b>") == 2


@pytest.mark.parametrize(
    ("code", "goes_on"),
    [
        ("x" * LINE_COLUMNS, False),
        ("x" * (LINE_COLUMNS + 1), True),
        ("&" * LINE_COLUMNS, False),
        ("漢" * (LINE_COLUMNS // 2 + 1), True),
    ],
)
def test_a_line_that_is_wider_than_the_page_is_marked(code: str, goes_on: bool) -> None:
    ((name, _),) = lines(dressed(f"```\n{code}\n```\n"))
    assert name == ("line long" if goes_on else "line")


def test_code_in_a_block_of_raw_html_stays_as_it_is() -> None:
    assert "class=" not in dressed("<pre>\na\nb\n</pre>\n")


@pytest.mark.parametrize(("columns", "size"), [(2, 0), (6, 0), (7, 1), (9, 2), (12, 3)])
def test_a_table_of_many_columns_is_set_smaller(columns: int, size: int) -> None:
    head, rule = "| a " * columns + "|\n", "| --- " * columns + "|\n"
    assert f'<div class="table wide-{size}"><table>' in dressed(head + rule + head)


def test_a_table_whose_words_do_not_fit_beside_each_other_is_set_smaller() -> None:
    row = "| internationalization " * 6 + "|\n"
    assert '<div class="table wide-2">' in dressed(row + "| --- " * 6 + "|\n" + row)


def test_tables_within_a_page_are_told_from_each_other() -> None:
    narrow, wide = "| a |\n| --- |\n| b |\n", "| a " * 12 + "|\n" + "| --- " * 12 + "|\n"
    html = dressed(f"{narrow}\n{wide}\n{narrow}")
    assert re.findall(r'class="table (wide-\d)"', html) == ["wide-0", "wide-3", "wide-0"]


def test_long_names_may_break_after_punctuation_and_short_ones_stay_whole_in_cells() -> None:
    html = dressed("| `ruff:S602` | `src/package/module_name.py` |\n| --- | --- |\n")
    assert '<code class="short">ruff:S602</code>' in html
    assert "<code>src/<wbr>package/<wbr>module_<wbr>name.py</code>" in html


def test_a_word_without_punctuation_may_break_anywhere_in_a_cell_but_never_inside_a_character() -> None:
    html = dressed(f"| {'&' * 60} |\n| --- |\n")
    assert "<wbr>" in html
    assert words(html).strip() == "&" * 60


def test_prose_is_not_broken() -> None:
    assert "<wbr>" not in dressed("https-like/words_with_punctuation.in/prose and more")


@given(st.text(st.sampled_from("ab &<>|`*_#-+@\n\t~\"'/.:漢high"), max_size=200))
def test_what_a_text_says_is_never_changed(markdown: str) -> None:
    html = render(markdown).html
    assert words(dress(html, SEVERITIES)) == words(html)


@given(
    st.text(st.sampled_from("ab <>&;\"'-+\n"), max_size=120), st.sampled_from(["diff", "python", "html", ""])
)
def test_code_is_copied_as_it_was_written(code: str, language: str) -> None:
    html = render(f"~~~~{language}\n{code}\n~~~~\n").html
    assert words(dress(html, {})) == words(html)


def test_no_line_of_a_colophon_begins_with_a_dot_or_a_unit() -> None:
    html = dressed("1 a · b\n\n---\n\nRun `x 1 y` · 4.4 s · patch 2,314 bytes · models: none\n")
    assert "1 a · b" in html
    assert "x 1 y" in html
    assert "\xa0· 4.4\xa0s\xa0· patch 2,314\xa0bytes\xa0· models: none" in html


def test_a_rule_with_code_below_changes_nothing() -> None:
    assert "4 s · 5" in dressed("---\n\n```\n4 s · 5\n```\n")

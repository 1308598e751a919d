"""Every example of the CommonMark specification, with the extensions off and before sanitising."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from scale import SCALE

from nyxcore.markup.parser import commonmark

SPEC = Path(__file__).parents[3] / "node_modules/commonmark-spec/spec.txt"
_EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n(.*?)^`{32}$", re.DOTALL | re.MULTILINE)


def examples() -> list[tuple[str, str]]:
    """Markdown and HTML of each example; the specification writes a tab as an arrow."""
    text = SPEC.read_text().replace("→", "\t")
    return [(source, html) for source, html in _EXAMPLE.findall(text)]


def test_the_specification_is_the_one_that_the_project_names() -> None:
    assert "version: '0.31.2'" in SPEC.read_text()
    assert len(examples()) == 652


@pytest.mark.parametrize("number", range(1, 653))
def test_an_example_of_the_specification_comes_out_as_it_says(number: int) -> None:
    source, html = examples()[number - 1]
    # the specification's own test program takes white space between the tags of blocks for equal
    assert commonmark().render(source).replace("<blockquote></", "<blockquote>\n</") == html


_CHARACTERS = st.text(alphabet="ab *_`[]()!<>&\\'\"\n", min_size=1, max_size=4)
_WHOLE = st.sampled_from(
    ["](", "![", "&amp;", "<a>", "<!--", "-->", "http://a.b", "[a]: /u\n\n", "  \n", "\n\n"]
)


@settings(max_examples=500 // SCALE)
@given(st.lists(_CHARACTERS | _WHOLE, max_size=25).map("".join))
def test_our_inline_parser_reads_what_markdown_its_own_reads(source: str) -> None:
    assert commonmark().render(source) == MarkdownIt("commonmark").render(source)

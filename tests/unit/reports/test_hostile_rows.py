"""Text from a repository cannot break out of the place in a report where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it.token import Token
from report_rows import EVERYTHING, HOSTILE_FILE, HOSTILE_TEXT, facts, finding, fixed

from nyxcore.markup.parser import extended
from nyxcore.reports.facts import Facts, Skipped, Source
from nyxcore.reports.kinds.auto_fix import RENDERERS
from nyxcore.reports.language import language_of

GFM = extended()  # tables, strikethrough, and links out of bare addresses
_BLOCKS = {"heading", "paragraph", "bullet_list", "ordered_list", "list_item", "blockquote", "fence", "hr"}
_TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
_INLINE = {"inline", "text", "text_special", "code_inline", "strong", "em", "softbreak"}
ALLOWED = _BLOCKS | _TABLES | _INLINE
HOSTILE = st.text(
    alphabet="`|\\<>[]()!*_#~-+=:;\"'&/ \n\t\r{}@^$%.1aw\u202e\u2066é", max_size=40
) | st.sampled_from(
    [
        HOSTILE_TEXT,
        HOSTILE_FILE,
        "```",
        "~~~",
        "---",
        "    code",
        "- a",
        "1) a",
        "<!--",
        "[a]: http://b",
        "\\|",
        "`\\|`",
    ]
)


def tokens(text: str) -> Iterator[Token]:
    for token in GFM.parse(text):
        yield token
        yield from token.children or ()


def shape(text: str) -> list[str]:
    """The blocks of a document with what its headings, fences and rows are."""
    return [
        f"{token.type} {token.info}" if token.type == "fence" else token.type for token in GFM.parse(text)
    ]


def with_text(text: str) -> Facts:
    """A run whose every text from outside is this one."""
    file = text or "a.py"
    one, its_fix = fixed(file=file, title=text, message=text, rule=f"ruff:{text}")
    grave = {"severity": "critical", "category": "security"}
    return facts(
        project=text or "x",
        source=Source(text or "x", text, "ab" * 32, None),
        findings=[
            one,
            finding(file=file, title=text, message=text, reason=text, rule=f"ruff:{text}", start_line=9),
            finding(file=file, title=text, message=text, reason=text, rule="r", start_line=10, **grave),
            finding(file=file, title=text, state="not_a_bug", reason=text, rule="r", start_line=11, **grave),
        ],
        fixes=[its_fix.model_copy(update={"diff": text, "explanation": text})],
        skipped=[Skipped(text or "x", 2, [file]), Skipped("binary", 3, [file, file])],
        notes=[text],
        explanations={f"ruff:{text}": text, "r": text},
    )


@settings(deadline=None, max_examples=150)
@given(text=HOSTILE, style=st.sampled_from(list(RENDERERS)), language=st.sampled_from(["en", "de"]))
def test_no_text_makes_markdown_of_its_own(text: str, style: str, language: str) -> None:
    kinds = {
        token.type.removesuffix("_open").removesuffix("_close")
        for token in tokens(RENDERERS[style](with_text(text), language_of(language)))
    }
    assert kinds <= ALLOWED


@settings(deadline=None, max_examples=150)
@given(text=HOSTILE.filter(str.strip), style=st.sampled_from(list(RENDERERS)))
def test_the_blocks_are_the_same_whatever_the_text_is(text: str, style: str) -> None:
    language = language_of("en")
    assert shape(RENDERERS[style](with_text(text), language)) == shape(
        RENDERERS[style](with_text("plain"), language)
    )


@pytest.mark.parametrize("style", RENDERERS)
@pytest.mark.parametrize("language", ["en", "de"])
def test_no_text_of_the_repository_comes_into_a_diagram(style: str, language: str) -> None:
    fences = [
        token
        for token in GFM.parse(RENDERERS[style](EVERYTHING, language_of(language)))
        if token.type == "fence"
    ]
    diagrams = [token.content for token in fences if token.info == "mermaid"]
    assert {token.info for token in fences} <= {"mermaid", "diff"}
    for diagram in diagrams:
        assert re.search(r"evil|script|graph|init|pkg|Shop", diagram) is None
        assert diagram.startswith(("---\nconfig:", "gantt\n"))
    assert bool(diagrams) == (style in {"executive", "technical"})


@pytest.mark.parametrize("mark", "\u061c\u200e\u202a\u202e\u2066\u2069")
def test_characters_that_turn_the_text_around_are_shown_as_escapes(mark: str) -> None:
    text = RENDERERS["technical"](with_text(f"a{mark}b"), language_of("en"))
    assert mark not in text
    assert f"u{ord(mark):04x}" in text


def test_a_severity_word_in_a_message_is_not_marked_as_a_severity() -> None:
    one = finding(severity="low", message="**critical** failure")
    strong = [
        token.children[index + 1].content
        for token in GFM.parse(RENDERERS["technical"](facts(findings=[one]), language_of("en")))
        if token.children
        for index, child in enumerate(token.children)
        if child.type == "strong_open"
    ]
    assert "low" in strong and "critical" not in strong

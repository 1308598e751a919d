"""What a persona does to a prompt, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyxcore.personas import library
from nyxcore.personas.applying import apply, system_text


@dataclass
class Speaker:
    prompt: str
    traits: list[str] = field(default_factory=list)
    specializations: list[str] = field(default_factory=list)


def words(text: str) -> int:
    return len(text.split())


def test_the_persona_comes_first_and_the_step_s_own_system_prompt_last() -> None:
    done = apply(
        Speaker("You review.", ["kind"], ["SQL", "Go"]), "Review it.", system="Be brief.", count=words
    )
    assert done.system == (
        "You review.\n\nTraits that show in your work: kind.\n\nYour fields: SQL, Go. Where a question lies outside"
        " of them, say so before you answer it.\n\nBe brief."
    )
    assert [(part.place, part.source) for part in done.parts] == [
        ("system", "persona.prompt"),
        ("system", "persona.traits"),
        ("system", "persona.specializations"),
        ("system", "step.system"),
        ("prompt", "step.prompt"),
    ]


def test_a_persona_with_a_prompt_alone_adds_its_prompt_alone() -> None:
    done = apply(Speaker("You review."), "Review it.", count=words)
    assert (done.system, done.prompt, done.added_tokens) == ("You review.", "Review it.", 2)


def test_the_cost_is_counted_with_the_counter_of_the_model() -> None:
    speaker = Speaker("You review.", ["kind"])
    assert apply(speaker, "x", system="y", count=len).added_tokens == len(system_text(speaker)) + 2
    assert apply(speaker, "x", system="y", count=words).added_tokens == words(system_text(speaker))


def test_what_looks_like_a_reference_in_a_persona_stays_text() -> None:
    done = apply(Speaker("Say {{input}} and {{steps.a.content}}.", ["{{goal}}"]), "{{input}}", count=words)
    assert "{{input}} and {{steps.a.content}}" in done.system and "{{goal}}" in done.system
    assert done.prompt == "{{input}}"


_TEXTS = st.text(min_size=1)


@given(_TEXTS, st.lists(_TEXTS), st.lists(_TEXTS), _TEXTS, st.text())
def test_the_parts_joined_are_what_is_sent(
    prompt: str, traits: list[str], fields: list[str], asked: str, system: str
) -> None:
    done = apply(Speaker(prompt, traits, fields), asked, system=system, count=len)
    for place, whole in (("system", done.system), ("prompt", done.prompt)):
        assert "".join(part.text for part in done.parts if part.place == place) == whole
    assert done.prompt == asked
    assert done.system.endswith(system)
    assert sum(part.tokens for part in done.parts) == len(done.system) + len(done.prompt)


@pytest.mark.parametrize("persona", library.read(), ids=lambda each: each.key)
def test_every_built_in_persona_changes_what_is_sent_by_its_whole_text(persona: library.BuiltIn) -> None:
    plain = apply(Speaker("-"), "Look at it.", count=words)
    done = apply(persona, "Look at it.", count=words)
    assert done.system == system_text(persona) != plain.system
    assert 200 < done.added_tokens < 500
    for trait in [*persona.traits, *persona.specializations]:
        assert trait in done.system


def test_no_two_built_in_personas_say_much_of_the_same() -> None:
    lines = [
        {line for line in persona.prompt.splitlines() if line and line not in _HEADINGS}
        for persona in library.read()
    ]
    for index, mine in enumerate(lines):
        assert all(not mine & other for other in lines[index + 1 :])


_HEADINGS = {
    "How you look at things",
    "What you ask first",
    "What you do not conclude without evidence",
    "The form of your answer",
}


@pytest.mark.parametrize("persona", library.read(), ids=lambda each: each.key)
def test_every_built_in_prompt_says_how_it_looks_asks_doubts_and_answers(persona: library.BuiltIn) -> None:
    assert set(persona.prompt.splitlines()) >= _HEADINGS
    assert "{{" not in persona.prompt

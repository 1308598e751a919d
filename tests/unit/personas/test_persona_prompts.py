"""What a persona puts before a step's system prompt; where it goes from there is in workflows/test_resolving.py."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from nyxcore.personas import library
from nyxcore.personas.applying import system_text


@dataclass
class Speaker:
    prompt: str
    traits: list[str] = field(default_factory=list)
    specializations: list[str] = field(default_factory=list)


def test_the_prompt_comes_first_then_the_traits_and_the_fields() -> None:
    assert system_text(Speaker("You review.\n", ["kind"], ["SQL", "Go"])) == (
        "You review.\n\nTraits that show in your work: kind.\n\nYour fields: SQL, Go. Where a question lies outside"
        " of them, say so before you answer it."
    )


def test_a_persona_with_a_prompt_alone_adds_its_prompt_alone() -> None:
    assert system_text(Speaker("You review.")) == "You review."


@pytest.mark.parametrize("persona", library.read(), ids=lambda each: each.key)
def test_every_built_in_persona_has_enough_to_say_and_says_its_traits(persona: library.BuiltIn) -> None:
    said = system_text(persona)
    assert 200 < len(said.split()) < 500
    for trait in [*persona.traits, *persona.specializations]:
        assert trait in said


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

"""What a persona does to a prompt: pure, so that a preview shows exactly what a run sends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Place = Literal["system", "prompt"]
Source = Literal["persona.prompt", "persona.traits", "persona.specializations", "step.system", "step.prompt"]


class Speaking(Protocol):
    """What a persona needs to have to be applied."""

    @property
    def prompt(self) -> str: ...
    @property
    def traits(self) -> Sequence[str]: ...
    @property
    def specializations(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class PromptPart:
    """A stretch of what is sent: where it stands, where it came from, and its tokens."""

    place: Place
    source: Source
    text: str
    tokens: int


@dataclass(frozen=True)
class Applied:
    """A step's system prompt and prompt as they are sent.

    Attributes
    ----------
    parts : in order; those of a place, joined, are the whole text of that place.
    added_tokens : how many of them the persona costs.
    """

    system: str
    prompt: str
    parts: tuple[PromptPart, ...]

    @property
    def added_tokens(self) -> int:
        return sum(part.tokens for part in self.parts if part.source.startswith("persona."))


def apply(persona: Speaking, prompt: str, *, system: str = "", count: Callable[[str], int]) -> Applied:
    """Put the persona before the step's own system prompt; the prompt itself passes unchanged.

    Nothing is expanded: text of a persona that looks like a reference is text.

    Parameters
    ----------
    persona : its prompt comes first, then its traits and its specializations, if it has any.
    system : the step's own system prompt; it comes last, since it is about this step.
    count : tokens of a text, for the model that will be asked.
    """
    texts = _of_persona(persona)
    if system:
        texts.append(("step.system", system))
    parts = [
        _part("system", source, text if index == len(texts) - 1 else f"{text}\n\n", count)
        for index, (source, text) in enumerate(texts)
    ]
    parts.append(_part("prompt", "step.prompt", prompt, count))
    whole = "".join(part.text for part in parts if part.place == "system")
    return Applied(system=whole, prompt=prompt, parts=tuple(parts))


def system_text(persona: Speaking) -> str:
    """What the persona puts before a step's system prompt."""
    return "\n\n".join(text for _, text in _of_persona(persona))


def _of_persona(persona: Speaking) -> list[tuple[Source, str]]:
    texts: list[tuple[Source, str]] = [("persona.prompt", persona.prompt.strip())]
    if persona.traits:
        texts.append(("persona.traits", f"Traits that show in your work: {', '.join(persona.traits)}."))
    if persona.specializations:
        fields = ", ".join(persona.specializations)
        texts.append(
            (
                "persona.specializations",
                f"Your fields: {fields}. Where a question lies outside of them, say so before you answer it.",
            )
        )
    return texts


def _part(place: Place, source: Source, text: str, count: Callable[[str], int]) -> PromptPart:
    return PromptPart(place, source, text, count(text))

"""What a persona puts before a step's own system prompt: pure, so that a preview shows exactly what a run sends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Speaking(Protocol):
    """What a persona needs to have to be applied."""

    @property
    def prompt(self) -> str: ...
    @property
    def traits(self) -> Sequence[str]: ...
    @property
    def specializations(self) -> Sequence[str]: ...


def system_text(persona: Speaking) -> str:
    """The persona's prompt, then its traits and its specializations, if it has any.

    Nothing is expanded: text of a persona that looks like a reference is text.
    """
    texts = [persona.prompt.strip()]
    if persona.traits:
        texts.append(f"Traits that show in your work: {', '.join(persona.traits)}.")
    if persona.specializations:
        texts.append(
            f"Your fields: {', '.join(persona.specializations)}."
            " Where a question lies outside of them, say so before you answer it."
        )
    return "\n\n".join(texts)

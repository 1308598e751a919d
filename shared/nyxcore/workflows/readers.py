"""The models that may come to read a prompt: the one that is asked, and those that are tried should it fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Readers:
    """A prompt has to suit each of them, since nobody knows beforehand which one answers.

    Attributes
    ----------
    models : in the order in which they are tried; at least one.
    count_for : tokens of a text for a model.
    window_of : tokens that a model takes, its answer included.
    """

    models: Sequence[str]
    count_for: Callable[[str, str], int]
    window_of: Callable[[str], int]

    def count(self, text: str) -> int:
        """Tokens of a text for the one that cuts it finest."""
        return max(self.count_for(text, model) for model in self.models)

    def room(self, output_tokens: int) -> int:
        """Tokens that a prompt may have beside an answer of so many: what the smallest window leaves."""
        return min(self.window_of(model) for model in self.models) - output_tokens

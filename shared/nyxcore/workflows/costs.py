"""What a preview has to be told of the models that a run would ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import JsonValue

from nyxcore.llm.models import Amount
from nyxcore.workflows.lengths import Length


@dataclass(frozen=True)
class Sending:
    """A call as it would be made: to whom, what, and how long it may get once the outputs to come are there."""

    models: Sequence[str]
    system: str
    prompt: str
    output_tokens: int
    output_schema: dict[str, JsonValue] | None
    to_come: Length


@dataclass(frozen=True)
class Cost:
    """What a call costs.

    Attributes
    ----------
    usd : one attempt of the first model, its answer as long as it may be.
    least : what a budget must have room for, so that it can be made.
    most : every try of every model: it cannot spend more.
    """

    usd: Decimal
    least: Amount
    most: Amount


@dataclass(frozen=True)
class Terms:
    """What a preview has to know of models.

    Attributes
    ----------
    model : the one that is asked where a step names none.
    count : tokens of a text for a model.
    window : tokens that a model takes, its answer included.
    cost : of a call; None where one of its models has no credential yet.
    """

    model: str
    count: Callable[[str, str], int]
    window: Callable[[str], int]
    cost: Callable[[Sending], Cost | None]

"""Limits on what models may cost, and how much of them is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, PlainSerializer, WithJsonSchema

from nyxcore.llm.models import Amount
from nyxcore.wire import A_NUMBER, RequestModel, WireModel

_MOST_TOKENS = 10**15
_MOST_USD = 10**8

GivenUsd = Annotated[
    Decimal,
    Field(ge=0, le=_MOST_USD),
    A_NUMBER,
    AfterValidator(lambda usd: usd.quantize(Decimal("0.000001"))),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MOST_USD}),
]
GivenTokens = Annotated[int, Field(ge=0, le=_MOST_TOKENS), A_NUMBER]
ShownUsd = Annotated[
    Decimal, PlainSerializer(float, return_type=float), WithJsonSchema({"type": "number", "minimum": 0})
]


class BudgetDraft(RequestModel):
    """The limits of a tenant, or of one of its projects; null is no limit. They replace those that were set."""

    project_id: UUID | None = Field(default=None, description="null: the tenant as a whole")
    monthly_usd: GivenUsd | None = Field(default=None, examples=[50])
    monthly_tokens: GivenTokens | None = None
    run_usd: GivenUsd | None = Field(default=None, description="of each run", examples=[2.5])
    run_tokens: GivenTokens | None = None


class Budget(WireModel):
    """Limits, what the month (of UTC) has cost so far, and what is held for attempts that are under way."""

    project_id: UUID | None
    monthly_usd: ShownUsd | None
    monthly_tokens: int | None
    run_usd: ShownUsd | None
    run_tokens: int | None
    month: str = Field(examples=["2026-11"])
    spent_usd: ShownUsd
    spent_tokens: int
    held_usd: ShownUsd
    held_tokens: int


class BudgetList(WireModel):
    """The tenant's budget, and those of its projects that have one or have spent this month."""

    items: list[Budget]


@dataclass(frozen=True)
class Attempt:
    """An attempt of a step of a run: what a reservation and its ledger rows belong to."""

    run_id: UUID
    step: str
    attempt: int


@dataclass(frozen=True)
class Limit:
    """The most that may be spent; None is no limit."""

    usd: Decimal | None = None
    tokens: int | None = None

    def least(self, other: Limit) -> Limit:
        """The tighter of both."""
        return Limit(_least(self.usd, other.usd), _least(self.tokens, other.tokens))

    def less(self, amount: Amount) -> Limit:
        """What of it is not used up by the amount."""
        return Limit(
            None if self.usd is None else self.usd - amount.usd,
            None if self.tokens is None else self.tokens - amount.tokens,
        )


@dataclass(frozen=True)
class Room:
    """What the tightest limits of an attempt leave: `free` now, `left` once all that is held were given back."""

    free: Limit
    left: Limit

    def only_held(self, wanted: Amount) -> bool:
        """Whether so much does not fit now, but would if nothing were held."""
        return not _fits(self.free, wanted) and _fits(self.left, wanted)

    def within(self, other: Room) -> Room:
        """What both leave."""
        return Room(self.free.least(other.free), self.left.least(other.left))

    def without(self, amount: Amount) -> Room:
        """The room beside somebody who will hold so much."""
        return Room(self.free.less(amount), self.left)


@dataclass(frozen=True)
class Reservation:
    """What is held for an attempt; `closed` when it was settled or given back."""

    attempt: Attempt
    project_id: UUID
    month: date
    amount: Amount
    closed: bool


def _fits(limit: Limit, wanted: Amount) -> bool:
    """As a limit is kept: what is not wanted fits even where more is spent than is allowed."""
    usd = limit.usd is None or not wanted.usd or wanted.usd <= limit.usd
    return usd and (limit.tokens is None or not wanted.tokens or wanted.tokens <= limit.tokens)


def _least[Number: (int, Decimal)](one: Number | None, other: Number | None) -> Number | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)

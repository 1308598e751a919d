"""What is asked of a model, what it answered, and the ledger of every attempt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from nyxcore.errors import InvalidInput
from nyxcore.wire import Instant, WireModel

OFFLINE: Final = "offline"
BEDROCK: Final = "bedrock"
RESERVED: Final = frozenset({OFFLINE, BEDROCK})
"""What no credential may be called: these two need no key of a tenant."""

CREDENTIAL_NAME: Final = r"^[a-z][a-z0-9-]{0,39}$"
_MODEL_NAME: Final = re.compile(r"(?P<source>[a-z][a-z0-9-]{0,39}):(?P<id>[!-~]{1,200})")

Protocol = Literal["offline", "bedrock", "openai", "anthropic"]
"""How a model is spoken to; `openai` is any endpoint that speaks OpenAI's chat completions."""


@dataclass(frozen=True)
class ModelName:
    """A model's name, taken apart.

    Attributes
    ----------
    source : `offline`, `bedrock`, or the name of the tenant's credential.
    id : what the provider calls the model; empty for `offline`.
    """

    source: str
    id: str

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """`offline` or `<source>:<id>`. Raises InvalidInput."""
        if text == OFFLINE:
            return cls(OFFLINE, "")
        match = _MODEL_NAME.fullmatch(text)
        if match is None or match["source"] == OFFLINE:
            raise InvalidInput(
                f"{text[:240]!r} names no model: write offline, bedrock:<id>, openai:<id>, anthropic:<id>"
                " or <name of a credential>:<id>"
            )
        return cls(match["source"], match["id"])

    @property
    def needs_key(self) -> bool:
        """Whether a credential of the tenant is needed."""
        return self.source not in RESERVED


@dataclass(frozen=True)
class Usage:
    """Tokens of one attempt; `cached` are those of `input` that the provider had in its cache."""

    input: int
    output: int
    cached: int = 0

    @property
    def total(self) -> int:
        """What counts against a limit of tokens."""
        return self.input + self.output


@dataclass(frozen=True)
class Amount:
    """US dollars and tokens."""

    usd: Decimal = Decimal(0)
    tokens: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.usd + other.usd, self.tokens + other.tokens)

    def __mul__(self, times: int) -> Amount:
        return Amount(self.usd * times, self.tokens * times)

    def fits(self, left: Amount) -> bool:
        """Whether so much is left of both; where nothing is wanted, nothing has to be left."""
        return (not self.usd or self.usd <= left.usd) and (not self.tokens or self.tokens <= left.tokens)


def _model_name(text: str) -> str:
    try:
        ModelName.parse(text)
    except InvalidInput as error:
        raise ValueError(error.message) from None
    return text


Model = Annotated[str, AfterValidator(_model_name)]
"""The name of a model as a workflow writes it."""

Usd = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=9)]

_DEAREST: Final = 100_000
UsdPerMillion = Annotated[
    Decimal,
    Field(ge=0, le=_DEAREST),
    PlainSerializer(float, return_type=float),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": _DEAREST}),
]


class Price(WireModel):
    """What a model costs, in US dollars per million tokens, as an operator or a tenant says it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    input_usd: UsdPerMillion
    output_usd: UsdPerMillion
    cached_usd: UsdPerMillion | None = Field(
        default=None, description="of input that the provider had cached; null: as input"
    )


CEILING: Final = Price(input_usd=Decimal(15), output_usd=Decimal(75))
"""What a model without any known price is charged at unless the operator says otherwise."""


class Endpoint(WireModel):
    """Where and how a tenant's models are reached; the key in it can be read by the caller's role alone.

    Attributes
    ----------
    protocol : `openai` or `anthropic`.
    base_url : None for the provider's own address.
    sealed_key : the key, encrypted (`nyxcore.credentials.sealing`), or None where the endpoint takes none.
    prices : prices of the tenant by model id; they go before the published ones.
    """

    protocol: Literal["openai", "anthropic"]
    base_url: str | None = None
    sealed_key: str | None = Field(default=None, repr=False)
    prices: dict[str, Price] = Field(default_factory=dict)


class ModelCall(WireModel):
    """One question to a model, with all that it takes to answer it where there is no database.

    Attributes
    ----------
    tenant_id : whose call it is; keys are sealed to their tenant.
    model, fallbacks : tried in this order; see `ModelName`.
    system, prompt : never logged.
    max_output_tokens : of one attempt.
    temperature : None for the model's own.
    output_schema : JSON Schema of `ModelAnswer.data`, or None for text.
    limit_usd, limit_tokens : what is held for all attempts together, nothing at first (`nyxcore.budgets.holding`);
        an attempt is made only if the most that it can cost still fits. Tokens are input and output.
    deadline_seconds : for everything, waits between attempts included.
    tries : of one model, when its failures are such that another try can help.
    endpoints : by the name of the credential.
    prices : the operator's, by the model's whole name; they go after the tenant's and before the published ones.
        `*` is the ceiling: what a model without any known price is charged at.
    """

    tenant_id: str
    model: Model
    fallbacks: tuple[Model, ...] = Field(default=(), max_length=5)
    system: str = Field(default="", repr=False)
    prompt: str = Field(repr=False)
    max_output_tokens: int = Field(default=4096, ge=1, le=200_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    output_schema: dict[str, Any] | None = None
    limit_usd: Usd = Decimal(0)
    limit_tokens: int = Field(default=0, ge=0)
    deadline_seconds: float = Field(default=600.0, gt=0, le=880)
    tries: int = Field(default=3, ge=1, le=5)
    endpoints: dict[str, Endpoint] = Field(default_factory=dict, repr=False)
    prices: dict[str, Price] = Field(default_factory=dict)

    @property
    def chain(self) -> tuple[str, ...]:
        """The models in the order in which they are tried, each once."""
        return tuple(dict.fromkeys((self.model, *self.fallbacks)))

    @model_validator(mode="after")
    def _every_key_is_there(self) -> Self:
        for name in self.chain:
            source = ModelName.parse(name)
            if source.needs_key and source.source not in self.endpoints:
                raise ValueError(f"{name}: the call carries no endpoint {source.source}")
        return self


class LedgerEntry(WireModel):
    """One attempt at one model.

    Attributes
    ----------
    number : counts the attempts of the call from 1.
    protocol, model : `model` as the call names it.
    input_tokens : all of them, those read from the provider's cache (`cached_tokens`) included.
    usd, price_version : the cost, and by which list of prices; see `nyxcore.llm.prices`.
    latency_ms : from asking to the last byte.
    outcome : `unknown` is an attempt of which nobody knows how it ended.
    error_code : of a `nyxcore.llm.errors` class; None when it succeeded.
    upper_bound : the usage is not known, and the most that it can have been is charged.
    """

    number: int = Field(ge=1)
    protocol: Protocol
    model: str
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cached_tokens: int = Field(ge=0)
    usd: Usd
    price_version: str
    latency_ms: int = Field(ge=0)
    outcome: Literal["succeeded", "failed", "unknown"]
    error_code: str | None = None
    upper_bound: bool = False
    started_at: Instant

    @property
    def tokens(self) -> int:
        """What counts against a limit of tokens."""
        return self.input_tokens + self.output_tokens


class ModelAnswer(WireModel):
    """What a model answered.

    Attributes
    ----------
    text : the answer; of a typed one the JSON that it was read from.
    data : the typed answer, which fits the call's schema; None without one.
    model : which of the chain answered.
    truncated : the answer stopped at `max_output_tokens`.
    calls : every attempt, the failed ones included.
    """

    status: Literal["answered"] = "answered"
    text: str = Field(repr=False)
    data: Any = Field(default=None, repr=False)
    model: str
    truncated: bool = False
    calls: tuple[LedgerEntry, ...]


class ModelFailure(WireModel):
    """Why there is no answer, and what was spent on it all the same."""

    status: Literal["failed"] = "failed"
    code: str
    message: str
    retryable: bool
    calls: tuple[LedgerEntry, ...]


ModelOutcome = Annotated[ModelAnswer | ModelFailure, Field(discriminator="status")]
OUTCOME: Final[TypeAdapter[ModelAnswer | ModelFailure]] = TypeAdapter(ModelOutcome)
"""Reads what the caller wrote."""


def spent_usd(calls: tuple[LedgerEntry, ...]) -> Decimal:
    """US dollars of these attempts."""
    return sum((entry.usd for entry in calls), Decimal(0))


def spent_tokens(calls: tuple[LedgerEntry, ...]) -> int:
    """Tokens of these attempts."""
    return sum(entry.tokens for entry in calls)

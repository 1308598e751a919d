"""What a call costs: the tenant's price, else the operator's, else the published one, else a ceiling; never nothing.

Published prices come from `genai-prices`, which carries them as data of its version; a ledger entry names it, so
that a cost can be computed again. A model that nobody has a price for is charged at the call's ceiling and its
entry says `ceiling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_UP, Decimal
from functools import cache
from math import ceil
from typing import Any, Final

from nyxcore.llm import tokens, typed_output
from nyxcore.llm.models import (
    CEILING,
    OFFLINE,
    Amount,
    Endpoint,
    LedgerEntry,
    ModelCall,
    ModelName,
    Price,
    Protocol,
    Usage,
)
from nyxcore.settings import settings

_MILLION: Final = Decimal(1_000_000)
_NANO: Final = Decimal("0.000000001")
_MARGIN: Final = 1.25  # the estimate of a prompt's tokens is exceeded by this at most (nyxcore.llm.tokens)
_OVERHEAD: Final = 100  # tokens of roles and markers around the messages
_OBJECTION: Final = 1000  # tokens, at most, of what is said to be wrong with an answer
_ANY: Final = "*"
_PUBLISHED_AS: Final = {"bedrock": "aws", "openai": "openai", "anthropic": "anthropic"}


@dataclass(frozen=True)
class Span:
    """What to hold for a call: less than `least` is of no use, more than `most` it cannot spend."""

    least: Amount
    most: Amount


@dataclass(frozen=True)
class Cost:
    """US dollars, and the list of prices that they are by."""

    usd: Decimal
    version: str


def of_operator() -> dict[str, Price]:
    """The operator's prices, as `ModelCall.prices` takes them."""
    return {model: Price.model_validate(price) for model, price in settings().model_prices.items()}


def protocol_of(call: ModelCall, model: str) -> Protocol:
    """How this model of the call is spoken to."""
    name = ModelName.parse(model)
    if name.source == OFFLINE:
        return "offline"
    return call.endpoints[name.source].protocol if name.needs_key else "bedrock"


def cost(call: ModelCall, model: str, usage: Usage, at: datetime) -> Cost:
    """What the usage costs with this model of the call, at this moment."""
    name = ModelName.parse(model)
    if name.source == OFFLINE:
        return Cost(Decimal(0), OFFLINE)
    endpoint = call.endpoints.get(name.source)
    if endpoint and (own := endpoint.prices.get(name.id) or endpoint.prices.get(_ANY)):
        return Cost(_by(own, usage), "tenant")
    if operators := call.prices.get(model):
        return Cost(_by(operators, usage), "operator")
    published = _published(_PUBLISHED_AS[protocol_of(call, model)], endpoint, name.id, usage, at)
    return published or Cost(_by(call.prices.get(_ANY, CEILING), usage), "ceiling")


def bound(call: ModelCall, model: str, *, extra: str = "") -> Usage:
    """The most tokens that one attempt may have; `extra` is what a repair adds to the prompt."""
    if model == OFFLINE:
        return Usage(0, 0)
    typed = typed_output.request(call.output_schema) if call.output_schema is not None else ""
    prompt = sum(tokens.count(text, model) for text in (call.system, typed, call.prompt, extra))
    return Usage(ceil(prompt * _MARGIN) + _OVERHEAD, call.max_output_tokens)


def one_try(call: ModelCall, model: str, at: datetime) -> Amount:
    """The most that one try of the model can cost: an attempt, and the repair of a typed answer."""
    return sum(_attempts(call, model, at), Amount())


def span(call: ModelCall, at: datetime, models: Sequence[str] | None = None) -> Span:
    """What to hold for these models of the call, by default for all.

    The least lets each of them be tried once, and the dearest attempt be made twice: an attempt that fails before
    the model has worked costs nothing, so that is enough for one that breaks off and one that ends well. The most
    is every try of every model.
    """
    chain = call.chain if models is None else models
    tries = sum((one_try(call, model, at) for model in chain), Amount())
    dearest = [max(_attempts(call, model, at), key=lambda one: one.tokens) for model in chain]
    usd = max((one.usd for one in dearest), default=Decimal(0))
    least = Amount(
        max(tries.usd, usd * 2), max(tries.tokens, max((one.tokens for one in dearest), default=0) * 2)
    )
    most = tries * call.tries
    return Span(least, Amount(max(least.usd, most.usd), max(least.tokens, most.tokens)))


def spans(call: ModelCall, at: datetime) -> list[Span]:
    """What to hold for the call; then, where a budget has no room for it, for those of its models that cost less.

    These are the ones that cost no money, then the ones that cost nothing at all: whoever names such a fallback
    wants its answer rather than none.
    """
    free = [model for model in call.chain if not one_try(call, model, at).usd]
    empty = [model for model in free if not one_try(call, model, at).tokens]
    return [span(call, at, models) for models in (list(call.chain), free, empty) if models]


def _attempts(call: ModelCall, model: str, at: datetime) -> list[Amount]:
    """The attempts that one try is made of, each at its most."""
    first = bound(call, model)
    usages = [first]
    if call.output_schema is not None and first.total:  # a repair sends the answer back
        repair = first.input + ceil(first.output * _MARGIN) + _OBJECTION
        usages.append(Usage(repair, first.output))
    return [Amount(cost(call, model, usage, at).usd, usage.total) for usage in usages]


def _by(price: Price, usage: Usage) -> Decimal:
    cached = price.input_usd if price.cached_usd is None else price.cached_usd
    total = (
        price.input_usd * (usage.input - usage.cached)
        + cached * usage.cached
        + price.output_usd * usage.output
    )
    return _rounded(total / _MILLION)


def _published(
    provider: str, endpoint: Endpoint | None, model: str, usage: Usage, at: datetime
) -> Cost | None:
    """By genai-prices; an endpoint with an address of its own is looked up by that address."""
    import genai_prices

    where: dict[str, Any] = {"provider_id": provider}
    if endpoint is not None and endpoint.base_url is not None:
        where = {"provider_api_url": endpoint.base_url}
    counted = genai_prices.Usage(
        input_tokens=usage.input, output_tokens=usage.output, cache_read_tokens=usage.cached
    )
    try:
        found = genai_prices.calc_price(counted, model, genai_request_timestamp=at, **where)
    except LookupError:
        return None
    return Cost(_rounded(found.total_price), _version())


@cache
def _version() -> str:
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


def _rounded(usd: Decimal) -> Decimal:
    return usd.quantize(_NANO, ROUND_UP)


def usage_of(entry: LedgerEntry) -> Usage:
    """The tokens of a ledger entry."""
    return Usage(entry.input_tokens, entry.output_tokens, entry.cached_tokens)

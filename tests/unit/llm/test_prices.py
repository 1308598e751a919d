"""What a call costs: own prices, published prices, the ceiling, and what to hold for a call."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from nyxcore.llm.models import Amount, ModelCall, Price, Usage
from nyxcore.llm.prices import Span, bound, cost, one_try, span, spans

AT = datetime(2026, 11, 26, tzinfo=UTC)
MILLION = Usage(1_000_000, 1_000_000)


def call(model: str = "offline", **changes: Any) -> ModelCall:
    endpoints = {
        "openai": {"protocol": "openai"},
        "groq": {"protocol": "openai", "base_url": "https://api.groq.com/openai/v1"},
        "ours": {"protocol": "openai", "base_url": "https://models.example/v1"},
        "laptop": {
            "protocol": "openai", "base_url": "http://127.0.0.1:11434/v1",
            "prices": {"*": {"input_usd": 0, "output_usd": 0}, "big": {"input_usd": 1, "output_usd": 2}},
        },
    }  # fmt: skip
    values: dict[str, Any] = {
        "tenant_id": "t", "model": model, "prompt": "word " * 1000, "limit_usd": 1, "limit_tokens": 1,
        "max_output_tokens": 500, "endpoints": endpoints,
    }  # fmt: skip
    return ModelCall(**(values | changes))


def test_a_published_price_names_its_version() -> None:
    priced = cost(call(), "openai:gpt-5", Usage(1000, 100, cached=400), AT)
    assert priced.usd == Decimal("0.0018")  # 600 at 1.25, 400 at 0.125, 100 at 10, a million
    assert priced.version.startswith("genai-prices 0.")


def test_bedrock_and_known_endpoints_have_published_prices_too() -> None:
    for model in ("bedrock:eu.anthropic.claude-sonnet-4-20250514-v1:0", "groq:llama-3.3-70b-versatile"):
        assert cost(call(), model, MILLION, AT).version.startswith("genai-prices"), model


def test_a_model_without_a_price_is_charged_at_the_ceiling_and_never_at_nothing() -> None:
    for model in ("ours:whatever", "openai:gpt-from-next-year"):
        assert cost(call(), model, MILLION, AT) == cost(call(), "ours:x", MILLION, AT)
        assert cost(call(), model, MILLION, AT).version == "ceiling"
    low = Price(input_usd=Decimal(1), output_usd=Decimal(2))
    assert cost(call(prices={"*": low}), "ours:x", MILLION, AT).usd == 3


def test_a_tenant_s_own_price_goes_first_the_model_s_before_the_endpoint_s() -> None:
    assert cost(call(), "laptop:big", MILLION, AT).usd == 3
    assert cost(call(), "laptop:any", MILLION, AT).usd == 0
    assert cost(call(), "laptop:any", MILLION, AT).version == "tenant"


def test_the_operator_s_price_goes_before_the_published_one() -> None:
    own = {"openai:gpt-5": Price(input_usd=Decimal(1), output_usd=Decimal(1))}
    assert cost(call(prices=own), "openai:gpt-5", MILLION, AT).usd == 2
    assert cost(call(prices=own), "openai:gpt-5", MILLION, AT).version == "operator"


def test_offline_costs_nothing() -> None:
    assert cost(call(), "offline", MILLION, AT).usd == 0
    assert bound(call(), "offline") == Usage(0, 0)


def test_the_bound_of_an_attempt_is_above_its_estimate_and_knows_the_schema() -> None:
    plain = bound(call(), "ours:x")
    assert plain.input >= 1100
    assert plain.output == 500
    assert bound(call(output_schema={"type": "object"}), "ours:x").input > plain.input
    assert bound(call(), "ours:x", extra="more " * 100).input > plain.input


def test_the_least_to_hold_covers_two_attempts_of_a_model_and_the_most_every_try() -> None:
    one = bound(call(), "ours:x")
    usd = cost(call(), "ours:x", one, AT).usd
    held = span(call("ours:x"), AT)
    assert held == Span(Amount(usd * 2, one.total * 2), Amount(usd * 3, one.total * 3))
    assert span(call("ours:x", tries=1), AT).most == held.least


def test_the_least_to_hold_covers_a_try_of_each_model_of_the_chain() -> None:
    both = call("laptop:big", fallbacks=("ours:x", "openai:gpt-5", "offline"))
    tries = sum((one_try(both, model, AT) for model in both.chain), Amount())
    assert span(both, AT).least == Amount(2 * one_try(both, "ours:x", AT).usd, tries.tokens)
    assert span(both, AT).most == tries * 3


def test_what_is_held_covers_a_repair_of_the_longest_answer() -> None:
    typed = call("ours:x", output_schema={"type": "object"}, max_output_tokens=4096)
    repair = bound(typed, "ours:x", extra="word " * 4096 + "what is wrong " * 200)
    usd = cost(typed, "ours:x", bound(typed, "ours:x"), AT).usd + cost(typed, "ours:x", repair, AT).usd
    both = Amount(usd, bound(typed, "ours:x").total + repair.total)
    assert both.fits(one_try(typed, "ours:x", AT))
    assert both.fits(span(typed, AT).least)


def test_where_a_budget_has_no_room_what_costs_less_is_held_for() -> None:
    chain = call("ours:x", fallbacks=("laptop:any", "offline"))
    whole, free, nothing = spans(chain, AT)
    assert whole == span(chain, AT)
    assert (free.least.usd, free.least.tokens > 0) == (0, True)
    assert nothing.most == Amount()
    assert len(spans(call("ours:x"), AT)) == 1


@pytest.mark.parametrize("usage", [Usage(1, 0), Usage(0, 1)])
def test_a_cost_is_rounded_up_so_that_nothing_is_for_free(usage: Usage) -> None:
    tiny = Price(input_usd=Decimal("0.0000001"), output_usd=Decimal("0.0000001"))
    assert cost(call(prices={"*": tiny}), "ours:x", usage, AT).usd > 0

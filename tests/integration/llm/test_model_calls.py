"""The real client against a server that speaks OpenAI's protocol: tries, fallbacks, limits, typed output, deadline."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from model_server import (
    Behaviour,
    breaks_off,
    drips,
    ends_early,
    fails,
    fails_in_stream,
    falls_silent,
    never_answers,
    says,
    sends,
)  # fmt: skip

from nyxcore import clock
from nyxcore.errors import InvalidInput
from nyxcore.llm import errors, prices
from nyxcore.llm.errors import ModelError

SCHEMA = {"type": "object", "required": ["score"], "properties": {"score": {"type": "integer"}}}
MOST = Decimal("0.010114")  # of one attempt: 114 tokens of prompt at the most, 1000 of answer


def outcomes(calls) -> list[tuple[str, str, str | None]]:
    return [(entry.model, entry.outcome, entry.error_code) for entry in calls]


def test_an_answer_comes_with_its_ledger(ask) -> None:
    ask.server.script = [says("Forty-two.", usage=(100, 20, 40))]
    answer = ask()
    assert (answer.text, answer.model, answer.truncated) == ("Forty-two.", "ours:m", False)
    (entry,) = answer.calls
    assert (entry.number, entry.protocol, entry.outcome) == (1, "openai", "succeeded")
    assert (entry.input_tokens, entry.cached_tokens, entry.output_tokens) == (100, 40, 20)
    assert entry.usd == Decimal("0.000264")  # 60 at 1, 40 at 0.1, 20 at 10, a million
    assert (entry.price_version, entry.upper_bound) == ("tenant", False)


def test_the_question_arrives_as_it_was_asked_with_the_opened_key(ask) -> None:
    ask.server.script = [says("x")]
    ask(temperature=0.3, max_output_tokens=77)
    (seen,) = ask.server.seen
    assert seen.path == "/v1/chat/completions"
    assert seen.headers["authorization"] == "Bearer sk-the-tenant-s-own-key"
    assert seen.headers["host"] == f"127.0.0.1:{ask.server.port}"
    assert [message["role"] for message in seen.body["messages"]] == ["system", "user"]
    assert ask.server.prompts() == [["You are terse.", "What is in the secret plan?"]]
    assert (seen.body["temperature"], seen.body["stream"]) == (0.3, True)
    assert 77 in (seen.body.get("max_tokens"), seen.body.get("max_completion_tokens"))


def test_an_answer_that_stops_at_the_limit_of_its_tokens_says_so(ask) -> None:
    ask.server.script = [says("and so", finish="length")]
    assert ask().truncated


@pytest.mark.parametrize(
    ("trouble", "code", "costs"),
    [
        (fails(429, "rate_limit_exceeded"), "model_rate_limited", Decimal(0)),
        (fails(500), "model_unavailable", Decimal(0)),
        (fails(503), "model_unavailable", Decimal(0)),
        (fails(529), "model_unavailable", Decimal(0)),
        (breaks_off(), "model_answer_cut", MOST),
        (ends_early(), "model_answer_cut", MOST),
        (falls_silent(), "model_answer_cut", MOST),
        (never_answers, "model_answer_cut", MOST),
        (fails_in_stream("server_error"), "model_answer_cut", MOST),
        (sends(b"data: {broken\n\n"), "model_answer_cut", MOST),
    ],
)
def test_what_may_pass_is_tried_again_and_an_unknown_usage_is_charged_at_its_most(
    ask, trouble: Behaviour, code: str, costs: Decimal
) -> None:
    ask.server.script = [trouble, says("at last")]
    answer = ask(silence=0.5)
    assert answer.text == "at last"
    failed, succeeded = answer.calls
    assert (failed.outcome, failed.error_code, failed.usd, failed.upper_bound) == (
        "failed",
        code,
        costs,
        costs > 0,
    )
    assert (succeeded.number, succeeded.outcome) == (2, "succeeded")
    assert len(ask.waits) == 1


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (fails(400), "model_rejected_request"),
        (fails(422), "model_rejected_request"),
        (fails(401, "invalid_api_key"), "model_credential_rejected"),
        (fails(403), "model_credential_rejected"),
        (fails(404, "model_not_found"), "model_unknown"),
        (fails(400, "context_length_exceeded"), "model_context_too_long"),
        (fails(429, "insufficient_quota"), "model_quota_used_up"),
        (fails(302, Location="http://127.0.0.1:1/"), "model_endpoint_refused"),
        (says("half", finish="content_filter"), "model_refused"),
        (sends(b"<html>maintenance</html>"), "model_answer_unreadable"),
    ],
)
def test_what_cannot_pass_is_not_tried_again_and_goes_to_the_next_model(
    ask, trouble: Behaviour, code: str
) -> None:
    ask.server.script = [trouble, says("from the second")]
    answer = ask(fallbacks=("second:m",))
    assert (answer.text, answer.model) == ("from the second", "second:m")
    assert outcomes(answer.calls) == [("ours:m", "failed", code), ("second:m", "succeeded", None)]
    assert ask.waits == []


def test_the_time_that_the_provider_names_is_waited(ask) -> None:
    ask.server.script = [fails(429, retry_after="7"), fails(503), fails(500)]
    with pytest.raises(errors.ModelUnavailable):
        ask()
    assert ask.waits == [7.0, 2.0]
    assert len(ask.server.seen) == 3


def test_who_asks_to_wait_longer_than_there_is_time_is_left_for_the_next_model(ask) -> None:
    ask.server.script = [fails(429, retry_after="59"), says("from the second")]
    assert ask(fallbacks=("second:m",)).model == "second:m"
    assert ask.waits == []


def test_a_whole_chain_that_fails_says_of_each_attempt_what_it_was(ask) -> None:
    ask.server.script = [fails(401), fails(500), fails(500)]
    with pytest.raises(errors.ModelUnavailable, match=r"second:m: the provider has failed \(500") as caught:
        ask(fallbacks=("second:m",), tries=2)
    assert [code for _, _, code in outcomes(caught.value.calls)] == [
        "model_credential_rejected", "model_unavailable", "model_unavailable",
    ]  # fmt: skip
    failure = caught.value.failure()
    assert (failure.code, failure.retryable, len(failure.calls)) == ("model_unavailable", True, 3)


def test_the_offline_model_ends_a_chain_that_always_answers(ask) -> None:
    ask.server.script = [fails(401)]
    answer = ask(fallbacks=("offline",))
    assert "No model was used" in answer.text
    assert (answer.calls[-1].usd, answer.calls[-1].price_version) == (0, "offline")


def test_nothing_is_listening(ask) -> None:
    port = ask.server.port
    ask.server.close()
    with pytest.raises(errors.ModelUnreachable) as caught:
        ask(tries=2)
    assert [entry.usd for entry in caught.value.calls] == [0, 0]
    assert str(port) not in caught.value.message


# ---- limits -----------------------------------------------------------------------------------------


def test_an_attempt_that_could_cost_more_than_is_held_is_not_made_and_may_be_made_later(ask) -> None:
    said = r"may cost 0.010114 USD and 1114 tokens, .* 0.01 USD and 3342 tokens are left$"
    with pytest.raises(errors.HoldUsedUp, match=said) as caught:
        ask(limit_usd=Decimal("0.01"))
    assert ask.server.seen == []
    assert caught.value.failure().retryable
    assert outcomes(caught.value.calls) == [("ours:m", "failed", "model_hold_used_up")]
    assert (caught.value.calls[0].usd, caught.value.calls[0].tokens) == (0, 0)


def held(ask, **changes) -> dict[str, object]:
    """The least that is held for a call, which is what a tight budget leaves it."""
    least = prices.span(ask.question(**changes), clock.now()).least
    return changes | {"limit_usd": least.usd, "limit_tokens": least.tokens}


def test_without_a_budget_a_call_has_every_try_of_every_model_though_each_breaks_off(ask) -> None:
    ask.server.script = [breaks_off()] * 5 + [says("at last")]
    assert ask(fallbacks=("second:m",)).text == "at last"
    assert len(ask.server.seen) == 6


def test_two_attempts_that_break_off_leave_a_failure_that_may_pass(ask) -> None:
    ask.server.script = [breaks_off()] * 2
    with pytest.raises(errors.AnswerCut) as caught:
        ask(**held(ask))
    assert [entry.usd for entry in caught.value.calls] == [MOST, MOST]
    assert caught.value.failure().retryable


def test_a_further_try_is_not_paid_with_what_is_held_for_the_next_model(ask) -> None:
    ask.server.script = [breaks_off(), says("from the second")]
    assert ask(**held(ask, fallbacks=("second:m",))).model == "second:m"
    ask.server.script = [fails(500), fails(429), breaks_off(), says("from the second")]
    assert ask(**held(ask, fallbacks=("second:m",))).model == "second:m", "what costs nothing is tried again"


def test_a_fallback_that_costs_nothing_is_asked_when_nothing_is_left(ask) -> None:
    ask.server.script = [breaks_off()] * 2
    answer = ask(**held(ask), fallbacks=("offline",))
    assert answer.model == "offline"
    assert ask.server.script == [], "the paid one was tried as often as there was room"
    answer = ask(limit_usd=Decimal(0), limit_tokens=0, fallbacks=("offline",))
    assert outcomes(answer.calls) == [
        ("ours:m", "failed", "model_hold_used_up"), ("offline", "succeeded", None),
    ]  # fmt: skip


def test_a_repair_that_is_needed_has_been_held_for(ask) -> None:
    ask.server.script = [says("no"), says('{"score": 4}')]
    assert ask(**held(ask, output_schema=SCHEMA)).data == {"score": 4}


def test_the_limit_of_tokens_holds_likewise(ask) -> None:
    ask.server.script = [breaks_off()]
    with pytest.raises(errors.AnswerCut):
        ask(limit_tokens=2000)
    with pytest.raises(errors.HoldUsedUp, match="1000 tokens are left"):
        ask(limit_tokens=1000)


def test_what_a_crash_interrupted_counts_too(ask) -> None:
    ask.server.script = [says("x"), says("y")]
    ask()
    (interrupted,) = ask.journal[0]
    assert (interrupted.outcome, interrupted.usd, interrupted.upper_bound) == ("unknown", MOST, True)
    answer = ask(earlier=(interrupted,), limit_usd=Decimal("0.021"))
    assert [entry.outcome for entry in answer.calls] == ["unknown", "succeeded"]
    assert [entry.number for entry in answer.calls] == [1, 2]
    with pytest.raises(errors.HoldUsedUp):
        ask(earlier=(interrupted,), limit_usd=Decimal("0.02"))


def test_a_provider_that_tells_no_usage_is_charged_at_the_most(ask) -> None:
    ask.server.script = [says("x", usage=None)]
    (entry,) = ask().calls
    assert (entry.outcome, entry.upper_bound, entry.usd) == ("succeeded", True, MOST)


def test_the_deadline_ends_an_answer_that_never_ends(ask) -> None:
    ask.server.script = [drips]
    with pytest.raises(errors.DeadlineReached) as caught:
        ask(deadline_seconds=0.5, fallbacks=("offline",))
    (entry,) = caught.value.calls
    assert (entry.outcome, entry.error_code, entry.usd) == ("unknown", "model_deadline_reached", MOST)


# ---- typed output -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ['{"score": 3}', '```json\n{"score": 3}\n```', 'Here you are: {"score": 3} I hope it helps.']
)
def test_typed_output_is_read_however_it_is_wrapped(ask, text: str) -> None:
    ask.server.script = [says(text)]
    assert ask(output_schema=SCHEMA).data == {"score": 3}
    assert json.dumps(SCHEMA) in ask.server.prompts()[0][0]


@pytest.mark.parametrize("text", ["I cannot say.", '{"score": "high"}', '{"score": 3', "", '{"score": NaN}'])
def test_what_does_not_fit_is_objected_to_once(ask, text: str) -> None:
    ask.server.script = [says(text), says('{"score": 4}')]
    answer = ask(output_schema=SCHEMA)
    assert answer.data == {"score": 4}
    assert outcomes(answer.calls) == [
        ("ours:m", "failed", "model_answer_invalid"),
        ("ours:m", "succeeded", None),
    ]
    assert answer.calls[0].usd > 0
    assert "That is not what was asked for" in ask.server.prompts()[1][-1]


def test_a_second_answer_that_does_not_fit_goes_to_the_next_model(ask) -> None:
    ask.server.script = [says("no"), says("no again"), says('{"score": 5}')]
    answer = ask(output_schema=SCHEMA, fallbacks=("second:m",))
    assert (answer.model, answer.data) == ("second:m", {"score": 5})


def test_the_words_of_an_answer_that_does_not_fit_are_in_no_error(ask) -> None:
    ask.server.script = [says('{"score": "the secret"}')] * 2
    with pytest.raises(errors.AnswerInvalid) as caught:
        ask(output_schema=SCHEMA)
    assert "secret" not in caught.value.message


def test_a_schema_that_is_none_is_refused_before_anything_is_asked(ask) -> None:
    with pytest.raises(InvalidInput, match="outputSchema is no JSON Schema"):
        ask(output_schema={"type": "nonsense"})
    assert ask.server.seen == []


def test_a_schema_that_points_elsewhere_is_not_fetched(ask) -> None:
    ask.server.script = [says("{}")]
    with pytest.raises(InvalidInput, match=r"only `#/...` is followed"):
        ask(output_schema={"$ref": f"{ask.server.url}/schema"})
    assert len(ask.server.seen) == 1


def test_the_offline_model_gives_typed_output_too(ask) -> None:
    answer = ask(model="offline", output_schema=SCHEMA)
    assert answer.data == {"score": 0}


def test_what_the_offline_model_cannot_fill_is_an_error_that_says_so(ask) -> None:
    impossible = {"type": "string", "pattern": "^[0-9]{5}$"}
    with pytest.raises(ModelError, match="the prompt does not hold what the schema demands"):
        ask(model="offline", output_schema=impossible)

"""Anthropic's protocol against the server, Bedrock's through botocore's stubber."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.stub import Stubber
from model_server import anthropic_says, fails

from nyxcore.llm import clients, errors

CLAUDE = "bedrock:eu.anthropic.claude-sonnet-4-20250514-v1:0"


def anthropic(ask, **changes: Any):
    url = ask.server.url.removesuffix("/v1")
    return ask(endpoints={"ours": {"protocol": "anthropic", "base_url": url, "sealed_key": "s"}}, **changes)


def test_anthropic_answers_with_its_cached_tokens_counted_in(ask) -> None:
    ask.server.script = [anthropic_says("Forty-two.", usage=(60, 20, 40))]
    answer = anthropic(ask)
    assert answer.text == "Forty-two."
    (entry,) = answer.calls
    assert (entry.protocol, entry.input_tokens, entry.cached_tokens, entry.output_tokens) == (
        "anthropic",
        100,
        40,
        20,
    )
    assert entry.price_version == "ceiling"
    assert entry.usd == Decimal("0.003")  # the ceiling: 15 a million in, cached or not, and 75 out
    (seen,) = ask.server.seen
    assert (seen.path, seen.headers["authorization"]) == ("/v1/messages", "Bearer sk-the-tenant-s-own-key")
    assert seen.body["max_tokens"] == 1000


def test_anthropic_s_truncated_answer_says_so(ask) -> None:
    ask.server.script = [anthropic_says("and so", stop="max_tokens")]
    assert anthropic(ask).truncated


@pytest.mark.parametrize(
    ("status", "code", "ours"),
    [
        (529, "overloaded_error", errors.ModelUnavailable),
        (429, "rate_limit_error", errors.RateLimited),
        (401, "authentication_error", errors.CredentialRejected),
        (404, "not_found_error", errors.UnknownModel),
        (400, "invalid_request_error", errors.RequestRejected),
    ],
)
def test_anthropic_s_errors_are_told_apart(
    ask, status: int, code: str, ours: type[errors.ModelError]
) -> None:
    ask.server.script = [fails(status, code, retry_after="3")] * 3
    with pytest.raises(ours, match=str(status)):
        anthropic(ask)
    assert len(ask.server.seen) == (3 if ours.again else 1)


class EventStream(list[dict[str, Any]]):
    """What botocore gives: events that can be iterated over, on a connection that can be closed."""

    def close(self) -> None:
        pass


def stream(text: str, *, stop: str = "end_turn", usage: bool = True) -> dict[str, Any]:
    events: list[dict[str, Any]] = [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": text}}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": stop}},
    ]
    counts = {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120}
    events += [{"metadata": {"usage": counts, "metrics": {"latencyMs": 5}}}] if usage else []
    return {"stream": EventStream(events)}


def test_bedrock_answers_at_the_published_price(ask, bedrock: Stubber, monkeypatch) -> None:
    answer = _with_stream(ask, bedrock, monkeypatch, stream("Forty-two."))
    assert answer.text == "Forty-two."
    (entry,) = answer.calls
    assert (entry.protocol, entry.input_tokens, entry.output_tokens) == ("bedrock", 100, 20)
    assert entry.price_version.startswith("genai-prices ")
    assert Decimal("0.0001") < entry.usd < Decimal("0.01")


def test_a_stream_of_bedrock_that_ends_early_is_no_answer(ask, bedrock: Stubber, monkeypatch) -> None:
    cut = {"stream": EventStream(stream("half")["stream"][:2])}
    with pytest.raises(errors.AnswerCut):
        _with_stream(ask, bedrock, monkeypatch, cut, tries=1)


def _with_stream(ask, bedrock: Stubber, monkeypatch, response: dict[str, Any], **changes: Any):
    """The stubber cannot check an event stream against its shape, so the response goes past that check."""
    monkeypatch.setattr(bedrock, "_validate_operation_response", lambda *_: None)
    bedrock.add_response("converse_stream", response)
    return ask(model=CLAUDE, **changes)


@pytest.mark.parametrize(
    ("code", "status", "ours"),
    [
        ("ThrottlingException", 429, errors.RateLimited),
        ("ServiceUnavailableException", 503, errors.ModelUnavailable),
        ("InternalServerException", 500, errors.ModelUnavailable),
        ("AccessDeniedException", 403, errors.CredentialRejected),
        ("ResourceNotFoundException", 404, errors.UnknownModel),
        ("ValidationException", 400, errors.RequestRejected),
    ],
)
def test_bedrock_s_errors_are_told_apart(
    ask, bedrock: Stubber, code: str, status: int, ours: type[errors.ModelError]
) -> None:
    tries = 3 if ours.again else 1
    for _ in range(tries):
        bedrock.add_client_error("converse_stream", code, "words of the provider", status)
    with pytest.raises(ours) as caught:
        ask(model=CLAUDE)
    assert len(caught.value.calls) == tries
    assert "words" not in caught.value.message


@pytest.mark.parametrize(
    ("trouble", "ours"),
    [
        (ConnectTimeoutError(endpoint_url="x"), errors.ModelUnreachable),
        (ReadTimeoutError(endpoint_url="x"), errors.AnswerCut),
    ],
)
def test_bedrock_s_time_outs_are_told_apart(
    ask, bedrock: Stubber, monkeypatch, trouble: Exception, ours: type[errors.ModelError]
) -> None:
    def fail(**_: Any) -> None:
        raise trouble

    monkeypatch.setattr(bedrock.client, "converse_stream", fail)
    with pytest.raises(ours):
        ask(model=CLAUDE, tries=1)


def test_bedrock_on_a_laptop_says_what_it_takes(ask) -> None:
    with pytest.raises(errors.CredentialRejected, match="NYX_AWS=real"):
        ask(model=CLAUDE)


def test_bedrock_s_client_tries_once_since_tries_are_counted_here(monkeypatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    config = clients.bedrock_client(7.0).meta.config
    assert (config.retries["total_max_attempts"], config.read_timeout) == (1, 7.0)

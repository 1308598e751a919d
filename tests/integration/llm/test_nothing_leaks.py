"""Neither a key nor a word of a prompt or an answer gets into a log or an error, at any level, whatever happens."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable

import pytest
from botocore.stub import Stubber
from model_server import Behaviour, anthropic_says, breaks_off, fails, fails_in_stream, says, sends

from nyxcore.errors import NyxError
from nyxcore.llm.models import ModelCall

SECRETS = (
    "sk-the-tenant-s-own-key",
    "secret plan",
    "You are terse",
    "words of the provider",
    "half an ans",
    "Forty-two",
)


@pytest.mark.parametrize(
    "behaviour",
    [
        says("Forty-two."),
        says('{"score": "Forty-two"}'),
        fails(400, message="words of the provider: What is in the secret plan?"),
        fails(401, message="words of the provider: sk-the-tenant-s-own-key is wrong"),
        fails(400, code="words of the provider"),
        fails(500),
        breaks_off(),
        fails_in_stream("server_error"),
        sends(b"data: {What is in the secret plan?\n\n"),
    ],
)
@pytest.mark.parametrize("schema", [None, {"type": "object", "properties": {"score": {"type": "integer"}}}])
def test_no_key_and_no_prompt_is_logged_or_told(ask, behaviour: Behaviour, schema) -> None:
    ask.server.script = [behaviour] * 3
    assert leaked(lambda: ask(output_schema=schema)) == []
    assert ask.server.seen, "the question was sent"


@pytest.mark.parametrize(
    "behaviour",
    [
        anthropic_says("Forty-two."),
        fails(400, message="words of the provider: What is in the secret plan?"),
        fails(401, code="words of the provider", message="sk-the-tenant-s-own-key is wrong"),
        fails(529, "overloaded_error"),
        sends(b"event: message_start\ndata: {What is in the secret plan?\n\n"),
    ],
)
@pytest.mark.parametrize("schema", [None, {"type": "object", "properties": {"score": {"type": "integer"}}}])
def test_nor_by_the_client_of_anthropic(ask, behaviour: Behaviour, schema) -> None:
    url = ask.server.url.removesuffix("/v1")
    endpoint = {"protocol": "anthropic", "base_url": url, "sealed_key": "sealed"}
    ask.server.script = [behaviour] * 3
    assert leaked(lambda: ask(output_schema=schema, endpoints={"ours": endpoint})) == []
    assert ask.server.seen, "the question was sent"


@pytest.mark.parametrize(
    ("code", "status"),
    [("ValidationException", 400), ("AccessDeniedException", 403), ("ThrottlingException", 429)],
)
def test_nor_by_the_client_of_bedrock(ask, bedrock: Stubber, code: str, status: int) -> None:
    for _ in range(3 if status == 429 else 1):
        bedrock.add_client_error("converse_stream", code, "words of the provider: the secret plan", status)
    assert leaked(lambda: ask(model="bedrock:amazon.nova-lite-v1:0")) == []


def test_nor_by_what_is_wrong_with_a_question() -> None:
    assert leaked(lambda: ModelCall(tenant_id="t", model="ours:m", prompt=SECRETS[1])) == []


def leaked(call: Callable[[], object]) -> list[str]:
    """The secrets that the call has written to any logger or into its error, with the whole traceback."""
    stream = io.StringIO()
    everything = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(everything)
    root.setLevel(logging.DEBUG)
    try:
        call()
    except (NyxError, ValueError) as error:
        stream.write("".join(traceback.format_exception(error)))
        stream.write(repr(getattr(error, "details", None)))
    finally:
        root.removeHandler(everything)
        root.setLevel(before)
    written = stream.getvalue()
    return [secret for secret in SECRETS if secret in written]

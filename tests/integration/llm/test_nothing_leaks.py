"""Neither a key nor a word of a prompt or an answer gets into a log or an error, at any level, whatever happens."""

from __future__ import annotations

import io
import logging
import traceback

import pytest
from model_server import Behaviour, breaks_off, fails, fails_in_stream, says, sends

from nyxcore.errors import NyxError

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
    stream = io.StringIO()
    everything = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(everything)
    root.setLevel(logging.DEBUG)
    ask.server.script = [behaviour] * 3
    try:
        ask(output_schema=schema)
    except NyxError as error:
        stream.write("".join(traceback.format_exception(error)))
        stream.write(repr(error.details))
    finally:
        root.removeHandler(everything)
        root.setLevel(before)
    assert ask.server.seen, "the question was sent"
    written = stream.getvalue()
    assert [secret for secret in SECRETS if secret in written] == []

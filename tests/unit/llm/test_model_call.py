"""A call as it is written down, and what its names mean."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from nyxcore.errors import InvalidInput
from nyxcore.llm.models import OUTCOME, ModelAnswer, ModelCall, ModelName


def call(**changes: Any) -> ModelCall:
    values: dict[str, Any] = {
        "tenant_id": "0198f2a0-4f1e-7c3a-9b5d-2f6a8c0e1d47",
        "model": "offline",
        "prompt": "a question about the secret plan",
        "limit_usd": Decimal("0.5"),
        "limit_tokens": 10_000,
    }
    return ModelCall(**(values | changes))


def test_a_model_s_name_is_its_source_and_what_the_source_calls_it() -> None:
    assert ModelName.parse("offline") == ModelName("offline", "")
    assert ModelName.parse("bedrock:anthropic.claude-v1:0") == ModelName("bedrock", "anthropic.claude-v1:0")
    assert ModelName.parse("our-vllm:org/model").needs_key
    assert not ModelName.parse("bedrock:x").needs_key


@pytest.mark.parametrize(
    "name", ["", "gpt-5", "offline:x", ":x", "openai:", "Open AI:x", "a:b c", "a:" + "x" * 201]
)
def test_what_is_no_name_of_a_model_is_refused_with_the_forms_that_are(name: str) -> None:
    with pytest.raises(InvalidInput, match="bedrock:<id>"):
        ModelName.parse(name)
    with pytest.raises(ValidationError, match="names no model"):
        call(model=name)


def test_a_call_without_the_endpoint_of_one_of_its_models_is_refused() -> None:
    with pytest.raises(ValidationError, match="openai:gpt-5: the call carries no endpoint openai"):
        call(fallbacks=("openai:gpt-5",))


def test_a_call_survives_the_way_through_the_storage() -> None:
    sent = call(endpoints={"openai": {"protocol": "openai", "sealed_key": "sealed"}}, model="openai:gpt-5")
    text = sent.model_dump_json(by_alias=True)
    assert '"limitUsd":"0.5"' in text
    assert ModelCall.model_validate_json(text) == sent


def test_each_model_of_the_chain_is_asked_once() -> None:
    assert call(fallbacks=("bedrock:x", "offline", "bedrock:x")).chain == ("offline", "bedrock:x")


def test_neither_prompt_nor_answer_nor_key_shows_where_a_call_is_printed() -> None:
    sent = call(system="secret system", endpoints={"a": {"protocol": "openai", "sealed_key": "sealed"}})
    answer = ModelAnswer(text="secret answer", data={"secret": 1}, model="offline", calls=())
    assert "secret" not in f"{sent!r} {answer!r}"
    assert "sealed" not in repr(sent)


def test_an_outcome_is_read_back_as_what_it_was() -> None:
    answer = ModelAnswer(text="x", model="offline", calls=())
    assert OUTCOME.validate_json(answer.model_dump_json(by_alias=True)) == answer

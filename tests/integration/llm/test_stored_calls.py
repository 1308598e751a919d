"""A call across the wall: question and outcome in S3, keys opened on one side, a crash remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asking import TENANT
from memory_s3 import memory_s3
from model_server import drips, fails, says

from nyxcore.credentials import sealing
from nyxcore.credentials.sealing import Owner
from nyxcore.errors import InvalidInput
from nyxcore.ids import uuid7
from nyxcore.llm.models import ModelAnswer, ModelFailure
from nyxcore.llm.stored_calls import StoredCall, answer, begun, outcome, store
from nyxcore.storage import objects
from pipelines.workflow.call import handler

SECRET = "sk-a-key-that-only-the-caller-opens"


@dataclass
class Context:
    """Lambda's, with this much time left."""

    seconds: float = 900

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("NYX_BUCKET", "calls")
    monkeypatch.setenv("NYX_CREDENTIAL_KEY_FILE", str(tmp_path / "keys.json"))
    with memory_s3(monkeypatch, sealing.keys):
        yield


@pytest.fixture
def where() -> StoredCall:
    return StoredCall.of(UUID(TENANT), uuid7(), "analyse", 1)


def event(where: StoredCall) -> dict[str, Any]:
    return {"prepared": where.prepared(900).model_dump()}


def sealed(tenant: str = TENANT) -> str:
    return sealing.seal(sealing.keys(), Owner(UUID(tenant), "ours"), SECRET)[0]


def asked(ask: Any, where: StoredCall, key: str, **changes: Any) -> None:
    question = ask.question(**changes)
    endpoint = question.endpoints["ours"].model_copy(update={"sealed_key": key})
    store(where, question.model_copy(update={"endpoints": {"ours": endpoint}}))


def test_the_model_is_asked_with_the_key_that_was_sealed_and_the_answer_is_written_down(ask, where) -> None:
    ask.server.script = [says("Forty-two.")]
    asked(ask, where, sealed())
    assert SECRET not in objects.get(where.call).decode()
    assert handler(event(where), Context()) == {"answer": where.answer, "status": "answered"}
    assert ask.server.seen[0].headers["authorization"] == f"Bearer {SECRET}"
    found = outcome(where)
    assert isinstance(found, ModelAnswer)
    assert (found.text, len(found.calls)) == ("Forty-two.", 1)


def test_asked_again_the_answer_that_is_there_is_given_and_nothing_is_paid_twice(ask, where) -> None:
    ask.server.script = [says("Forty-two.")]
    asked(ask, where, sealed())
    first = answer(where, seconds=60)
    assert answer(where, seconds=60).model_dump_json() == first.model_dump_json()
    assert len(ask.server.seen) == 1


def test_a_failure_is_an_outcome_too(ask, where) -> None:
    ask.server.script = [fails(401)]
    asked(ask, where, sealed())
    assert handler(event(where), Context()) == {"answer": where.answer, "status": "failed"}
    found = outcome(where)
    assert isinstance(found, ModelFailure)
    assert (found.code, found.retryable, len(found.calls)) == ("model_credential_rejected", False, 1)


def test_a_crash_in_the_call_is_paid_at_its_most_and_counts_the_next_time(ask, where, monkeypatch) -> None:
    asked(ask, where, sealed())

    async def crash(*_: Any) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("nyxcore.llm.clients.ask", crash)
        answer(where, seconds=60)
    assert outcome(where) is None
    (entry,) = begun(where)
    assert (entry.outcome, entry.upper_bound, entry.usd > 0) == ("unknown", True, True)
    ask.server.script = [says("Forty-two.")]
    found = answer(where, seconds=60)
    assert [each.outcome for each in found.calls] == ["unknown", "succeeded"]


def test_another_tenant_s_sealed_key_does_not_open(ask, where) -> None:
    asked(ask, where, sealed("0198f2a0-4f1e-7c3a-9b5d-2f6a8c0e1d48"))
    found = answer(where, seconds=60)
    assert isinstance(found, ModelFailure)
    assert found.code == "model_credential_unreadable"
    assert ask.server.seen == []


def test_a_call_of_another_tenant_than_its_key_says_is_refused(ask) -> None:
    elsewhere = StoredCall.of(uuid7(), uuid7(), "analyse", 1)
    asked(ask, elsewhere, sealed())
    with pytest.raises(InvalidInput, match="is not of the tenant whose call it is"):
        answer(elsewhere, seconds=60)


def test_a_call_that_is_not_there_is_named(where) -> None:
    with pytest.raises(InvalidInput, match=where.call):
        handler(event(where), Context())


def test_the_call_ends_before_its_function_is_stopped(ask, where) -> None:
    ask.server.script = [drips]
    asked(ask, where, sealed())
    found = handler(event(where), Context(seconds=16))
    assert found["status"] == "failed"
    result = outcome(where)
    assert isinstance(result, ModelFailure)
    assert result.code == "model_deadline_reached"


def test_a_schema_that_is_none_is_a_failure_that_says_so(ask, where) -> None:
    asked(ask, where, sealed(), output_schema={"type": "nonsense"})
    found = answer(where, seconds=60)
    assert isinstance(found, ModelFailure)
    assert (found.code, found.retryable) == ("invalid_input", False)


def test_what_is_kept_of_a_call_is_kept_for_a_day(ask, where) -> None:
    ask.server.script = [says("x")]
    asked(ask, where, sealed())
    answer(where, seconds=60)
    for key in (where.call, where.answer, where.attempts):
        tags = objects.client().get_object_tagging(Bucket="calls", Key=key)["TagSet"]
        assert tags == [{"Key": "retention", "Value": "1d"}]

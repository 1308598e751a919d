"""A call to a model across the wall: the question comes from S3, the outcome goes there, and no database is near.

The key of a tenant travels in the question, encrypted: the database's side can seal and not open, this side can open
and has nothing but the keys of the calls that it is handed. An attempt is written down before it is made, so that
a crash leaves a trace of what it may have cost.
"""

from __future__ import annotations

from math import ceil
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter

from nyxcore.errors import InvalidInput
from nyxcore.llm import calling
from nyxcore.llm.errors import ModelError
from nyxcore.llm.models import OFFLINE, OUTCOME, LedgerEntry, ModelAnswer, ModelCall, ModelFailure
from nyxcore.storage import objects

_LEDGER: Final[TypeAdapter[tuple[LedgerEntry, ...]]] = TypeAdapter(tuple[LedgerEntry, ...])
_LEAST_SECONDS: Final = 1.0


class StoredCall(BaseModel):
    """Where the question is, and where the outcome goes: keys in S3, below one tenant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call: str
    answer: str

    @classmethod
    def of(cls, tenant_id: UUID, run_id: UUID, step: str, attempt: int) -> StoredCall:
        """The keys of an attempt of a step."""
        folder = f"calls/{step}/{attempt}"
        return cls(
            call=objects.run_key(tenant_id, run_id, f"{folder}/call.json"),
            answer=objects.run_key(tenant_id, run_id, f"{folder}/answer.json"),
        )

    def prepared(self, seconds: float) -> PreparedCall:
        """It, and how long it may take."""
        return PreparedCall(call=self.call, answer=self.answer, seconds=ceil(seconds))

    @property
    def attempts(self) -> str:
        """Key of the attempts that were begun."""
        return f"{self.answer}.attempts"


class PreparedCall(StoredCall):
    """What a prepare task hands to the state machine.

    `seconds` are whole ones that are left until the run's deadline: the timeout of the task that makes the call.
    """

    seconds: int


def store(where: StoredCall, question: ModelCall) -> None:
    """Write the question down, for a day."""
    objects.put(where.call, question.model_dump_json(by_alias=True).encode(), tag=objects.DAY_TAG)


def outcome(where: StoredCall) -> ModelAnswer | ModelFailure | None:
    """What came of it, or None when nothing has come yet."""
    try:
        return OUTCOME.validate_json(objects.get(where.answer))
    except KeyError:
        return None


def begun(where: StoredCall) -> tuple[LedgerEntry, ...]:
    """The attempts that were made or begun; what a call that never came back has cost at the most."""
    try:
        return _LEDGER.validate_json(objects.get(where.attempts))
    except KeyError:
        return ()


def spent(where: StoredCall) -> tuple[LedgerEntry, ...]:
    """What is known to have been spent on it so far, at the most where its end is not known."""
    found = outcome(where)
    return begun(where) if found is None else found.calls


def answer(where: StoredCall, *, seconds: float) -> ModelAnswer | ModelFailure:
    """The outcome: the one that is there already, or that of calling the model now; written down in either case.

    Parameters
    ----------
    seconds : that are left for it; the call's own deadline holds if it is shorter.

    Raises
    ------
    InvalidInput : there is no question, or one of another tenant than the keys are.
    """
    question = _question(where)
    earlier: tuple[LedgerEntry, ...] = ()
    if question.chain != (OFFLINE,):  # which costs nothing, and says the same again
        if (found := outcome(where)) is not None:
            return found
        earlier = begun(where)
    surroundings = calling.Surroundings(
        earlier=earlier, before_attempt=lambda entries: _write_down(where, entries)
    )
    left = max(_LEAST_SECONDS, min(seconds, question.deadline_seconds))
    result: ModelAnswer | ModelFailure
    try:
        result = calling.call(question.model_copy(update={"deadline_seconds": left}), surroundings)
    except ModelError as error:
        result = error.failure()
    except InvalidInput as error:
        result = ModelFailure(code=error.code, message=error.message, retryable=False, calls=earlier)
    objects.put(where.answer, result.model_dump_json(by_alias=True).encode(), tag=objects.DAY_TAG)
    return result


def _question(where: StoredCall) -> ModelCall:
    try:
        question = ModelCall.model_validate_json(objects.get(where.call))
    except KeyError:
        raise InvalidInput(f"there is no call {where.call}: it is kept for a day") from None
    for key in (where.call, where.answer):
        if not key.startswith(f"{question.tenant_id}/runs/"):
            raise InvalidInput(f"{key} is not of the tenant whose call it is")
    return question


def _write_down(where: StoredCall, entries: tuple[LedgerEntry, ...]) -> None:
    objects.put(where.attempts, _LEDGER.dump_json(entries, by_alias=True), tag=objects.DAY_TAG)

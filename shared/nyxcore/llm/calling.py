"""A call to a model: the chain of models, tries, limits, typed output and the deadline, with a ledger of it all.

It needs no database: what it may spend, keys and prices come with the call (`nyxcore.llm.models.ModelCall`).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from nyxcore import clock
from nyxcore.errors import NyxError
from nyxcore.llm import errors, prices, typed_output
from nyxcore.llm.errors import ModelError
from nyxcore.llm.models import (
    OFFLINE,
    Amount,
    LedgerEntry,
    ModelAnswer,
    ModelCall,
    Usage,
    spent_tokens,
    spent_usd,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from nyxcore.llm.clients import Exchange, OpenKey, Reply

_LONGEST_WAIT: Final = 60.0  # seconds between two tries; who asks for more is left for the next model


def _nothing(_entries: tuple[LedgerEntry, ...]) -> None:
    return


@dataclass(frozen=True)
class Surroundings:
    """What a call is made with besides itself.

    Attributes
    ----------
    open_key : opens the sealed keys of the call's endpoints; by default with the keys of this process.
    earlier : attempts of this very call that a crash interrupted; they count against its limits.
    before_attempt : is given the ledger before each attempt that costs, the attempt itself in it as `unknown` at
        the most that it can cost: what is to be kept if the process dies meanwhile.
    silence : seconds without a byte after which a connection is given up.
    sleep, jitter : how tries are kept apart; `jitter` is from 0 to 1.
    """

    open_key: OpenKey | None = None
    earlier: tuple[LedgerEntry, ...] = ()
    before_attempt: Callable[[tuple[LedgerEntry, ...]], None] = _nothing
    silence: float = 180.0
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


def call(question: ModelCall, surroundings: Surroundings | None = None) -> ModelAnswer:
    """The answer of the first model of the chain that gives one.

    Another try of the same model follows a 429 (after the time that it names), a 5xx, a failed connection and an
    answer that broke off, as long as it leaves enough of what is held for one try of each later model; every other
    failure goes to the next model at once. Typed output that does not fit is objected to once. A model that may cost
    more than is left is passed over, and the ledger says so.

    Raises
    ------
    ModelError : of `nyxcore.llm.errors`, with all attempts in `calls`; HoldUsedUp when the last model of the chain
        could cost more than is left, DeadlineReached when the time is over.
    InvalidInput : the output schema is none.
    """
    from nyxcore.llm.clients import load

    load(prices.protocol_of(question, model) for model in question.chain)
    return asyncio.run(_Calling(question, surroundings or Surroundings()).answer())


class _Calling:
    """One call while it goes on."""

    def __init__(self, question: ModelCall, surroundings: Surroundings) -> None:
        self._question = question
        self._around = surroundings
        self._entries = list(surroundings.earlier)
        schema = question.output_schema
        self._validator = None if schema is None else typed_output.validator(schema)
        self._ends = 0.0

    async def answer(self) -> ModelAnswer:
        seconds = self._question.deadline_seconds
        self._ends = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(self._ends):
                failure = await self._through_the_chain()
        except TimeoutError:
            failure = errors.DeadlineReached(f"no model has answered within {seconds:g} s")
        if isinstance(failure, ModelAnswer):
            return failure
        failure.calls = tuple(self._entries)
        raise failure

    async def _through_the_chain(self) -> ModelAnswer | ModelError:
        failure = ModelError("the call names no model")
        chain = self._question.chain
        for place, model in enumerate(chain):
            try:
                return await self._with_tries(model, chain[place + 1 :])
            except ModelError as error:
                failure = error
            if not failure.next_model:
                break
        return failure

    async def _with_tries(self, model: str, later: Sequence[str]) -> ModelAnswer:
        for tried in range(1, self._question.tries + 1):
            try:
                return self._offline() if model == OFFLINE else await self._typed(model)
            except ModelError as error:
                wait = error.retry_after
                if wait is None:
                    wait = 2.0 ** (tried - 1) * (0.5 + self._around.jitter())
                enough = self._has_time(wait) and self._has_room_for((model, *later))
                if not error.again or tried == self._question.tries or not enough:
                    raise
            await self._around.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _has_time(self, wait: float) -> bool:
        return wait <= _LONGEST_WAIT and asyncio.get_running_loop().time() + wait < self._ends

    def _left(self) -> Amount:
        entries, question = tuple(self._entries), self._question
        return Amount(question.limit_usd - spent_usd(entries), question.limit_tokens - spent_tokens(entries))

    def _has_room_for(self, models: Sequence[str]) -> bool:
        """Whether what is left is enough for a try of each."""
        at = clock.now()
        return sum((prices.one_try(self._question, model, at) for model in models), Amount()).fits(
            self._left()
        )

    async def _typed(self, model: str) -> ModelAnswer:
        from nyxcore.llm.clients import Exchange

        schema = self._question.output_schema
        system = self._question.system
        if schema is not None:
            system = f"{system}\n\n{typed_output.request(schema)}".strip()
        exchange = Exchange(system, self._question.prompt)
        reply = await self._attempt(model, exchange)
        try:
            return self._answered(model, reply)
        except typed_output.NotTyped as error:
            objection = typed_output.repair(error.flaws)
        reply = await self._attempt(model, replace(exchange, answers=((reply.text, objection),)))
        try:
            return self._answered(model, reply)
        except typed_output.NotTyped:
            raise errors.AnswerInvalid(f"{model}: the answer is no JSON of the schema, twice") from None

    def _answered(self, model: str, reply: Reply) -> ModelAnswer:
        data = None
        if self._validator is not None:
            try:
                data = typed_output.read(reply.text, self._validator)
            except typed_output.NotTyped:
                failed = {"outcome": "failed", "error_code": errors.AnswerInvalid.code}
                self._entries[-1] = self._entries[-1].model_copy(update=failed)
                raise
        return ModelAnswer(
            text=reply.text, data=data, model=model, truncated=reply.truncated, calls=tuple(self._entries)
        )

    def _offline(self) -> ModelAnswer:
        from nyxcore.llm.clients import Reply
        from nyxcore.llm.offline.answering import answer

        question = self._question
        given = answer(question.system, question.prompt, question.output_schema, question.max_output_tokens)
        self._entries.append(self._entry(OFFLINE, Usage(0, 0), outcome="succeeded"))
        try:
            return self._answered(OFFLINE, Reply(given.text, Usage(0, 0), given.truncated))
        except typed_output.NotTyped:
            raise errors.AnswerInvalid(
                "offline: the prompt does not hold what the schema demands; run the step with a model"
            ) from None

    async def _attempt(self, model: str, exchange: Exchange) -> Reply:
        from nyxcore.llm.clients import ask

        extra = "".join(answer + objection for answer, objection in exchange.answers)
        bound = prices.bound(self._question, model, extra=extra)
        pending = self._entry(model, bound, outcome="unknown", upper_bound=True)
        self._require_room(pending)
        self._around.before_attempt((*self._entries, pending))
        began = time.monotonic()
        try:
            reply = await ask(self._question, model, exchange, self._open_key, self._patience())
        except ModelError as error:
            self._entries.append(self._failed(pending, error, _since(began)))
            raise
        except asyncio.CancelledError:
            code = errors.DeadlineReached.code
            self._entries.append(pending.model_copy(update={"latency_ms": _since(began), "error_code": code}))
            raise
        known = {
            "upper_bound": reply.usage is None,
            "latency_ms": _since(began),
            "started_at": pending.started_at,
        }
        self._entries.append(self._entry(model, reply.usage or bound, outcome="succeeded", **known))
        return reply

    def _failed(self, pending: LedgerEntry, error: ModelError, latency_ms: int) -> LedgerEntry:
        """The attempt that failed: at the usage that was told, at its most, or at nothing if no work was begun."""
        unknown = error.spends and error.usage is None
        usage = error.usage or (prices.usage_of(pending) if unknown else Usage(0, 0))
        known = {"upper_bound": unknown, "latency_ms": latency_ms, "started_at": pending.started_at}
        return self._entry(pending.model, usage, outcome="failed", error_code=error.code, **known)

    def _require_room(self, pending: LedgerEntry) -> None:
        left = self._left()
        if Amount(pending.usd, pending.tokens).fits(left):
            return
        code = errors.HoldUsedUp.code
        self._entries.append(self._entry(pending.model, Usage(0, 0), outcome="failed", error_code=code))
        raise errors.HoldUsedUp(
            f"{pending.model}: the attempt may cost {_plain(pending.usd)} USD and {pending.tokens} tokens, and of what"
            f" is held for this call {_plain(left.usd)} USD and {left.tokens} tokens are left"
        )

    def _entry(self, model: str, usage: Usage, **known: Any) -> LedgerEntry:
        started_at = known.pop("started_at", None) or clock.now()
        cost = prices.cost(self._question, model, usage, started_at)
        return LedgerEntry(
            number=len(self._entries) + 1,
            protocol=prices.protocol_of(self._question, model),
            model=model,
            input_tokens=usage.input,
            output_tokens=usage.output,
            cached_tokens=usage.cached,
            usd=cost.usd,
            price_version=cost.version,
            latency_ms=known.pop("latency_ms", 0),
            started_at=started_at,
            **known,
        )

    def _open_key(self, name: str, sealed: str) -> str:
        from nyxcore.credentials import sealing

        try:
            if self._around.open_key is not None:
                return self._around.open_key(name, sealed)
            owner = sealing.Owner(UUID(self._question.tenant_id), name)
            return sealing.unseal(sealing.keys(), owner, sealed)
        except NyxError as error:
            raise errors.CredentialUnreadable(f"{name}: {error.message}") from None

    def _patience(self) -> float:
        return max(0.001, min(self._around.silence, self._ends - asyncio.get_running_loop().time()))


def _plain(usd: Decimal) -> str:
    return f"{usd.normalize():f}"


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)

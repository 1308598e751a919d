"""How a call ends: its answer is entered, with what it has cost, or the reason for which there is none.

First what it has cost, for which the tenant's month is locked, then what it has come to, for which the run is: two
transactions, so that nobody waits for a month while a run goes on. Whoever is killed in between does both again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from nyxcore.budgets import service as budgets
from nyxcore.budgets.models import Attempt
from nyxcore.budgets.service import BudgetHeld
from nyxcore.db.connection import Connection, Database
from nyxcore.errors import NotFound
from nyxcore.llm.models import LedgerEntry, ModelAnswer, ModelFailure, spent_tokens, spent_usd
from nyxcore.personas import service as personas
from nyxcore.runs import service as runs
from nyxcore.runs.models import CostSoFar, Event
from nyxcore.steps import completing, engine, repository
from nyxcore.steps.calls import repository as call_rows
from nyxcore.steps.pinned import Pinned
from nyxcore.steps.values import is_judge
from nyxcore.workflows.definition import Step

MOST_WAITS = 80
"""Attempts that a call may lose to a budget that others hold; names of executions have room for two digits."""

type Place = tuple[str, int, int]
"""Key of a step, part of its calls, attempt."""


def attempt_of(run_id: UUID, place: Place) -> Attempt:
    """What the ledger and the objects know this attempt of a call by."""
    return Attempt(run_id, f"{place[0]}.{place[1]}", place[2])


def end(
    db: Database,
    tenant_id: UUID,
    run_id: UUID,
    place: Place,
    outcome: ModelAnswer | ModelFailure,
    *,
    settles: bool = True,
) -> None:
    """Enter what came of an attempt: ledger, output, what becomes of its step; then go on with the run.

    Doing it twice enters nothing twice. A run that has ended meanwhile keeps the ledger's rows and nothing else.

    Parameters
    ----------
    settles : whether it is known what the attempt has spent; if not, what is held for it is held on.
    """
    if settles:
        with db.transaction(tenant_id, durable=False) as connection:  # the next commit makes it so
            settle(connection, tenant_id, attempt_of(run_id, place), outcome.calls)
    with db.transaction(tenant_id) as connection:
        look = enter(connection, tenant_id, run_id, place, outcome)
    engine.follow(db, tenant_id, run_id, look)


def hold_back(db: Database, tenant_id: UUID, run_id: UUID, place: Place, error: BudgetHeld) -> bool:
    """Let a call wait whose budget others hold; False where it has waited too often. Told once for a step's calls."""
    with db.transaction(tenant_id) as connection:
        if engine.locked(connection, tenant_id, run_id) is None:
            return True  # it has ended meanwhile, and its calls with it
        call = call_rows.call(connection, tenant_id, run_id, place[0], place[1])
        if call is not None and call["waits"] >= MOST_WAITS:
            return False
        reason = {"code": error.code, "message": error.message}
        if call_rows.hold_back(connection, tenant_id, run_id, place, needs=error.wanted, error=reason):
            told = f"Step {place[0]} waits: {error.message}"
            runs.append(connection, tenant_id, run_id, [Event("log", {"level": "info", "message": told})])
    engine.advance(db, tenant_id, run_id)  # who held it may have ended before anybody could see that it waits
    return True


def settle(connection: Connection, tenant_id: UUID, attempt: Attempt, calls: Sequence[LedgerEntry]) -> None:
    """What the attempt has spent goes into the ledger, the rest of what was held goes back."""
    with suppress(NotFound):  # it was refused before anything was held for it
        budgets.settle(connection, tenant_id, attempt, calls)


def enter(
    connection: Connection, tenant_id: UUID, run_id: UUID, place: Place, outcome: ModelAnswer | ModelFailure
) -> engine.Look:
    """Enter what came of an attempt, and what the run makes of it; after the commit: `engine.follow`."""
    run = engine.locked(connection, tenant_id, run_id)
    if run is None:
        return engine.Look()
    events = _entered(connection, tenant_id, run, place, outcome)
    if events is None:
        return engine.look(connection, tenant_id, run)
    events += completing.complete(connection, tenant_id, run, run.step(place[0]))
    spent = CostSoFar(*call_rows.spent(connection, tenant_id, run_id))
    events.append(Event("usage", {"tokens": spent.tokens, "usd": float(spent.usd)}))
    return engine.look(connection, tenant_id, run, events, cost=spent)


def _entered(
    connection: Connection, tenant_id: UUID, run: Pinned, place: Place, outcome: ModelAnswer | ModelFailure
) -> list[Event] | None:
    """End the attempt in the rows; what is to be told of it before its step ends, None where it had ended before."""
    tokens, usd = spent_tokens(outcome.calls), spent_usd(outcome.calls)
    step, (key, _, attempt) = run.step(place[0]), place
    if isinstance(outcome, ModelAnswer):
        if not call_rows.end_call(
            connection, tenant_id, run.id, place, status="succeeded", output=outcome.text, data=outcome.data,
            tokens=tokens, usd=usd,
        ):  # fmt: skip
            return None
        _count_use(connection, tenant_id, run, place)
        return []
    tried = attempt - _waits(connection, tenant_id, run, place)
    again = outcome.retryable and tried <= step.retries
    status, error = "pending" if again else "failed", {"code": outcome.code, "message": outcome.message}
    if not call_rows.end_call(
        connection, tenant_id, run.id, place, status=status, error=error, tokens=tokens, usd=usd
    ):
        return None
    if not again:
        return []
    repository.raise_attempt(connection, tenant_id, run.id, key, tried + 1)
    return completing.enter(connection, tenant_id, run, step, "running")


def _waits(connection: Connection, tenant_id: UUID, run: Pinned, place: Place) -> int:
    call = call_rows.call(connection, tenant_id, run.id, place[0], place[1])
    return 0 if call is None else int(call["waits"])


def _count_use(connection: Connection, tenant_id: UUID, run: Pinned, place: Place) -> None:
    """Count that the step used its persona: once, however many calls and attempts it takes."""
    step = run.step(place[0])
    key = speaker(step, judging=is_judge(step, place[1]))
    if key is None:
        return
    persona = personas.by_key(connection, tenant_id, key, run.row["created_at"])
    personas.used(connection, tenant_id, persona.id, run_id=run.id, step=step.key)


def speaker(step: Step, *, judging: bool) -> str | None:
    """Key of the persona that a call of the step speaks as, or None."""
    if judging:
        return step.judge.persona if step.judge else None
    return step.persona

"""The engine: what becomes of a run's steps. The database is the truth; executions only do what it says.

`advance` is called whenever something has changed: at the opening, when a call has ended, when the run was woken
(a review was decided, the run of an analysis has ended), and by the sweep. It works out under the run's lock
what may begin, and writes that down before it starts executions. Whoever is killed in between leaves claims
that a later `advance` finds and starts again, under the same name: starting twice is starting once.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nyxcore.budgets import service as budgets
from nyxcore.budgets.models import Room
from nyxcore.db.connection import Connection, Database
from nyxcore.errors import NotFound
from nyxcore.llm.models import Amount
from nyxcore.runs import dispatch
from nyxcore.runs import repository as runs_repository
from nyxcore.runs import service as runs
from nyxcore.runs.models import FINISHED, CostSoFar, Event
from nyxcore.steps import beginning, repository
from nyxcore.steps.calls import repository as call_rows
from nyxcore.steps.completing import enter
from nyxcore.steps.pinned import Pinned, pinned
from nyxcore.workflows import graph
from nyxcore.workflows.definition import Step

CLAIMED_AT_ONCE = 10
"""Executions that are started between two looks at the database: a cancel stops them."""
BEGUN_AT_ONCE = 50
"""Events after which a look at a run ends: it holds the run's lock, and a cancel waits for it."""
LOST_AFTER = 20.0  # seconds after which a claim whose start nobody has noted is started again
LONGEST_DELAY = 300.0

_log = logging.getLogger(__name__)

type Row = dict[str, Any]


@dataclass(frozen=True)
class Look:
    """What one look at a run has come to.

    Attributes
    ----------
    claims : the calls that are to be started now.
    again : there may be more to begin or to claim: look again.
    frees : other runs may begin now: it has queued an analysis, waits or has ended.
    """

    claims: Sequence[Claim] = ()
    again: bool = False
    frees: bool = False


@dataclass(frozen=True)
class Claim:
    """A call that is to be started: its step, its part of the step's calls, its attempt, seconds to wait before it."""

    key: str
    part: int
    attempt: int
    delay: int

    def execution(self, run_id: UUID) -> str:
        """Its execution's name, of at most 80 characters: a run's id has 32 here, a key at most 40."""
        return f"{run_id.hex}-{self.key}-{self.part}-{self.attempt}"

    @property
    def place(self) -> tuple[str, int, int]:
        """Key, part and attempt, as the repository takes them."""
        return self.key, self.part, self.attempt


def open_run(db: Database, tenant_id: UUID, run_id: UUID) -> None:
    """Write down the steps of a run that begins, those that an earlier run has finished as finished; advance.

    Raises
    ------
    RunFinished : it has ended meanwhile.
    NotFound : there is no such run.
    """
    with db.transaction(tenant_id) as connection:
        row = runs_repository.lock(connection, tenant_id, run_id)
        if row is None:
            raise NotFound(f"there is no run {run_id}")
        runs.require_unfinished(connection, tenant_id, run_id)
        if not repository.states(connection, tenant_id, run_id):
            beginning.write_steps(connection, tenant_id, pinned(connection, tenant_id, row))
    advance(db, tenant_id, run_id)


def advance(db: Database, tenant_id: UUID, run_id: UUID) -> None:
    """Begin whatever may begin now, and end the run when nothing is left to do."""
    follow(db, tenant_id, run_id, _look_again(db, tenant_id, run_id))


def follow(db: Database, tenant_id: UUID, run_id: UUID, look: Look) -> None:
    """After the commit of a look: start what it has claimed, and look again for as long as it says so."""
    frees = look.frees
    while (not look.claims or _start(db, tenant_id, run_id, look.claims)) and look.again:
        look = _look_again(db, tenant_id, run_id)
        frees = frees or look.frees
    if frees:
        dispatch.dispatch(db, [tenant_id])


def _start(db: Database, tenant_id: UUID, run_id: UUID, claims: Sequence[Claim]) -> bool:
    """Start the executions of these claims; False where Step Functions took no more of them.

    Those stay claimed, and a later `advance` starts them: nothing that has been recorded is to fail for it.
    """
    started: list[Claim] = []
    try:
        for claim in claims:
            call = {"key": claim.key, "part": claim.part, "attempt": claim.attempt, "delay": claim.delay}
            dispatch.start_task(tenant_id, run_id, claim.execution(run_id), {"call": call})
            started.append(claim)
    except dispatch.ExecutionNotStarted as error:
        _log.warning("run %s: its calls are started later: %s", run_id, error)
    with db.transaction(
        tenant_id, durable=False
    ) as connection:  # lost, it is started again: that changes nothing
        call_rows.mark_started(connection, tenant_id, run_id, [claim.place for claim in started])
    return len(started) == len(claims)


def delay_before(step: Step, attempt: int) -> int:
    """Seconds before an attempt: none before the first, then twice as long before each further one."""
    return 0 if attempt <= 1 else round(min(step.backoff * 2 ** (attempt - 2), LONGEST_DELAY))


def locked(connection: Connection, tenant_id: UUID, run_id: UUID) -> Pinned | None:
    """The run, locked to the end of the transaction; None when it has ended, has not begun or is gone."""
    row = runs_repository.lock(connection, tenant_id, run_id)
    over = row is None or row["status"] in FINISHED or row["status"] == "queued"
    return None if row is None or over else pinned(connection, tenant_id, row)


def _look_again(db: Database, tenant_id: UUID, run_id: UUID) -> Look:
    with db.transaction(tenant_id) as connection:
        run = locked(connection, tenant_id, run_id)
        return Look() if run is None else look(connection, tenant_id, run)


def look(
    connection: Connection,
    tenant_id: UUID,
    run: Pinned,
    events: Sequence[Event] = (),
    *,
    cost: CostSoFar | None = None,
) -> Look:
    """Settle and begin what can be, and claim some of the calls that are to be started.

    The run is locked, and nothing else is to be written in the transaction.

    Parameters
    ----------
    events, cost : what the transaction has brought about already, to be told together with the rest.
    """
    begun = _begin_ready(connection, tenant_id, run)
    left = call_rows.left_over(connection, tenant_id, run.id, older_than=LOST_AFTER)
    lost = [row for row in left if row["lost"]]
    claimed = call_rows.claim(connection, tenant_id, run.id, CLAIMED_AT_ONCE)
    resumed = _resumed(connection, tenant_id, run, [row for row in left if row["needs_usd"] is not None])
    states = repository.states(connection, tenant_id, run.id)
    if events or begun:
        tell(connection, tenant_id, run, states, [*events, *begun], cost=cost)
    full = CLAIMED_AT_ONCE in {len(claimed), len(resumed)} or len(begun) >= BEGUN_AT_ONCE
    idle = not full and _change_status(connection, tenant_id, run, states)
    analyses = bool(begun) and any(
        state["type"] == "analysis" and state["status"] == "running" for state in states
    )
    claims = [_claim(run, row) for row in [*lost, *claimed, *resumed]]
    return Look(claims, again=full, frees=idle or analyses)


def _claim(run: Pinned, row: Row) -> Claim:
    """What is to be started; one that has waited for its budget has waited long enough."""
    tried = row["attempt"] - row["waits"]
    delay = delay_before(run.step(row["key"]), tried) if row["needs_usd"] is None else 0
    return Claim(row["key"], row["part"], row["attempt"], delay)


def _resumed(connection: Connection, tenant_id: UUID, run: Pinned, needing: Sequence[Row]) -> list[Row]:
    """Claim of the calls that wait for their budget those that find room beside each other, or never will.

    Those that were claimed and hold nothing yet take their room first. Who is claimed in vain, since a call of another
    run was quicker, waits again.
    """
    waiting = [row for row in needing if row["status"] == "pending"]
    if not waiting:
        return []
    shared = budgets.room(connection, tenant_id, run.asked(run.step(waiting[0]["key"])))
    rooms: dict[str, Room] = {}
    granted = defaultdict[str, Amount](Amount)
    for row in needing:
        if row["status"] == "running":
            granted[row["key"]] += _needed(row)
    in_all = sum(granted.values(), Amount())
    chosen: list[tuple[str, int]] = []
    for row in waiting:
        step, needed = run.step(row["key"]), _needed(row)
        room = shared.without(in_all)
        if step.budget is not None:
            if step.key not in rooms:
                rooms[step.key] = budgets.room_of_step(connection, tenant_id, run.asked(step))
            room = room.within(rooms[step.key].without(granted[step.key]))
        if room.only_held(needed):
            continue
        chosen.append((step.key, row["part"]))
        granted[step.key] += needed
        in_all += needed
        if len(chosen) == CLAIMED_AT_ONCE:
            break
    return call_rows.claim_held_back(connection, tenant_id, run.id, chosen) if chosen else []


def _needed(row: Row) -> Amount:
    return Amount(row["needs_usd"], row["needs_tokens"])


def _begin_ready(connection: Connection, tenant_id: UUID, run: Pinned) -> list[Event]:
    """Begin steps whose needs are finished, about `BEGUN_AT_ONCE` of them; one that ends at once may free others."""
    states = repository.states(connection, tenant_id, run.id)
    statuses = {row["key"]: row["status"] for row in states}
    fresh = beginning.settle_children(connection, tenant_id, run, states)
    events = list(fresh)
    while len(events) < BEGUN_AT_ONCE:
        statuses |= {event.data["key"]: event.data["status"] for event in fresh if event.type == "step"}
        ready = graph.ready(run.needs, statuses)[:BEGUN_AT_ONCE]
        if not ready:
            break
        fresh = [
            event for key in ready for event in beginning.begin(connection, tenant_id, run, run.step(key))
        ]
        events += fresh
    return events


def tell(
    connection: Connection,
    tenant_id: UUID,
    run: Pinned,
    states: Sequence[Row],
    events: Sequence[Event],
    *,
    cost: CostSoFar | None = None,
) -> None:
    """Append what has happened to the run's log, with its progress; the last statement but a change of status."""
    ended = sum(state["status"] in {"succeeded", "skipped", "failed"} for state in states)
    progress = {"done": ended, "total": len(states), "unit": "steps"}
    active = [state["key"] for state in states if state["status"] in {"running", "waiting"}]
    phase = active[0] if active and active[0] != run.row["phase"] else None
    told = [*events, *([Event("phase", {"phase": phase})] if phase else []), Event("progress", progress)]
    runs.append(connection, tenant_id, run.id, told, phase=phase, progress=progress, cost=cost)


def _change_status(connection: Connection, tenant_id: UUID, run: Pinned, states: Sequence[Row]) -> bool:
    """The run waits when nothing but reviews is open, goes on when something else is, ends when nothing is.

    Whether it makes room for another run: it waits, or has ended.
    """
    statuses = {state["status"] for state in states}
    goes_on = "running" in statuses or "waiting" not in statuses
    if goes_on and run.status == "waiting":
        runs.resume_run(connection, tenant_id, run.id)
    if "running" in statuses:
        return False
    if "waiting" in statuses:
        return run.status == "running" and runs.begin_waiting(connection, tenant_id, run.id) is not None
    _finish(connection, tenant_id, run, states)
    return True


def _finish(connection: Connection, tenant_id: UUID, run: Pinned, states: Sequence[Row]) -> None:
    failed = [state for state in states if state["status"] == "failed"]
    if not failed:
        report_id = repository.newest_report(connection, tenant_id, run.id)
        result = {"reportId": str(report_id) if report_id else None}
        runs.finish_run(connection, tenant_id, run.id, "succeeded", result=result)
        return
    _skip_the_rest(connection, tenant_id, run, states, {state["key"] for state in failed})
    error = failed[0]["error"]
    message = f"step {failed[0]['key']}: {error['message']}"
    runs.finish_run(
        connection, tenant_id, run.id, "failed", error={"code": error["code"], "message": message}
    )


def _skip_the_rest(
    connection: Connection, tenant_id: UUID, run: Pinned, states: Sequence[Row], failed: Set[str]
) -> None:
    """Say of each step that never began which step that it needs has failed."""
    events = []
    for state in states:
        if state["status"] == "pending":
            cause = next(each.key for each in graph.ancestors(run.needs, state["key"]) if each.key in failed)
            error = {"code": "need_failed", "message": f"{cause} failed, which it needs"}
            events += enter(connection, tenant_id, run, run.step(state["key"]), "skipped", error=error)
    if events:
        tell(connection, tenant_id, run, repository.states(connection, tenant_id, run.id), events)

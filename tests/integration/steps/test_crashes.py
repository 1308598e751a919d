"""A process that is killed after any of its commits, and the task that is run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from machine import Crash, Execution, Machine
from workbench import Workbench, answered, refused

from nyxcore.db.connection import Connection, Database
from nyxcore.llm.stored_calls import PreparedCall
from nyxcore.runs.sweep import sweep
from nyxcore.steps import reviews
from nyxcore.steps.service import tend_all


class CrashingDatabase(Database):
    """Kills the task after its n-th commit."""

    left: int | None = None

    @contextmanager
    def transaction(self, tenant_id: UUID, *, durable: bool = True) -> Iterator[Connection]:
        with super().transaction(tenant_id, durable=durable) as connection:
            yield connection
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                self.left = None
                raise Crash


@pytest.fixture
def crashing(database_urls: Any) -> Iterator[CrashingDatabase]:
    database = CrashingDatabase(database_urls.app_url)
    yield database
    database.close()


STEPS: tuple[dict[str, Any], ...] = (
    {"key": "start", "prompt": "{{input}}", "persona": "researcher", "model": "offline"},
    {
        "key": "each",
        "prompt": "{{item}} {{steps.start.content}}",
        "forEach": ["a", "b"],
        "persona": "architect",
    },
    {"key": "flaky", "prompt": "{{steps.start.content}}", "retries": 1, "backoff": 0.1},
    {"key": "never", "prompt": "{{input}}", "needs": ["start"], "when": 'steps.start.content == "x"'},
    {"key": "report", "type": "report", "needs": ["each", "flaky", "never"]},
)

DECIDED: tuple[dict[str, Any], ...] = (
    {
        "key": "plan", "prompt": "{{input}}", "alternatives": 2, "pick": "judge", "persona": "researcher",
        "judge": {"persona": "architect"},
    },
    {"key": "look", "type": "review", "needs": ["plan"], "prompt": "Is {{steps.plan.content}} good?"},
    {"key": "report", "type": "report", "needs": ["look"], "prompt": "Tell of {{steps.look.content}}."},
)  # fmt: skip


def scripted(machine: Machine) -> None:
    """Answers that depend on the prompt alone; one step fails at its first attempt."""
    failed: list[str] = []

    def model(question: Any) -> Any:
        if "answer of start" in question.prompt and "item" not in question.prompt and not failed:
            failed.append(question.prompt)
            return refused("model_unavailable", retryable=True)
        if question.output_schema is not None:
            return answered("", data={"pick": 2, "reasons": "it is shorter"})
        return answered("answer of start" if "the input" in question.prompt else "answer")

    machine.model = model


def tasks_of(
    machine: Machine, execution: Execution, db: Database
) -> Iterator[tuple[str, Callable[[], object]]]:
    """The tasks of an execution one by one, each as often as it is called."""
    found: list[PreparedCall | None] = []
    yield "prepare", lambda: found.append(machine.prepare(execution, db=db))
    if found and found[-1] is not None:
        where = found[-1]
        yield "call", lambda: machine.call(where)
        yield "record", lambda: machine.record(execution, db=db)


def play_crashing(bench: Workbench, crashing: CrashingDatabase, at: int) -> list[str]:
    """Run everything, the `at`-th commit of all tasks being followed by a crash and the task again."""
    machine, crashed = bench.machine, []
    crashing.left = at
    while machine.waiting:
        for name, task in tasks_of(machine, machine.waiting.pop(0), crashing):
            try:
                task()
            except Crash:
                crashed.append(name)
                task()
        if not machine.waiting:
            crashed += decide_crashing(bench, crashing)
            lose_time(bench)
            sweep(bench.db)
            tend_all(bench.db)
    return crashed


def decide_crashing(bench: Workbench, crashing: CrashingDatabase) -> list[str]:
    """Approve what waits for a person, who says it again where no answer comes; the sweep goes on with the run."""
    crashed = []
    for row in bench.rows("select run_id, key from run_steps where status = 'waiting'"):
        for _ in range(2):
            try:
                with crashing.transaction(bench.tenant_id) as connection:
                    reviews.decide(
                        connection, bench.tenant_id, row["run_id"], row["key"], decision="approve", content=None,
                        alternative=None, actor="token:reviewer",
                    )  # fmt: skip
            except Crash:
                crashed.append("decide")
    return crashed


def lose_time(bench: Workbench) -> None:
    """As if the sweep came a minute later."""
    bench.write("update run_step_calls set claimed_at = claimed_at - interval '1 minute'")
    bench.write("update runs set started_at = started_at - interval '1 minute' where finished_at is null")


def outcome(bench: Workbench, run_id: UUID) -> dict[str, Any]:
    """All that must be alike however often the tasks were killed."""
    steps = [
        step.model_dump(exclude={"started_at", "finished_at", "output", "calls"})
        for step in bench.steps(run_id).values()
    ]
    run = bench.get(run_id)
    ledger = bench.rows(
        "select step, attempt, number, outcome, usd from llm_calls where run_id = %s order by 1, 2, 3", run_id
    )
    held = bench.rows("select 1 from budget_reservations where run_id = %s and closed_at is null", run_id)
    told = sorted(bench.changes(run_id))
    assert len(told) == len(set(told)), "no event twice"
    return {
        "status": run.status,
        "cost": run.cost,
        "reports": len(bench.rows("select 1 from reports where run_id = %s", run_id)),
        "steps": steps,
        "ledger": ledger,
        "held": held,
        "told": told,
    }


def xp(bench: Workbench) -> list[int]:
    """The XP of the two personas, the one that is used once first."""
    rows = bench.rows("select xp, 10 * uses as counted from persona_progress order by xp")
    assert all(row["xp"] == row["counted"] for row in rows)
    return [row["xp"] for row in rows]


@pytest.mark.parametrize(
    ("steps", "calls", "commits", "places"),
    [(STEPS, 5, 20, {"prepare", "record"}), (DECIDED, 5, 16, {"prepare", "record", "decide"})],
    ids=["retries and lists", "judge, review and report"],
)
def test_a_crash_after_any_commit_changes_nothing_and_pays_nothing_twice(
    bench: Workbench,
    crashing: CrashingDatabase,
    steps: tuple[dict[str, Any], ...],
    calls: int,
    commits: int,
    places: set[str],
) -> None:
    def run(at: int) -> tuple[UUID, list[str]]:
        bench.machine.asked.clear()
        scripted(bench.machine)
        run_id = bench.begin(*steps)
        return run_id, play_crashing(bench, crashing, at)

    first, _ = run(at=1_000_000)
    clean, learnt = outcome(bench, first), xp(bench)
    assert clean["status"] == "succeeded" and clean["cost"].tokens == calls * 15 and clean["held"] == []
    assert learnt == [10, 10] and len(bench.machine.asked) == calls

    at, crashed, seen = 0, ["not yet"], set()
    while crashed:
        at += 1
        before = xp(bench)
        run_id, crashed = run(at)
        seen |= set(crashed)
        assert outcome(bench, run_id) == clean, f"after commit {at}, {crashed}"
        assert len(bench.machine.asked) == calls, f"after commit {at}, {crashed}"
        assert [after - count for after, count in zip(xp(bench), before, strict=True)] == learnt, (
            f"commit {at}"
        )
    assert at > commits and seen == places


def test_a_task_that_is_killed_for_good_after_a_commit_is_made_up_for_by_the_sweep(
    bench: Workbench, crashing: CrashingDatabase
) -> None:
    scripted(bench.machine)
    clean = outcome(bench, bench.run(*STEPS))
    scripted(bench.machine)
    run_id = bench.begin(*STEPS)
    opening, *_ = bench.machine.waiting
    bench.machine.waiting.clear()
    crashing.left = 2  # the steps are written and the first is claimed; nobody starts it
    with pytest.raises(Crash):
        bench.machine.prepare(opening, db=crashing)
    tend_all(bench.db)
    assert bench.machine.waiting == [], "whoever has claimed it may be about to start it"
    lose_time(bench)
    tend_all(bench.db)
    bench.machine.run()
    assert outcome(bench, run_id) == clean


def test_a_claim_is_started_later_when_no_execution_can_be_started(bench: Workbench) -> None:
    run_id = bench.begin({"key": "one", "prompt": "{{input}}"}, {"key": "two", "prompt": "{{input}}"})
    bench.machine.refuses = 1
    bench.machine.run()
    assert bench.statuses(run_id) == {"one": "running", "two": "running"} and bench.machine.waiting == []
    lose_time(bench)
    tend_all(bench.db)
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"


def test_a_lost_claim_is_found_while_other_calls_go_on(bench: Workbench) -> None:
    run_id = bench.begin({"key": "one", "prompt": "{{input}}"}, {"key": "two", "prompt": "{{input}}"})
    bench.machine.play(bench.machine.waiting.pop(0))
    slow = bench.machine.take("one")
    bench.machine.waiting.clear()
    bench.write("update run_step_calls set started = false where key = 'two'")
    bench.machine._names -= {name for name in bench.machine._names if "-two-" in name}
    lose_time(bench)
    tend_all(bench.db)
    bench.machine.run()
    assert bench.statuses(run_id) == {"one": "running", "two": "succeeded"}
    bench.machine.play(slow)
    assert bench.get(run_id).status == "succeeded"

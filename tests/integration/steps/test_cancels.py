"""A run that ends while its steps are under way: nothing that comes late changes it, the ledger excepted."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from machine import Execution
from workbench import Workbench, answered, entry

from nyxcore.errors import RunFinished
from nyxcore.llm.models import ModelFailure
from nyxcore.llm.stored_calls import PreparedCall
from nyxcore.pipelines.workflow import tasks as workflow
from nyxcore.runs import service as runs
from nyxcore.runs.sweep import sweep
from nyxcore.steps.service import executions_of, tend_all
from nyxcore.storage import objects

STEPS: tuple[dict[str, Any], ...] = (
    {"key": "one", "prompt": "{{input}}", "persona": "architect"},
    {"key": "two", "prompt": "{{steps.one.content}}"},
)
ANALYSIS: tuple[dict[str, Any], ...] = (
    {"key": "facts", "type": "analysis"},
    {"key": "after", "prompt": "{{steps.facts.content}}"},
)


def everything(bench: Workbench, run_id: UUID) -> list[Any]:
    return [
        bench.rows(f"select * from {table} where run_id = %s order by 1, 2, 3, 4", run_id)
        for table in ("run_events", "run_steps", "run_step_calls")
    ] + [bench.rows("select * from runs where id = %s", run_id), bench.rows("select * from persona_progress")]


def ended(bench: Workbench, run_id: UUID) -> None:
    run = bench.get(run_id)
    assert run.status == "cancelled" and bench.events(run_id)[-1][0] == "done"
    assert set(bench.statuses(run_id).values()) <= {"cancelled", "succeeded"}


@pytest.mark.parametrize("phase", ["queued", "opening", "claimed", "prepared", "answered", "recorded"])
def test_a_cancel_ends_the_run_in_every_phase_and_what_comes_late_is_in_the_ledger_alone(
    bench: Workbench, phase: str
) -> None:
    machine = bench.machine
    machine.model = lambda _: answered("yes")
    run_id = bench.begin(*STEPS)
    opening = machine.waiting.pop(0)
    if phase not in {"queued", "opening"}:
        machine.play(opening)
    call = machine.take("one") if phase in {"claimed", "prepared", "answered", "recorded"} else None
    where = machine.prepare(call) if call and phase != "claimed" else None
    if where is not None and phase in {"answered", "recorded"}:
        machine.call(where)
    if call and phase == "recorded":
        machine.record(call)
    with bench.db.transaction(bench.tenant_id) as connection:
        runs.cancel_run(connection, bench.tenant_id, run_id, actor="test")
    before = everything(bench, run_id)

    if phase == "opening":
        with pytest.raises(RunFinished):
            machine.prepare(opening)
    if call and phase == "claimed":
        with pytest.raises(RunFinished):
            machine.prepare(call)
    if call and where is not None:
        machine.call(where)
        machine.record(call)
        machine.record(call)
        machine.fail(call, RuntimeError("late"))
        assert len(bench.rows("select 1 from llm_calls where run_id = %s", run_id)) == 1
        assert (
            bench.rows("select 1 from budget_reservations where run_id = %s and closed_at is null", run_id)
            == []
        )
    machine.run()
    sweep(bench.db)
    tend_all(bench.db)
    machine.run()
    assert everything(bench, run_id) == before
    ended(bench, run_id)


def test_a_cancel_names_the_executions_that_are_to_be_stopped(bench: Workbench) -> None:
    run_id = bench.begin({"key": "each", "prompt": "{{item}}", "forEach": ["a", "b"]})
    bench.machine.play(bench.machine.waiting.pop(0))
    with bench.db.transaction(bench.tenant_id) as connection:
        names = executions_of(connection, bench.tenant_id, run_id)
    assert sorted(names) == sorted(each.name for each in bench.machine.waiting)


def analysing(bench: Workbench) -> tuple[UUID, UUID]:
    """A run whose analysis is under way, and the analysis."""
    run_id = bench.run(*ANALYSIS)
    child_id = bench.steps(run_id)["facts"].child_run_id
    assert child_id is not None and bench.get(child_id).status == "running"
    return run_id, child_id


def go_on(bench: Workbench) -> None:
    sweep(bench.db)
    tend_all(bench.db)
    bench.machine.run()


def test_an_analysis_that_succeeds_gives_its_facts_to_those_who_need_them(bench: Workbench) -> None:
    bench.write("update tenant_settings set max_running_runs = 1")
    run_id, child_id = analysing(bench)
    [execution] = bench.machine.others
    assert execution.name == str(child_id) and execution.input["source"] == {
        "type": "path",
        "path": "/srv/shop",
    }
    bench.finish(child_id, "succeeded")
    go_on(bench)
    steps_ = bench.steps(run_id)
    assert bench.get(run_id).status == "succeeded"
    assert steps_["facts"].output == "Static analysis of 0 files found nothing.\n"
    assert "found nothing" in (steps_["after"].prompt or "")


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_analysis_that_ends_badly_ends_its_step(bench: Workbench, status: Any) -> None:
    run_id, child_id = analysing(bench)
    bench.finish(child_id, status)
    go_on(bench)
    run = bench.get(run_id)
    assert run.status == "failed" and run.error is not None
    assert run.error.message == f"step facts: its run {child_id} was {status}"
    assert bench.statuses(run_id) == {"facts": "failed", "after": "skipped"}


def test_an_analysis_whose_run_is_deleted_ends_its_step(bench: Workbench) -> None:
    run_id, child_id = analysing(bench)
    bench.write("delete from runs where id = %s", child_id)
    bench.write("update runs set started_at = started_at - interval '1 minute' where id = %s", run_id)
    go_on(bench)
    run = bench.get(run_id)
    assert run.error is not None and run.error.message == "step facts: its run was deleted"


def test_a_wake_up_that_is_lost_is_made_up_for_by_the_sweep(bench: Workbench) -> None:
    run_id, child_id = analysing(bench)
    bench.finish(child_id, "succeeded")
    bench.write("update runs set woken = false")
    bench.write("update runs set started_at = started_at - interval '1 minute' where id = %s", run_id)
    go_on(bench)
    assert bench.get(run_id).status == "succeeded"


def test_an_analysis_is_not_left_behind_by_a_run_that_has_ended(bench: Workbench) -> None:
    run_id, child_id = analysing(bench)
    bench.finish(run_id, "cancelled")
    assert bench.get(child_id).status == "running", "whoever cancels was killed before the analysis"
    go_on(bench)
    assert bench.get(child_id).status == "cancelled"
    assert str(child_id) in bench.machine.stopped


def test_a_retry_takes_the_facts_over_and_analyses_nothing_again(bench: Workbench) -> None:
    run_id, child_id = analysing(bench)
    bench.finish(child_id, "succeeded")
    bench.machine.model = lambda _: (_ for _ in ()).throw(AssertionError("not to be asked"))
    bench.write("update runs set status = 'failed' where false")
    sweep(bench.db)
    [woken] = bench.machine.waiting
    bench.machine.waiting.clear()
    bench.machine.prepare(woken)
    bench.machine.waiting.clear()
    bench.finish(run_id, "failed")
    bench.machine.model = lambda _: answered("yes")
    again = bench.retry(run_id)
    assert bench.get(again).status == "succeeded"
    assert len(bench.machine.others) == 1
    assert bench.steps(again)["facts"].child_run_id == child_id


def test_a_retry_of_a_retry_that_never_began_goes_on_from_the_run_before(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("yes")
    run_id = bench.begin(*STEPS)
    bench.machine.play(bench.machine.waiting.pop(0))
    bench.machine.play(bench.machine.take("one"))
    bench.machine.waiting.clear()
    bench.finish(run_id, "failed")
    with bench.db.transaction(bench.tenant_id) as connection:
        unbegun = runs.retry_run(connection, bench.tenant_id, run_id, actor="test").id
    bench.finish(unbegun, "cancelled")
    bench.machine.asked.clear()
    again = bench.retry(unbegun)
    assert bench.get(again).status == "succeeded" and len(bench.machine.asked) == 1
    assert bench.steps(again)["one"].output == "yes"
    [row] = bench.rows("select xp from persona_progress")
    assert row["xp"] == 10


def test_a_retry_keeps_the_decision_and_the_version_of_the_run_before(bench: Workbench) -> None:
    broken = [True]
    from workbench import refused

    bench.machine.model = lambda _: (
        refused("model_refused", retryable=False)
        if broken and len(bench.machine.asked) > 1
        else answered("yes")
    )
    run_id = bench.run(
        STEPS[0], {"key": "review", "type": "review", "needs": ["one"]},
        {"key": "last", "prompt": "{{steps.review.content}}"},
    )  # fmt: skip
    bench.decide(run_id, "review", "edit", "edited by hand")
    assert bench.get(run_id).status == "failed"
    broken.clear()
    bench.write("update workflows set version = version")
    again = bench.retry(run_id)
    steps_ = bench.steps(again)
    assert bench.get(again).status == "succeeded"
    assert (steps_["review"].decision, steps_["review"].output) == ("edit", "edited by hand")
    assert steps_["review"].decided_by == "token:reviewer"
    assert "edited by hand" in (steps_["last"].prompt or "")


def test_an_execution_that_was_stopped_from_outside_ends_its_call(bench: Workbench) -> None:
    run_id = bench.begin(*STEPS)
    bench.machine.play(bench.machine.waiting.pop(0))
    lost = bench.machine.take("one")
    detail = {"status": "ABORTED", "input": json.dumps(lost.input)}
    assert workflow.stopped(bench.db, {"detail": detail})
    run = bench.get(run_id)
    assert run.status == "failed" and run.error is not None and run.error.code == "call_lost"
    before = bench.events(run_id)
    assert workflow.stopped(bench.db, {"detail": detail})
    assert bench.events(run_id) == before


def asking(bench: Workbench) -> tuple[UUID, Execution, PreparedCall]:
    """A run whose first call is prepared, its execution and where it stands."""
    bench.machine.model = lambda _: answered("an answer")
    run_id = bench.begin(*STEPS)
    bench.machine.play(bench.machine.waiting.pop(0))
    execution = bench.machine.take("one")
    where = bench.machine.prepare(execution)
    assert where is not None
    return run_id, execution, where


@pytest.mark.parametrize("written", ["answer", "attempt", "nothing"])
def test_what_a_stopped_call_has_spent_is_in_the_ledger(bench: Workbench, written: str) -> None:
    run_id, stopped, where = asking(bench)
    if written == "answer":
        bench.machine.call(where)
    if written == "attempt":
        unknown = entry(outcome="unknown").model_dump(mode="json", by_alias=True)
        objects.put(where.attempts, json.dumps([unknown]).encode())
    with bench.db.transaction(bench.tenant_id) as connection:
        runs.cancel_run(connection, bench.tenant_id, run_id, actor="test")
    assert workflow.stopped(bench.db, {"detail": {"status": "ABORTED", "input": json.dumps(stopped.input)}})
    ledger = bench.rows("select outcome from llm_calls where run_id = %s", run_id)
    held = bench.rows("select 1 from budget_reservations where run_id = %s and closed_at is null", run_id)
    assert [row["outcome"] for row in ledger] == {
        "answer": ["succeeded"],
        "attempt": ["unknown"],
        "nothing": [],
    }[written]
    assert bool(held) == (written == "nothing"), "its caller may be at it still: the sweep looks again"
    ended(bench, run_id)


def test_an_answer_that_cost_nothing_gives_back_what_was_held_for_it(bench: Workbench) -> None:
    run_id, stopped, where = asking(bench)
    bench.machine.model = lambda _: ModelFailure(
        code="invalid_input", message="no", retryable=False, calls=()
    )
    bench.machine.call(where)
    assert workflow.stopped(bench.db, {"detail": {"status": "FAILED", "input": json.dumps(stopped.input)}})
    assert (
        bench.rows("select 1 from budget_reservations where run_id = %s and closed_at is null", run_id) == []
    )
    run = bench.get(run_id)
    assert run.status == "failed" and run.error is not None and run.error.code == "invalid_input"


def test_a_call_that_was_answered_before_its_execution_was_stopped_ends_with_its_answer(
    bench: Workbench,
) -> None:
    run_id, stopped, where = asking(bench)
    bench.machine.call(where)
    assert workflow.stopped(bench.db, {"detail": {"status": "FAILED", "input": json.dumps(stopped.input)}})
    assert bench.steps(run_id)["one"].output == "an answer"
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"


@pytest.mark.parametrize("detail", [{}, {"input": "{"}, {"input": '{"tenantId": "x", "runId": "y"}'}])
def test_an_event_of_no_call_is_not_taken_for_one(bench: Workbench, detail: dict[str, str]) -> None:
    assert not workflow.stopped(bench.db, {"detail": detail})

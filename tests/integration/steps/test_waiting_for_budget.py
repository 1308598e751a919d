"""Calls whose budget is held by others wait for them: what is held is more than what most calls cost in the end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from machine import Execution
from workbench import Workbench, answered, entry

from nyxcore.budgets import service as budgets
from nyxcore.budgets.models import BudgetDraft
from nyxcore.llm.models import ModelFailure
from nyxcore.llm.stored_calls import PreparedCall
from nyxcore.steps import engine, recording
from nyxcore.steps.service import tend_all
from nyxcore.tenancy.models import Principal

ITEMS = ["a", "b", "c", "d", "e", "f"]
EACH: dict[str, Any] = {
    "key": "each", "prompt": "{{item}}", "forEach": ITEMS, "model": "bedrock:m", "maxOutputTokens": 100, "retries": 0,
}  # fmt: skip
COST = 10  # tokens of one answer


@pytest.fixture(autouse=True)
def model(bench: Workbench) -> None:
    """Answers that cost little of what is held for them."""
    bench.machine.model = lambda asked: answered(asked.prompt).model_copy(
        update={"calls": (entry(input_tokens=COST - 1, output_tokens=1),)}
    )


def held_for_one(bench: Workbench) -> int:
    """Tokens that are held for a call of `EACH` where a limit holds."""
    bench.run(EACH | {"forEach": ITEMS[:1]}, budget={"tokens": 50_000})
    return bench.machine.asked.pop().limit_tokens


def prepare_all(bench: Workbench) -> list[tuple[Execution, PreparedCall]]:
    """Prepare everything that was started, side by side; those that are to be called."""
    taken, bench.machine.waiting = bench.machine.waiting, []
    prepared = [(execution, bench.machine.prepare(execution)) for execution in taken]
    return [(execution, where) for execution, where in prepared if where is not None]


def held_and_spent(bench: Workbench, run_id: UUID) -> tuple[int, int]:
    [held] = bench.rows(
        "select coalesce(sum(tokens), 0)::int as tokens from budget_reservations"
        " where run_id = %s and closed_at is null",
        run_id,
    )
    [spent] = bench.rows(
        "select coalesce(sum(input_tokens + output_tokens), 0)::int as tokens from llm_calls where run_id = %s",
        run_id,
    )
    return held["tokens"], spent["tokens"]


def logged(bench: Workbench, run_id: UUID) -> list[str]:
    return [data["message"] for _, data in bench.events(run_id, "log")]


def test_as_many_calls_go_on_side_by_side_as_the_budget_has_room_for_and_the_others_follow(
    bench: Workbench,
) -> None:
    limit = 2 * held_for_one(bench) + COST * len(ITEMS)
    run_id = bench.begin(EACH, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    side_by_side = []
    while under_way := prepare_all(bench):
        held, spent = held_and_spent(bench, run_id)
        assert held + spent <= limit
        side_by_side.append(len(under_way))
        for execution, where in under_way:
            bench.machine.call(where)
            bench.machine.record(execution)
    assert side_by_side == [2, 2, 2], "six were started, two found room"
    assert bench.get(run_id).status == "succeeded"
    assert held_and_spent(bench, run_id) == (0, COST * len(ITEMS))
    assert len(bench.machine.asked) == len(ITEMS), "each was asked once"
    assert [call.output for call in bench.calls(run_id, "each")] == [
        asked.prompt for asked in sorted(bench.machine.asked, key=lambda asked: asked.prompt)
    ]


def test_whoever_looks_is_told_what_a_call_waits_for(bench: Workbench) -> None:
    limit = 2 * held_for_one(bench) + COST * len(ITEMS)
    run_id = bench.begin(EACH, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    assert len(prepare_all(bench)) == 2
    waiting = [call for call in bench.calls(run_id, "each") if call.status == "pending"]
    assert len(waiting) == 4 and {call.error and call.error.code for call in waiting} == {"budget_held"}
    [message] = logged(bench, run_id)
    assert message.startswith(f"Step each waits: the budget of the run is {limit} tokens: 0 are spent")


def test_a_wait_is_no_retry(bench: Workbench) -> None:
    limit = 2 * held_for_one(bench)
    answers: list[Any] = [
        answered("first"), ModelFailure(code="model_timeout", message="slow", retryable=True, calls=()), answered("x"),
    ]  # fmt: skip
    bench.machine.model = lambda _: answers.pop(0)
    run_id = bench.begin(EACH | {"forEach": ITEMS[:2], "retries": 1}, budget={"tokens": limit - 1})
    bench.machine.play(bench.machine.waiting.pop(0))
    [(execution, where)] = prepare_all(bench)
    bench.machine.call(where)
    bench.machine.record(execution)
    assert [each.input["call"]["delay"] for each in bench.machine.waiting] == [0], "its wait is over"
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"
    assert [call.attempt for call in bench.calls(run_id, "each")] == [1, 3]


def test_a_run_whose_budget_another_run_holds_goes_on_with_the_sweep(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOST_AFTER", 0.0)
    one = EACH | {"forEach": ITEMS[:1]}
    limit = held_for_one(bench) + 3 * COST
    with bench.db.transaction(bench.tenant_id) as connection:
        principal = Principal(bench.tenant_id, "test", frozenset({"admin"}))
        budgets.put_budget(connection, principal, BudgetDraft(monthlyTokens=limit))
    first = bench.begin(one)
    bench.machine.play(bench.machine.waiting.pop(0))
    [(execution, where)] = prepare_all(bench)
    second = bench.begin(one)
    bench.machine.run()
    assert bench.get(second).status == "running"
    tend_all(bench.db)
    bench.machine.run()
    assert bench.get(second).status == "running", "it is held still"
    bench.machine.call(where)
    bench.machine.record(execution)
    tend_all(bench.db)
    bench.machine.run()
    assert [bench.get(run_id).status for run_id in (first, second)] == ["succeeded", "succeeded"]
    assert len(logged(bench, second)) == 1, "told once, not at every look"


def test_who_has_waited_too_often_is_told_what_was_in_the_way(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_WAITS", 0)
    limit = held_for_one(bench) * 3 // 2
    run_id = bench.begin(EACH | {"forEach": ITEMS[:2]}, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    [(execution, where)] = prepare_all(bench)
    bench.machine.call(where)
    bench.machine.record(execution)
    bench.machine.run()
    run = bench.get(run_id)
    assert run.status == "failed" and run.error is not None and run.error.code == "budget_held"
    assert "are held for attempts under way" in run.error.message


def test_names_of_executions_have_room_for_every_attempt() -> None:
    most = 1 + 10 + recording.MOST_WAITS  # the first, the retries that a step may have, the waits
    assert len(engine.Claim("k" * 40, 500, most, 0).execution(UUID(int=0))) <= 80


def test_a_budget_that_nobody_holds_and_that_is_too_small_is_refused_at_once(bench: Workbench) -> None:
    run = bench.get(bench.run(EACH, budget={"tokens": 50}))
    assert run.status == "failed" and run.error is not None and run.error.code == "budget_exceeded"
    assert run.cost.usd == Decimal(0)

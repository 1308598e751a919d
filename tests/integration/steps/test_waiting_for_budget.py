"""Calls whose budget is held by others wait for them: what is held is more than what most calls cost in the end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
from nyxcore.runs import repository
from nyxcore.runs import service as runs
from nyxcore.runs.sweep import interrupt_orphans, sweep
from nyxcore.settings import settings
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


def finish(bench: Workbench, *under_way: tuple[Execution, PreparedCall]) -> None:
    """Have these calls answered and recorded, one after the other."""
    for execution, where in under_way:
        bench.machine.call(where)
        bench.machine.record(execution)


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


def set_month(bench: Workbench, tokens: int) -> None:
    with bench.db.transaction(bench.tenant_id) as connection:
        principal = Principal(bench.tenant_id, "test", frozenset({"admin"}))
        budgets.put_budget(connection, principal, BudgetDraft(monthlyTokens=tokens))


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
        finish(bench, *under_way)
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
    [first] = prepare_all(bench)
    finish(bench, first)
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
    set_month(bench, limit)
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


def test_a_larger_call_among_many_waits_for_room_and_not_for_luck(bench: Workbench) -> None:
    few = held_for_one(bench)
    items = ["a"] * 4 + ["b " * 300] + ["c"] * 40
    limit = 4 * few + COST * len(items)
    run_id = bench.begin(EACH | {"forEach": items}, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    under_way = prepare_all(bench)
    while under_way:  # one ends after the other: whoever is small finds its room at once
        execution, where = under_way.pop(0)
        bench.machine.call(where)
        bench.machine.record(execution)
        under_way += prepare_all(bench)
    assert bench.get(run_id).status == "succeeded"
    assert len(bench.machine.asked) == len(items), "each was asked once"
    assert max(call.waits for call in bench.calls(run_id, "each")) <= 3, "a look costs no attempt"


def test_room_is_given_to_one_call_and_not_to_all_that_wait(bench: Workbench) -> None:
    items = [str(number) for number in range(60)]
    run_id = bench.begin(
        EACH | {"forEach": items}, budget={"tokens": 10 * held_for_one(bench) + COST * len(items)}
    )
    bench.machine.play(bench.machine.waiting.pop(0))
    started = len(bench.machine.waiting)
    while under_way := prepare_all(bench):
        for _, where in under_way:
            bench.machine.call(where)
        for execution, _ in under_way:
            bench.machine.record(execution)  # all end before the next one is prepared
        started += len(bench.machine.waiting)
    assert bench.get(run_id).status == "succeeded"
    assert max(call.waits for call in bench.calls(run_id, "each")) == 1, "none was claimed in vain again"
    assert started <= 2 * len(items)


def test_what_one_step_is_given_is_not_taken_from_another_s_own_budget(bench: Workbench) -> None:
    budget = {"tokens": held_for_one(bench) * 3 // 2}
    steps = [EACH | {"key": key, "forEach": ITEMS[:3], "budget": budget} for key in ("one", "two")]
    run_id = bench.begin(*steps, budget={"tokens": 1_000_000})
    bench.machine.play(bench.machine.waiting.pop(0))
    under_way = prepare_all(bench)
    assert [execution.step for execution, _ in under_way] == ["one", "two"]
    for _, where in under_way:
        bench.machine.call(where)
    for execution, _ in under_way:
        bench.machine.record(execution)
    assert sorted(execution.step or "" for execution in bench.machine.waiting) == ["one", "two"]
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"


def test_a_run_that_is_retried_takes_over_what_has_waited_without_its_waits(bench: Workbench) -> None:
    limit = held_for_one(bench) * 3 // 2
    answers: list[Any] = [
        answered("a"), answered("b"), ModelFailure(code="model_failed", message="no", retryable=False, calls=()),
    ]  # fmt: skip
    bench.machine.model = lambda _: answers.pop(0)
    after = {"key": "after", "prompt": "{{steps.each.content}}", "model": "bedrock:m", "maxOutputTokens": 100}
    run_id = bench.begin(EACH | {"forEach": ITEMS[:2]}, after, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    [first] = prepare_all(bench)
    finish(bench, first)
    bench.machine.run()
    assert bench.get(run_id).status == "failed"
    assert [(call.attempt, call.waits) for call in bench.calls(run_id, "each")] == [(1, 0), (2, 1)]
    answers.append(answered("after"))
    again = bench.retry(run_id)
    assert [(call.attempt, call.waits) for call in bench.calls(again, "each")] == [(1, 0), (1, 0)]


def test_a_model_is_waited_for_rather_than_replaced_by_one_that_costs_nothing(bench: Workbench) -> None:
    limit = held_for_one(bench) * 3 // 2
    step = EACH | {"forEach": ITEMS[:2], "fallbacks": ["offline"]}
    run_id = bench.begin(step, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    [first] = prepare_all(bench)
    finish(bench, first)
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"
    assert len(bench.machine.asked) == 2 and all(asked.limit_tokens for asked in bench.machine.asked)


def test_a_fallback_that_others_hold_the_room_of_is_waited_for(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = '{"bedrock:m": {"inputUsd": 1000, "outputUsd": 1000}, "bedrock:free": {"inputUsd": 0, "outputUsd": 0}}'
    monkeypatch.setenv("NYX_MODEL_PRICES", prices)
    settings.cache_clear()
    few = held_for_one(bench)
    step = EACH | {"forEach": ITEMS[:3], "fallbacks": ["bedrock:free"]}
    run_id = bench.begin(step, budget={"usd": 0.001, "tokens": few * 3 // 2})
    bench.machine.play(bench.machine.waiting.pop(0))
    while under_way := prepare_all(bench):
        finish(bench, *under_way)
    assert bench.get(run_id).error is None and bench.get(run_id).status == "succeeded"


def test_a_busy_run_goes_on_with_what_another_run_has_given_back(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOST_AFTER", 0.0)
    few = held_for_one(bench)
    one = EACH | {"forEach": ITEMS[:1]}
    set_month(bench, 5 * few // 2)
    first = bench.begin(one)
    bench.machine.play(bench.machine.waiting.pop(0))
    [(execution, where)] = prepare_all(bench)
    second = bench.begin(one | {"forEach": ITEMS[:2]})
    bench.machine.play(bench.machine.waiting.pop(0))
    [slow] = prepare_all(bench)  # the other one waits for what the first run holds
    bench.machine.call(where)
    bench.machine.record(execution)
    assert bench.get(first).status == "succeeded"
    tend_all(bench.db)
    [(execution, where)] = prepare_all(bench)
    for each, call in ((execution, where), slow):
        bench.machine.call(call)
        bench.machine.record(each)
    assert bench.get(second).status == "succeeded"


def test_a_retry_that_waits_for_its_budget_does_not_sit_through_its_backoff_again(bench: Workbench) -> None:
    limit = held_for_one(bench) * 3 // 2
    failed = ModelFailure(code="model_timeout", message="slow", retryable=True, calls=())
    answers: list[Any] = [failed, answered("b"), answered("a")]
    bench.machine.model = lambda _: answers.pop(0)
    run_id = bench.begin(EACH | {"forEach": ITEMS[:2], "retries": 1, "backoff": 60}, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    [first] = prepare_all(bench)
    finish(bench, first)  # the first is to be made again in a minute, the second begins
    again, second = sorted(bench.machine.waiting, key=lambda each: -each.input["call"]["delay"])
    assert (again.input["call"]["delay"], second.input["call"]["delay"]) == (60, 0)
    bench.machine.waiting = [second]
    [(execution, where)] = prepare_all(bench)
    assert bench.machine.prepare(again) is None, "it waits for the second"
    bench.machine.call(where)
    bench.machine.record(execution)
    assert [each.input["call"]["delay"] for each in bench.machine.waiting] == [0]
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"


def test_a_call_that_has_begun_shows_its_waits_and_no_error(bench: Workbench) -> None:
    limit = held_for_one(bench) * 3 // 2
    run_id = bench.begin(EACH | {"forEach": ITEMS[:2]}, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    [first] = prepare_all(bench)
    finish(bench, first)
    second = bench.calls(run_id, "each")[1]
    assert (second.status, second.attempt, second.waits, second.error) == ("running", 2, 1, None)


def test_a_run_that_is_cancelled_while_calls_wait_starts_none_of_them(bench: Workbench) -> None:
    limit = held_for_one(bench) * 3 // 2
    run_id = bench.begin(EACH, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    [(execution, where)] = prepare_all(bench)
    with bench.db.transaction(bench.tenant_id) as connection:
        runs.cancel_run(connection, bench.tenant_id, run_id, actor="test")
    bench.machine.call(where)
    bench.machine.record(execution)
    tend_all(bench.db)
    assert bench.machine.waiting == []
    assert bench.get(run_id).status == "cancelled"


def test_the_month_is_free_while_a_call_waits_for_its_run(bench: Workbench, more_databases: Any) -> None:
    limit = held_for_one(bench) * 3 // 2
    run_id = bench.begin(EACH | {"forEach": ITEMS[:2]}, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    first, second = bench.machine.waiting
    other = bench.begin(EACH | {"forEach": ITEMS[:1]})
    bench.machine.play(bench.machine.waiting.pop())
    assert bench.machine.prepare(first) is not None
    holder, waiter = more_databases(), more_databases()
    with ThreadPoolExecutor(1) as pool, holder.transaction(bench.tenant_id) as connection:
        repository.lock(connection, bench.tenant_id, run_id)
        held_back = pool.submit(bench.machine.prepare, second, db=waiter)
        while not waits_for_a_row(bench):
            assert not held_back.done()
        assert bench.machine.prepare(bench.machine.waiting[-1]) is not None, "the other run goes on"
        assert not held_back.done()
    assert held_back.result() is None
    assert bench.get(other).status == "running"


def waits_for_a_row(bench: Workbench) -> bool:
    return bool(bench.rows("select 1 from pg_stat_activity where wait_event_type = 'Lock'"))


def test_what_nobody_calls_any_more_is_given_back_when_the_stack_starts_again(bench: Workbench) -> None:
    run_id = bench.begin(EACH | {"forEach": ITEMS[:1]}, budget={"tokens": 50_000})
    bench.machine.play(bench.machine.waiting.pop(0))
    [_] = prepare_all(bench)
    assert held_and_spent(bench, run_id)[0] > 0
    assert run_id in interrupt_orphans(bench.db)
    assert sweep(bench.db).reservations >= 1
    assert held_and_spent(bench, run_id) == (0, 0)


def test_who_has_waited_too_often_is_told_what_was_in_the_way(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_WAITS", 0)
    limit = held_for_one(bench) * 3 // 2
    run_id = bench.begin(EACH | {"forEach": ITEMS[:2]}, budget={"tokens": limit})
    bench.machine.play(bench.machine.waiting.pop(0))
    [first] = prepare_all(bench)
    finish(bench, first)
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

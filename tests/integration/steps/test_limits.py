"""The largest workflows, against the limits of Step Functions (the machine asserts names and states) and of time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from machine import LONGEST_NAME
from workbench import Workbench, answered

from nyxcore.db.connection import Database
from nyxcore.ids import uuid7
from nyxcore.steps import engine
from nyxcore.steps.engine import Claim
from nyxcore.workflows.definition import MAX_FAN_OUT

LARGE = "line of an output\n" * 117_000  # 2.1 MB


def test_the_longest_name_of_an_execution_fits() -> None:
    longest = Claim("k" * 40, MAX_FAN_OUT - 1, 11, 0)
    assert len(longest.execution(uuid7())) == LONGEST_NAME


def test_a_thousand_steps_in_layers_end_with_a_complete_log(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("yes")
    steps: list[dict[str, Any]] = [{"key": "root", "prompt": "{{input}}"}]
    steps += [{"key": f"s{number}", "type": "report", "needs": ["root"]} for number in range(998)]
    steps += [{"key": "last", "type": "report", "needs": [f"s{number}" for number in range(0, 998, 50)]}]
    run_id = bench.run(*steps)
    run = bench.get(run_id)
    assert run.status == "succeeded" and run.progress is not None
    assert (run.progress.done, run.progress.total) == (1000, 1000)
    changes = bench.changes(run_id)
    assert len(changes) == len(set(changes)) == 1001


def test_a_chain_of_a_thousand_conditions_that_are_false_ends(bench: Workbench) -> None:
    steps: list[dict[str, Any]] = [{"key": "s0", "prompt": "x", "when": 'input == "never"'}]
    steps += [
        {"key": f"s{n}", "prompt": "x", "when": f'steps.s{n - 1}.status == "succeeded"'}
        for n in range(1, 1000)
    ]
    run_id = bench.run(*steps)
    assert bench.get(run_id).status == "succeeded" and bench.machine.asked == []
    assert set(bench.statuses(run_id).values()) == {"skipped"}


def test_a_fan_out_of_500_is_started_in_small_groups_and_read_once(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("yes")
    run_id = bench.begin(
        {"key": "each", "prompt": "{{item}}", "forEach": "input.files"},
        {"key": "after", "prompt": "{{steps.each.content}}", "model": "bedrock:m"},
        inputs={"files": {"type": "list"}}, input={"files": [f"file {number}" for number in range(500)]},
    )  # fmt: skip
    bench.machine.play(bench.machine.waiting.pop(0))
    assert len(bench.machine.waiting) == 500
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"
    assert len(bench.machine.asked) == 501
    assert bench.get(run_id).cost.tokens == 501 * 15
    assert len(bench.changes(run_id)) == 4


def test_a_cancel_between_two_groups_stops_the_start_of_the_rest(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = bench.begin(
        {"key": "each", "prompt": "{{item}}", "forEach": "input.files"}, inputs={"files": {"type": "list"}},
        input={"files": [str(number) for number in range(100)]},
    )  # fmt: skip
    start = engine._start

    def cancelled(*arguments: Any) -> bool:
        started = start(*arguments)
        if len(bench.machine.waiting) == 20:
            bench.finish(run_id, "cancelled")
        return started

    monkeypatch.setattr(engine, "_start", cancelled)
    bench.machine.play(bench.machine.waiting.pop(0))
    assert len(bench.machine.waiting) == 20


def test_outputs_of_two_megabytes_travel_by_key_and_are_kept_whole(bench: Workbench) -> None:
    bench.machine.model = lambda question: answered(
        LARGE if "the input" in question.prompt else question.prompt[:9]
    )
    run_id = bench.run(
        {"key": "one", "prompt": "{{input}}"},
        {"key": "review", "type": "review", "needs": ["one"]},
        {"key": "two", "prompt": "{{steps.review.content}}"},
        {"key": "three", "needs": ["two"], "prompt": "x"},
        {"key": "report", "type": "report", "needs": ["one", "three"]},
    )
    bench.decide(run_id, "review", "approve")
    steps = bench.steps(run_id)
    assert bench.get(run_id).status == "succeeded"
    assert steps["one"].output == steps["review"].output == LARGE
    assert len(steps["report"].output or "") > len(LARGE)


def test_each_call_of_a_fan_out_reads_only_the_outputs_that_its_prompt_names(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nyxcore.steps import repository

    read: list[str] = []
    outputs = repository.outputs

    def watched(connection: Any, tenant_id: Any, run_id: Any, keys: Any) -> Any:
        read.extend(keys)
        return outputs(connection, tenant_id, run_id, keys)

    monkeypatch.setattr(repository, "outputs", watched)
    bench.machine.model = lambda _: answered("yes")
    bench.run(
        {"key": "large", "prompt": "{{input}}"},
        {"key": "small", "prompt": "{{steps.large.content}}"},
        {"key": "each", "prompt": "{{item}} {{steps.small.content}}", "forEach": ["a", "b"]},
    )
    # two prepares of `each`; its beginning reads none, for its list is written in the workflow
    assert read == ["large", "small", "small"]


def test_two_who_advance_at_once_begin_everything_once(bench: Workbench, database_urls: Any) -> None:
    bench.machine.model = lambda _: answered("yes")
    run_id = bench.begin(*({"key": f"s{number}", "prompt": "{{input}}"} for number in range(100)))
    opening = bench.machine.waiting.pop(0)
    others = [Database(database_urls.app_url) for _ in range(4)]
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda db: bench.machine.prepare(opening, db=db), others))
    finally:
        for database in others:
            database.close()
    assert len(bench.machine.waiting) == 100
    assert len({each.name for each in bench.machine.waiting}) == 100
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"
    assert len(bench.machine.asked) == 100
    changes = bench.changes(run_id)
    assert len(changes) == len(set(changes)) == 200


def test_a_hundred_records_at_once_lose_nothing(bench: Workbench, database_urls: Any) -> None:
    bench.machine.model = lambda _: answered("yes")
    run_id = bench.begin(
        *({"key": f"s{number}", "prompt": "{{input}}"} for number in range(100)),
        {"key": "last", "prompt": "x", "needs": [f"s{number}" for number in range(100)]},
    )
    bench.machine.play(bench.machine.waiting.pop(0))
    calls = list(bench.machine.waiting)
    bench.machine.waiting.clear()
    for call in calls:
        where = bench.machine.prepare(call)
        assert where is not None
        bench.machine.call(where)
    others = [Database(database_urls.app_url) for _ in range(6)]
    try:
        with ThreadPoolExecutor(6) as pool:
            work = [
                pool.submit(
                    lambda some, db: [bench.machine.record(each, db=db) for each in some], calls[n::6], db
                )
                for n, db in enumerate(others)
            ]
            for each in work:
                each.result()
    finally:
        for database in others:
            database.close()
    assert [each.step for each in bench.machine.waiting] == ["last"]
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded" and bench.get(run_id).cost.tokens == 101 * 15

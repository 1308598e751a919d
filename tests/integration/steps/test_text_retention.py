"""Prompts and outputs go when their time is over; what was done, and what it cost, stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from workbench import Workbench, answered

from nyxcore.errors import TextsRemoved
from nyxcore.reports import generator
from nyxcore.runs import sweep as sweeping
from nyxcore.runs.sweep import sweep

STEPS: tuple[dict[str, Any], ...] = (
    {"key": "each", "prompt": "Say {{item}}", "forEach": ["apples", "pears"]},
    {"key": "look", "type": "review", "prompt": "{{steps.each.content}}"},
)
TEXTS = ("output", "data"), ("item", "prompt", "provenance", "output", "data")


def ended(bench: Workbench, *, days: int) -> UUID:
    """A run that failed so many days ago, after one of its steps had been answered."""
    bench.machine.model = lambda _: answered("Said and done.", data={"said": True})
    run_id = bench.run(*STEPS)
    bench.finish(run_id, "failed")
    bench.write("update runs set finished_at = now() - make_interval(days => %s) where id = %s", days, run_id)
    return run_id


def texts(bench: Workbench, run_id: UUID) -> int:
    """How many texts are kept of the run."""
    count = 0
    for table, columns in zip(("run_steps", "run_step_calls"), TEXTS, strict=True):
        rows = bench.rows(
            f"select num_nonnulls({', '.join(columns)}) as n from {table} where run_id = %s", run_id
        )
        count += sum(row["n"] for row in rows)
    return count


def test_texts_are_removed_a_year_after_the_end_and_the_rest_stays(
    bench: Workbench, new_tenant: Callable[[], UUID]
) -> None:
    other = Workbench(bench.db, bench.machine, new_tenant())
    other.write("update tenant_settings set text_retention_days = 400")
    old, recent, kept_longer = ended(bench, days=366), ended(bench, days=364), ended(other, days=366)
    unfinished = bench.run(*STEPS)
    before = bench.steps(old)

    assert sweep(bench.db).texts == 1

    after = bench.steps(old)
    assert texts(bench, old) == 0 and after["each"].texts_removed_at is not None
    assert (before["each"].output, after["each"].output) == (
        "## apples\n\nSaid and done.\n\n## pears\n\nSaid and done.",
        None,
    )
    unchanged = {"prompt", "provenance", "output", "data", "texts_removed_at"}
    for key, step in after.items():
        assert step.model_dump(exclude=unchanged) == before[key].model_dump(exclude=unchanged)
    assert after["each"].tokens == 30
    for whose, run_id in ((bench, recent), (bench, unfinished), (other, kept_longer)):
        assert texts(whose, run_id) > 0 and whose.steps(run_id)["each"].texts_removed_at is None
    assert sweep(bench.db).texts == 0


def test_a_sweep_takes_so_many_runs_and_the_next_one_goes_on_with_the_oldest(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "_TEXTS_A_SWEEP", 2)
    runs = [ended(bench, days=days) for days in (400, 402, 401)]
    assert sweep(bench.db).texts == 2
    assert [texts(bench, run_id) > 0 for run_id in runs] == [True, False, False]
    assert sweep(bench.db).texts == 1


def test_a_retry_of_a_run_without_its_texts_begins_anew(bench: Workbench) -> None:
    run_id = ended(bench, days=366)
    sweep(bench.db)
    asked = len(bench.machine.asked)
    again = bench.retry(run_id)
    assert len(bench.machine.asked) == asked + 2
    assert bench.steps(again)["look"].output == bench.steps(again)["each"].output != ""


def test_no_report_is_written_of_what_is_gone(bench: Workbench) -> None:
    run_id = ended(bench, days=366)
    sweep(bench.db)
    with (
        bench.db.transaction(bench.tenant_id) as connection,
        pytest.raises(TextsRemoved, match="start a new run"),
    ):
        generator.create(connection, bench.tenant_id, run_id, style="technical", language="en")

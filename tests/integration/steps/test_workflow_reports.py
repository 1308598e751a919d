"""The report that a step of a workflow keeps, and the one that is asked for afterwards."""

from __future__ import annotations

from uuid import UUID

from workbench import Workbench, answered

from nyxcore.reports import generator
from nyxcore.reports.models import Report

ONE = {"key": "one", "prompt": "Look.", "model": "bedrock:first", "fallbacks": ["bedrock:second"]}
CLOSING = {"key": "report", "type": "report", "needs": ["one"]}


def asked_for(bench: Workbench, run_id: UUID) -> Report:
    with bench.db.transaction(bench.tenant_id) as connection:
        return generator.create(connection, bench.tenant_id, run_id, style="technical")


def test_both_footers_tell_the_model_that_answered_and_all_that_was_spent(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("All is well.")
    run_id = bench.run(ONE, CLOSING)
    (kept,) = bench.rows("select content from reports where run_id = %s", run_id)
    for content in (kept["content"], asked_for(bench, run_id).content):
        assert content.splitlines()[-1].endswith("models: `ours:m` · 15 tokens · <0.01 USD")


def test_a_retry_that_takes_the_report_over_names_it_however_many_retries_later(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("All is well.")
    first = bench.run(ONE, CLOSING)
    again = bench.retry(first)
    last = bench.retry(again)
    (kept,) = bench.rows("select id from reports where run_id = any(%s)", [first, again, last])
    for run_id in (first, again, last):
        assert bench.get(run_id).result == {"reportId": str(kept["id"])}


def test_a_run_whose_report_was_not_taken_over_names_none_of_an_earlier_one(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("All is well.")
    run_id = bench.run(ONE)
    asked_for(bench, run_id)
    assert bench.get(bench.retry(run_id)).result == {"reportId": None}

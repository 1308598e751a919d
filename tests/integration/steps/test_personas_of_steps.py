"""Personas that speak in a run: what they learn, and that they stay as long as it."""

from __future__ import annotations

from workbench import Workbench, answered

from nyxcore import clock
from nyxcore.ids import uuid7
from nyxcore.personas import repository, service


def test_a_step_is_one_use_of_its_persona_however_many_calls_it_makes(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("yes")
    run_id = bench.run(
        {"key": "each", "prompt": "{{item}}", "forEach": ["a", "b", "c"], "persona": "architect"},
        {"key": "after", "prompt": "{{steps.each.content}}", "persona": "reviewer"},
    )
    assert bench.get(run_id).status == "succeeded" and len(bench.machine.asked) == 4
    assert bench.rows("select xp, uses from persona_progress") == [{"xp": 10, "uses": 1}] * 2


def test_a_persona_that_is_deleted_while_a_run_goes_on_speaks_in_it_to_the_end(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("yes")
    with bench.db.transaction(bench.tenant_id) as connection:
        base = service.by_key(connection, bench.tenant_id, "architect")
        row = type(base)(**(vars(base) | {"id": uuid7(), "key": "ours", "created_at": clock.now()}))
        repository.insert_persona(connection, bench.tenant_id, row)
    steps = (
        {"key": "one", "prompt": "{{input}}", "persona": "ours"},
        {"key": "two", "prompt": "{{steps.one.content}}", "persona": "ours"},
    )
    run_id = bench.begin(*steps)
    bench.machine.play(bench.machine.waiting.pop(0))
    bench.machine.play(bench.machine.take("one"))
    with bench.db.transaction(bench.tenant_id) as connection:
        assert repository.delete_persona(connection, bench.tenant_id, row.id, clock.now())
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"
    assert bench.machine.asked[0].system == bench.machine.asked[1].system != ""
    assert bench.rows("select xp from persona_progress") == [{"xp": 20}]

    late = bench.get(bench.run(*steps))
    assert late.status == "failed" and late.error is not None and "no persona 'ours'" in late.error.message

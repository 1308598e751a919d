"""Steps, one after another and side by side."""

from __future__ import annotations

from workbench import Workbench


def test_a_step_is_given_what_the_one_before_it_has_put_out(bench: Workbench) -> None:
    run_id = bench.run(
        {"key": "first", "prompt": "Look at {{input}}"},
        {"key": "second", "prompt": "Go on with {{steps.first.content}}"},
    )
    run, steps = bench.get(run_id), bench.steps(run_id)
    assert (run.status, run.error) == ("succeeded", None)
    assert steps["first"].output and steps["first"].output in (steps["second"].prompt or "")
    assert bench.changes(run_id) == [
        ("first", "running", 1),
        ("first", "succeeded", 1),
        ("second", "running", 1),
        ("second", "succeeded", 1),
    ]
    assert bench.events(run_id)[-1][0] == "done"

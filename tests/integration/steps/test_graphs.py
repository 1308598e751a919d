"""Whatever the graph: every step runs after its needs, and once."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machine import Machine
from workbench import Workbench, answered


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to eight steps that need some of those before them, some behind a condition, in any order."""
    steps = []
    for number in range(draw(st.integers(1, 8))):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        step: dict[str, Any] = {"key": f"s{number}", "needs": [f"s{need}" for need in sorted(needs)]}
        kind = draw(st.sampled_from(["llm", "llm", "each", "report", "review"]))
        if kind in {"report", "review"} and needs:
            step["type"] = kind
        else:
            step["prompt"] = "{{input}}"
        if kind == "each":
            step |= {"prompt": "{{item}}", "forEach": ["a", "b"]}
        if needs and draw(st.integers(0, 3)) == 0:
            need = min(needs)
            step["when"] = f'steps.s{need}.status == "{draw(st.sampled_from(["succeeded", "skipped"]))}"'
        steps.append(step)
    return draw(st.permutations(steps))


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(steps=graphs(), seed=st.integers(0, 2**16))
def test_every_step_of_a_random_graph_runs_after_its_needs_and_once(
    bench: Workbench, steps: list[dict[str, Any]], seed: int
) -> None:
    machine: Machine = bench.machine
    machine.model = lambda _: answered("yes")
    machine.asked.clear()
    order = random.Random(seed)
    run_id = bench.begin(*steps)
    for _ in range(60):
        while machine.waiting:
            machine.play(machine.waiting.pop(order.randrange(len(machine.waiting))))
        waiting = [key for key, status in bench.statuses(run_id).items() if status == "waiting"]
        if not waiting:
            break
        bench.decide(run_id, order.choice(waiting), "approve")

    assert bench.get(run_id).status == "succeeded"
    changes = [(key, status) for key, status, _ in bench.changes(run_id)]
    assert len(changes) == len(set(changes)), "each once"
    ended = {key: place for place, (key, status) in enumerate(changes) if status in {"succeeded", "skipped"}}
    began: dict[str, int] = {}
    for place, (key, _) in enumerate(changes):
        began.setdefault(key, place)
    shown = bench.steps(run_id)
    for step in steps:
        assert all(ended[need] < began[step["key"]] for need in step["needs"])
        if "when" in step:
            _, _, wanted = step["when"].partition(" == ")
            holds = shown[step["when"].split(".")[1]].status == wanted.strip('"')
            assert shown[step["key"]].status == ("succeeded" if holds else "skipped")
        else:
            assert shown[step["key"]].status == "succeeded", "what it needs may be skipped"
    calls = sum(len(step.calls) for step in shown.values())
    assert len(machine.asked) == calls

"""Order, readiness and ancestors of the graph of steps."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nyxcore.workflows.graph import (
    Ancestor,
    GraphRefused,
    StepStatus,
    ancestors,
    cycles,
    order,
    ready,
    side_by_side,
)

DIAMOND = {"start": [], "left": ["start"], "right": ["start"], "end": ["left", "right"]}


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, list[str]]:
    """A graph without cycles whose steps stand in any order."""
    count = draw(st.integers(0, 14))
    names = [f"s{index}" for index in range(count)]
    needs = {
        name: draw(st.lists(st.sampled_from(names[:index]), max_size=4) if index else st.just([]))
        for index, name in enumerate(names)
    }
    return {name: needs[name] for name in draw(st.permutations(names))}


@st.composite
def any_graph(draw: st.DrawFn) -> dict[str, list[str]]:
    names = [f"s{index}" for index in range(draw(st.integers(1, 10)))]
    return {name: draw(st.lists(st.sampled_from(names), max_size=3)) for name in names}


@settings(deadline=None)
@given(acyclic(), st.data())
def test_every_step_becomes_ready_after_its_needs_and_once(
    needs: dict[str, list[str]], data: st.DataObject
) -> None:
    statuses: dict[str, StepStatus] = {}
    running: list[str] = []
    begun: list[str] = []
    while fresh := ready(needs, statuses) or running:
        for key in ready(needs, statuses):
            assert all(statuses[name] in ("succeeded", "skipped") for name in needs[key])
            statuses[key] = "running"
            running.append(key)
            begun.append(key)
        assert fresh
        finished = data.draw(st.sampled_from(running))
        running.remove(finished)
        statuses[finished] = data.draw(st.sampled_from(("succeeded", "skipped")))
    assert sorted(begun) == sorted(needs)


@settings(deadline=None)
@given(acyclic())
def test_order_puts_each_after_its_needs(needs: dict[str, list[str]]) -> None:
    ordered = order(needs)
    assert sorted(ordered) == sorted(needs)
    assert all(ordered.index(name) < ordered.index(key) for key, names in needs.items() for name in names)


@settings(deadline=None)
@given(acyclic())
def test_what_may_run_side_by_side_needs_nothing_of_each_other(needs: dict[str, list[str]]) -> None:
    for layer in side_by_side(needs):
        for key in layer:
            assert {ancestor.key for ancestor in ancestors(needs, key)} & set(layer) == set()


@settings(deadline=None)
@given(any_graph())
def test_a_graph_has_an_order_or_a_cycle_that_is_really_there(needs: dict[str, list[str]]) -> None:
    found = cycles(needs)
    for cycle in found:
        assert cycle[0] == cycle[-1] and len(cycle) > 1
        assert all(name in needs[key] for key, name in pairwise(cycle))
    if not found:
        assert len(order(needs)) == len(needs)
        return
    with pytest.raises(GraphRefused) as refused:
        order(needs)
    assert " → ".join(found[0]) in refused.value.message


@settings(deadline=None)
@given(acyclic(), st.text(alphabet="xyz", min_size=1))
def test_an_unknown_name_is_refused_and_named(needs: dict[str, list[str]], name: str) -> None:
    with pytest.raises(GraphRefused) as refused:
        order({**needs, "new": [name]})
    assert f'"new" needs the step "{name}", which does not exist' in refused.value.message


def test_a_step_waits_for_all_that_it_needs() -> None:
    assert ready(DIAMOND, {}) == ["start"]
    assert ready(DIAMOND, {"start": "succeeded"}) == ["left", "right"]
    assert ready(DIAMOND, {"start": "succeeded", "left": "succeeded", "right": "waiting"}) == []
    assert ready(DIAMOND, {"start": "succeeded", "left": "skipped", "right": "succeeded"}) == ["end"]


@pytest.mark.parametrize("status", ["failed", "cancelled", "running", "waiting", "pending"])
def test_nothing_becomes_ready_behind_a_step_that_has_not_finished(status: StepStatus) -> None:
    assert ready({"a": [], "b": ["a"]}, {"a": status}) == (["a"] if status == "pending" else [])


def test_ancestors_come_nearest_first_and_then_as_defined() -> None:
    assert ancestors(DIAMOND, "end") == [Ancestor("left", 1), Ancestor("right", 1), Ancestor("start", 2)]
    shortcut = {"a": [], "b": ["a"], "c": ["b", "a"], "sibling": ["a"]}
    assert ancestors(shortcut, "c") == [Ancestor("a", 1), Ancestor("b", 1)]


def test_parts_that_may_run_side_by_side_stand_in_one_layer() -> None:
    assert side_by_side(DIAMOND) == [["start"], ["left", "right"], ["end"]]


def test_a_chain_of_a_thousand_steps_is_ordered() -> None:
    chain = {f"s{index}": [f"s{index - 1}"] if index else [] for index in range(1_000)}
    assert order(dict(reversed(chain.items()))) == list(chain)
    assert len(ancestors(chain, "s999")) == 999

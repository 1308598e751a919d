"""The graph of steps: what comes before what, what may begin, what may run side by side.

A graph is a mapping from each key to the keys that it needs, in the order of the definition; every function
keeps that order where the graph leaves a choice, and none recurses: a chain may have 1,000 steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nyxcore.errors import InvalidInput
from nyxcore.workflows.flaws import nearest

type Needs = Mapping[str, Sequence[str]]

StepStatus = Literal["pending", "running", "waiting", "succeeded", "skipped", "failed", "cancelled"]
FINISHED: frozenset[StepStatus] = frozenset({"succeeded", "skipped"})
"""What a step may have come to for those that need it to begin."""


class GraphRefused(InvalidInput):
    """Steps that need each other in a circle, or a step that is not there."""

    code = "workflow_refused"


@dataclass(frozen=True)
class Ancestor:
    """A step that another needs: directly at a distance of 1, else through others."""

    key: str
    distance: int


def order(needs: Needs) -> list[str]:
    """Every key once, each after all that it needs.

    Raises
    ------
    GraphRefused : an unknown name or a cycle; the message names it, a cycle whole.
    """
    return [key for layer in side_by_side(needs) for key in layer]


def side_by_side(needs: Needs) -> list[list[str]]:
    """Layers whose keys may all run at once when the layers before are finished; raises as `order` does."""
    for key, names in needs.items():
        for name in names:
            if name not in needs:
                raise GraphRefused(unknown_need(key, name, nearest(name, needs)))
    missing = {key: len(set(names)) for key, names in needs.items()}
    followers = _followers(needs)
    layers: list[list[str]] = []
    layer = [key for key, count in missing.items() if count == 0]
    position = {key: index for index, key in enumerate(needs)}
    while layer:
        layers.append(layer)
        freed = []
        for key in layer:
            for follower in followers[key]:
                missing[follower] -= 1
                if missing[follower] == 0:
                    freed.append(follower)
        layer = sorted(freed, key=position.__getitem__)
    if any(missing.values()):
        raise GraphRefused(circle(cycles(needs)[0]))
    return layers


def ready(needs: Needs, statuses: Mapping[str, StepStatus]) -> list[str]:
    """The pending steps (a step without a status is pending) all of whose needs are finished."""
    return [
        key
        for key, names in needs.items()
        if statuses.get(key, "pending") == "pending"
        and all(statuses.get(name, "pending") in FINISHED for name in names)
    ]


def ancestors(needs: Needs, key: str) -> list[Ancestor]:
    """What `key` needs, directly or through others: the nearest first, then in the order of the definition."""
    position = {name: index for index, name in enumerate(needs)}
    distance = {key: 0}
    waiting = deque([key])
    while waiting:
        current = waiting.popleft()
        for name in needs[current]:
            if name not in distance:
                distance[name] = distance[current] + 1
                waiting.append(name)
    found = [Ancestor(name, far) for name, far in distance.items() if name != key]
    return sorted(found, key=lambda ancestor: (ancestor.distance, position[ancestor.key]))


def cycles(needs: Needs) -> list[list[str]]:
    """One cycle for each knot of steps that need each other, its first key again at its end; unknown names apart."""
    settled: set[str] = set()
    found = (_cycle_from(needs, start, settled) for start in needs if start not in settled)
    return [cycle for cycle in found if cycle is not None]


def circle(cycle: Iterable[str]) -> str:
    """What is said of a cycle."""
    return f"the steps {' → '.join(cycle)} need each other in a circle; remove one of these needs"


def unknown_need(key: str, name: str, close: str | None) -> str:
    """What is said of a need that names no step; `close` is the key that was probably meant."""
    return f'"{key}" needs the step "{name}", which does not exist' + (
        f'; did you mean "{close}"?' if close else ""
    )


def _followers(needs: Needs) -> dict[str, list[str]]:
    followers: dict[str, list[str]] = {key: [] for key in needs}
    for key, names in needs.items():
        for name in dict.fromkeys(names):
            followers[name].append(key)
    return followers


def _cycle_from(needs: Needs, start: str, settled: set[str]) -> list[str] | None:
    """A cycle that a walk along the needs of `start` meets first; all that the walk saw is settled after it."""
    trail: list[str] = [start]
    on_trail = {start}
    branches = [iter(needs[start])]
    cycle: list[str] | None = None
    while trail:
        name = next((need for need in branches[-1] if need in needs and need not in settled), None)
        if name is None:
            branches.pop()
            settled.add(trail[-1])
            on_trail.discard(trail.pop())
        elif name in on_trail:
            cycle = cycle or [*trail[trail.index(name) :], name]
        else:
            trail.append(name)
            on_trail.add(name)
            branches.append(iter(needs[name]))
    return cycle

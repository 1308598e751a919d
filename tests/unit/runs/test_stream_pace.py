"""How often the poller asks: fast while events come, ever slower in silence, and all at the same instants."""

from __future__ import annotations

import pytest

from nyxcore.runs.hub import FAST, SLOW, _next_due


@pytest.mark.parametrize("now", [0.0, 17.13, 100_000.249])
def test_a_run_that_writes_is_asked_for_within_a_quarter_of_a_second(now: float) -> None:
    assert FAST <= 0.25
    assert now < _next_due(now, quiet=0.0) <= now + FAST


@pytest.mark.parametrize("quiet", [24.0, 60.0, 1e6])
def test_a_quiet_run_is_asked_for_every_two_seconds(quiet: float) -> None:
    assert SLOW <= 2.0
    due = [_next_due(now, quiet) for now in (40.0, 40.5, 41.9, 42.0)]
    assert due == [42.0, 42.0, 42.0, 44.0]


def test_the_pace_slackens_step_by_step() -> None:
    paces = [_next_due(0.0, quiet) for quiet in (0.0, 2.9, 3.0, 5.9, 6.0, 11.9, 12.0)]
    assert paces == [0.25, 0.25, 0.5, 0.5, 1.0, 1.0, 2.0]


def test_whoever_is_asked_for_slowly_is_asked_for_together_with_the_faster_ones() -> None:
    instants = [{_next_due(now / 10, quiet) for now in range(200)} for quiet in (0.0, 3.0, 6.0, 12.0)]
    assert instants[3] < instants[2] < instants[1] < instants[0]

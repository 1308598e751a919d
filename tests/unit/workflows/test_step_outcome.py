"""What the calls of a step come to."""

from __future__ import annotations

from typing import Any

import pytest
from workflow_texts import step, workflow

from nyxcore.steps.outcome import outcome


def call(part: int, label: str, error: str | None = None) -> dict[str, Any]:
    failure = {"code": "model_failed", "message": error} if error else None
    return {"part": part, "label": label, "status": "failed" if error else "succeeded", "error": failure,
            "output": "An answer.", "data": None}  # fmt: skip


@pytest.mark.parametrize(
    ("label", "message", "told"),
    [
        ("ours:m", "ours:m: the provider has failed", "ours:m: the provider has failed"),
        ("ours:m", "ours:other: the provider has failed", "ours:m: ours:other: the provider has failed"),
        ("ours:m", "the budget of the run is 10 tokens", "ours:m: the budget of the run is 10 tokens"),
        ("ours:m", "ours:mini: the provider has failed", "ours:m: ours:mini: the provider has failed"),
    ],
)
def test_the_error_of_one_of_several_calls_says_once_which_it_was(
    label: str, message: str, told: str
) -> None:
    plan = workflow(step("each", models=["ours:other", label]))
    failed = outcome(plan.step("each"), [call(0, "ours:other"), call(1, label, message)])
    assert (failed.status, failed.error) == ("failed", {"code": "model_failed", "message": told})

"""The steps of a run, as the API shows them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from nyxcore.wire import Instant, WireModel
from nyxcore.workflows.definition import StepType

Decision = Literal["approve", "reject", "edit"]
ShownDecision = Literal[Decision, "expire"]
"""What a step shows: `expire` is the decision of a review that nobody has decided in time."""
ShownStatus = Literal["pending", "running", "waiting", "succeeded", "skipped", "failed", "cancelled"]
CallStatus = Literal["pending", "running", "succeeded", "failed", "cancelled"]


class StepFailure(WireModel):
    """Why a step, or one of its calls, failed."""

    code: str = Field(examples=["budget_exceeded"])
    message: str


class CallState(WireModel):
    """One answer of a model: for one item of a fan-out, one alternative, or one of several models."""

    part: int
    label: str = Field(examples=["balanced"])
    model: str
    status: CallStatus
    attempt: int
    waits: int = Field(description="attempts that others left no room in the budget for: they made no call")
    error: StepFailure | None
    tokens: int
    usd: float


class StepCall(CallState):
    """A call with its texts.

    `truncated` in a list: prompt and output are cut, since they are too long for it; the call by itself is whole.
    """

    prompt: str | None
    provenance: JsonValue
    output: str | None
    truncated: bool = False


class RunStep(WireModel):
    """A step of a run.

    `prompt` is the resolved prompt of its first call; `GET /runs/{id}/steps/{key}/calls` has each. Of a review it is
    what the person is asked. `output` is the text that `{{steps.<key>.content}}` inserts.
    """

    key: str
    type: StepType
    status: ShownStatus
    attempt: int = Field(description="counted from 1; 0 before it begins")
    prompt: str | None
    provenance: JsonValue = Field(
        description="where each part of the prompt came from, and what was left out"
    )
    output: str | None
    data: dict[str, Any] | None = Field(description="the answer as JSON, where the step has an outputSchema")
    decision: ShownDecision | None
    decided_by: str | None
    error: StepFailure | None
    expires_at: Instant | None = Field(description="when a waiting review ends by itself")
    child_run_id: UUID | None = Field(description="the run that an analysis is made of")
    started_at: Instant | None
    finished_at: Instant | None
    tokens: int
    usd: float
    truncated: bool = Field(
        default=False,
        description="in a list: prompt and output are cut and data is left out, since they are too long for it;"
        " the step by itself is whole",
    )
    texts_removed_at: Instant | None = Field(
        description="when the prompts and outputs of the run were removed, since the time for which they are kept was"
        " over: a year after its end, unless the tenant has set another"
    )
    calls: list[CallState]

"""What the calls of a step come to, once all of them have ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue

from nyxcore.steps.values import is_judge
from nyxcore.workflows.definition import Step
from nyxcore.workflows.judging import VerdictUnreadable, read_verdict

type Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What becomes of the step.

    Attributes
    ----------
    status : `judging` when a judge has to be asked first; `waiting` when a person picks.
    output : its text, when it has succeeded; of several answers that nobody has picked from, all of them.
    """

    status: Literal["judging", "waiting", "succeeded", "failed"]
    output: str = ""
    data: JsonValue = None
    error: Mapping[str, str] | None = None


def outcome(step: Step, calls: Sequence[Row]) -> Outcome:
    """The outcome of a step whose calls have all ended as `calls` says, in the order of their parts."""
    answers = [call for call in calls if not is_judge(step, call["part"])]
    judge = next((call for call in calls if is_judge(step, call["part"])), None)
    failed = next((call for call in calls if call["status"] == "failed"), None)
    if failed is not None:
        return Outcome("failed", error=_named(failed, len(calls)))
    if step.pick == "judge" and step.answers > 1:
        return Outcome("judging") if judge is None else _picked(answers, judge)
    if step.pick == "person" and step.answers > 1:
        return Outcome("waiting", joined(step, answers))
    only = answers[0]["data"] if len(answers) == 1 and step.for_each is None else None
    return Outcome("succeeded", joined(step, answers), only)


def joined(step: Step, answers: Sequence[Row]) -> str:
    """The text of a step's answers: one as it is, several under a heading each."""
    if len(answers) == 1 and step.for_each is None:
        return str(answers[0]["output"] or "")
    return "\n\n".join(f"## {answer['label']}\n\n{answer['output'] or ''}".rstrip() for answer in answers)


def _picked(answers: Sequence[Row], judge: Row) -> Outcome:
    try:
        verdict = read_verdict(judge["data"], len(answers))
    except VerdictUnreadable as error:
        return Outcome("failed", error={"code": error.code, "message": error.message})
    picked = answers[verdict.index]
    reasons = verdict.reasons.strip()
    text = f"{picked['output'] or ''}\n\n## Why this one ({picked['label']})\n\n{reasons}\n"
    return Outcome("succeeded", text, picked["data"])


def _named(call: Row, calls: int) -> dict[str, str]:
    """The error of a call; which of several it was, unless the error of its model says so."""
    error: Mapping[str, str] = call["error"] or {"code": "call_failed", "message": "the call failed"}
    prefix = f"{call['label']}: " if calls > 1 and call["label"] else ""
    return {"code": error["code"], "message": prefix + error["message"].removeprefix(prefix)}

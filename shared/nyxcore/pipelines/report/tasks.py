"""Prepare and record: a report is computed and its prose asked for; what was written is checked and put in."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from nyxcore.budgets import service as budgets
from nyxcore.budgets.holding import hold
from nyxcore.budgets.models import Attempt
from nyxcore.credentials import service as credentials
from nyxcore.db.connection import Connection, Database
from nyxcore.llm import prices
from nyxcore.llm.models import ModelAnswer, ModelCall, ModelFailure, spent_tokens, spent_usd
from nyxcore.llm.stored_calls import StoredCall, outcome, store
from nyxcore.pages.models import Language
from nyxcore.personas import service as personas
from nyxcore.personas.applying import system_text
from nyxcore.pipelines.task import TaskInput
from nyxcore.reports import generator, writing
from nyxcore.reports.facts import Spoken
from nyxcore.reports.language import language_of
from nyxcore.reports.models import Style
from nyxcore.runs import service
from nyxcore.runs.dispatch import dispatch
from nyxcore.runs.models import CostSoFar, Event

_STEP: Final = "prose"
_SECONDS: Final = 300.0


class ReportInput(BaseModel):
    """What a run of kind `report` writes; its `input`."""

    model_config = ConfigDict(frozen=True)

    run_id: UUID
    style: Style
    language: Language
    model: str
    persona: str | None


def prepare(db: Database, task: TaskInput) -> dict[str, Any] | None:
    """Compute the report and write the question for its prose to S3: a `PreparedCall`. None where nothing is asked.

    Raises
    ------
    RunFinished : the run ended meanwhile.
    NotFound : the run that is reported on, its project or the persona is gone.
    BudgetExceeded, BudgetHeld : what the prose may cost does not fit into a budget any more, or not now.
    """
    tenant_id = task.tenant_id
    with db.transaction(tenant_id) as connection:
        row, wanted = _read(connection, task)
        draft = generator.draft(connection, tenant_id, wanted.run_id, wanted.style, wanted.language)
        spoken = language_of(wanted.language)
        asked = writing.question(
            draft.content, wanted.style, spoken, voice=_voice(connection, tenant_id, wanted)
        )
        if asked is None:
            return None
        call = hold(
            connection,
            tenant_id,
            _attempt(task.run_id),
            _call(connection, tenant_id, wanted, asked),
            project_id=row["project_id"],
        )
        service.phase_started(connection, tenant_id, task.run_id, "writing", 1, "reports")
    where = _stored(task)
    store(where, call)
    return where.prepared(service.seconds_left(row)).model_dump()


def record(db: Database, task: TaskInput) -> None:
    """Put in what was written, keep the report, and end the run with it.

    A model that failed leaves the computed report, complete, and a line in the run's log that says so.

    Raises
    ------
    NotFound : the run that is reported on, its project, or the model's answer is gone.
    """
    tenant_id, run_id = task.tenant_id, task.run_id
    answer = outcome(_stored(task))
    calls = () if answer is None else answer.calls
    if answer is not None:
        with db.transaction(tenant_id) as connection:  # what was spent was spent, whatever became of the run
            budgets.settle(connection, tenant_id, _attempt(run_id), calls)
    cost = CostSoFar(spent_tokens(calls), spent_usd(calls))
    with db.transaction(tenant_id) as connection:
        _, wanted = _read(connection, task)
        spoken = _spoken(answer, cost)
        draft = generator.draft(
            connection, tenant_id, wanted.run_id, wanted.style, wanted.language, spoken=spoken
        )
        content, events = _with_prose(draft.content, wanted, answer)
        report = generator.keep(
            connection,
            tenant_id,
            wanted.run_id,
            generator.Written(draft.title, content, wanted.style, wanted.language),
            spoken=spoken,
            persona=wanted.persona,
        )
        events += [
            Event("usage", {"tokens": cost.tokens, "usd": float(cost.usd)}),
            Event("report", {"id": str(report.id), "title": report.title}),
        ]
        service.append(connection, tenant_id, run_id, events, cost=cost)
        service.finish_run(connection, tenant_id, run_id, "succeeded", result={"reportId": str(report.id)})
    dispatch(db, [tenant_id])


def _read(connection: Connection, task: TaskInput) -> tuple[dict[str, Any], ReportInput]:
    row = service.require_unfinished(connection, task.tenant_id, task.run_id)
    return row, ReportInput.model_validate(row["input"])


def _voice(connection: Connection, tenant_id: UUID, wanted: ReportInput) -> str:
    if wanted.persona is None:
        return ""
    return system_text(personas.by_key(connection, tenant_id, wanted.persona))


def _call(connection: Connection, tenant_id: UUID, wanted: ReportInput, asked: writing.Question) -> ModelCall:
    return ModelCall(
        tenant_id=str(tenant_id),
        model=wanted.model,
        system=asked.system,
        prompt=asked.prompt,
        max_output_tokens=writing.MAX_OUTPUT_TOKENS,
        output_schema=asked.schema,
        deadline_seconds=_SECONDS,
        endpoints=credentials.endpoints(connection, tenant_id, [wanted.model]),
        prices=prices.of_operator(),
    )


def _spoken(answer: ModelAnswer | ModelFailure | None, cost: CostSoFar) -> Spoken | None:
    """What the report's footer tells; None where no model was asked."""
    if answer is None:
        return None
    return Spoken(answer.model if isinstance(answer, ModelAnswer) else None, cost.tokens, cost.usd)


def _with_prose(
    content: str, wanted: ReportInput, answer: ModelAnswer | ModelFailure | None
) -> tuple[str, list[Event]]:
    """The report's content, and what is to be told about its prose."""
    spoken = language_of(wanted.language)
    if not isinstance(answer, ModelAnswer):
        why = "no section of it takes any" if answer is None else answer.message
        return content, [Event("log", {"level": "warning", "message": f"The report has no prose: {why}"})]
    made = writing.written(content, wanted.style, spoken, answer.data)
    return made.content, [
        Event("log", {"level": "warning", "message": f"Prose of {heading!r} was left out: {reason}"})
        for heading, reason in made.rejected.items()
    ]


def _attempt(run_id: UUID) -> Attempt:
    return Attempt(run_id, _STEP, 1)


def _stored(task: TaskInput) -> StoredCall:
    return StoredCall.of(task.tenant_id, task.run_id, _STEP, 1)

"""A call of a step: prepared where the database is, recorded there again once the caller has written its answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nyxcore.budgets.holding import hold
from nyxcore.budgets.service import BudgetHeld
from nyxcore.credentials import service as credentials
from nyxcore.db.connection import Connection, Database
from nyxcore.errors import NotFound, NyxError
from nyxcore.llm import prices, tokens
from nyxcore.llm.models import ModelCall, ModelFailure
from nyxcore.llm.stored_calls import PreparedCall, StoredCall, outcome, spent, store
from nyxcore.llm.windows import window
from nyxcore.personas import service as personas
from nyxcore.personas.applying import system_text
from nyxcore.personas.models import PersonaRow
from nyxcore.runs import service as runs
from nyxcore.steps import recording
from nyxcore.steps.calls import repository as call_rows
from nyxcore.steps.pinned import Pinned, pinned
from nyxcore.steps.recording import Place, attempt_of, speaker
from nyxcore.steps.values import is_judge, provenance, steps_url, values_for
from nyxcore.workflows.definition import DEFAULT_OUTPUT_TOKENS, MAX_CALL_SECONDS, STRATEGIES, Step
from nyxcore.workflows.graph import ancestors
from nyxcore.workflows.judging import question, verdict_schema
from nyxcore.workflows.material.sections import OutputPart
from nyxcore.workflows.prompts.grammar import parse
from nyxcore.workflows.readers import Readers
from nyxcore.workflows.resolving import Resolved, resolve

type Row = dict[str, Any]


def stored(tenant_id: UUID, run_id: UUID, place: Place) -> StoredCall:
    """Where the call and its answer stand in S3."""
    attempt = attempt_of(run_id, place)
    return StoredCall.of(tenant_id, run_id, attempt.step, attempt.attempt)


def prepare(db: Database, tenant_id: UUID, run_id: UUID, place: Place) -> PreparedCall | None:
    """Resolve the prompt, hold the budget, write the call to S3. None where the attempt is over.

    What cannot be sent (a prompt that does not fit, a budget that is used up) ends the call as failed. Where the
    budget is held by other attempts, the call waits until one of them has ended, or for the sweep.

    Raises
    ------
    RunFinished : the run has ended meanwhile.
    """
    try:
        with db.transaction(tenant_id) as connection:
            row = runs.require_unfinished(connection, tenant_id, run_id)
            call = call_rows.call(connection, tenant_id, run_id, place[0], place[1])
            if call is None or call["status"] != "running" or call["attempt"] != place[2]:
                return None
            asked = _made(connection, tenant_id, pinned(connection, tenant_id, row), call)
    except _NotMade as not_made:  # outside of the transaction: it holds the tenant's month
        error = not_made.reason
        if isinstance(error, BudgetHeld) and recording.hold_back(db, tenant_id, run_id, place, error):
            return None
        failure = ModelFailure(code=error.code, message=error.message, retryable=False, calls=())
        recording.end(db, tenant_id, run_id, place, failure)
        return None
    where = stored(tenant_id, run_id, place)
    store(where, asked)
    return where.prepared(runs.seconds_left(row))


class _NotMade(Exception):
    """Why a call cannot be made."""

    def __init__(self, reason: NyxError) -> None:
        super().__init__(reason.message)
        self.reason = reason


def _made(connection: Connection, tenant_id: UUID, run: Pinned, call: Row) -> ModelCall:
    try:
        return _asked(connection, tenant_id, run, call)
    except NyxError as error:
        raise _NotMade(error) from error


def _asked(connection: Connection, tenant_id: UUID, run: Pinned, call: Row) -> ModelCall:
    """The call as the caller reads it, its prompt kept with the step and its budget held."""
    step = run.step(call["key"])
    judging = is_judge(step, call["part"])
    persona = _persona(connection, tenant_id, run, step, judging=judging)
    resolved = _resolved(connection, tenant_id, run, step, call, persona)
    asked = ModelCall(
        tenant_id=str(tenant_id),
        model=call["model"],
        fallbacks=step.fallbacks,
        system=resolved.system,
        prompt=resolved.prompt,
        max_output_tokens=DEFAULT_OUTPUT_TOKENS if judging else step.output_tokens,
        temperature=step.temperature,
        output_schema=verdict_schema(step.answers) if judging else step.output_schema,
        deadline_seconds=min(step.timeout or MAX_CALL_SECONDS, MAX_CALL_SECONDS, runs.seconds_left(run.row)),
        endpoints=credentials.endpoints(connection, tenant_id, [call["model"], *step.fallbacks]),
        prices=prices.of_operator(),
    )
    limits = run.asked(step)
    held = hold(
        connection,
        tenant_id,
        attempt_of(run.id, (call["key"], call["part"], call["attempt"])),
        asked,
        project_id=limits.project_id,
        run_limit=limits.run_limit,
        step_limit=limits.step_limit,
    )
    call_rows.keep_prompt(
        connection, tenant_id, run.id, call["key"], call["part"], resolved.prompt,
        provenance(resolved.parts, resolved.tokens, system=resolved.system),
    )  # fmt: skip
    return held


def _persona(
    connection: Connection, tenant_id: UUID, run: Pinned, step: Step, *, judging: bool
) -> PersonaRow | None:
    key = speaker(step, judging=judging)
    return None if key is None else personas.by_key(connection, tenant_id, key, run.row["created_at"])


def _resolved(  # noqa: PLR0917 - what a prompt is made of
    connection: Connection,
    tenant_id: UUID,
    run: Pinned,
    step: Step,
    call: Row,
    persona: PersonaRow | None,
) -> Resolved:
    judging = is_judge(step, call["part"])
    readers = Readers((call["model"], *step.fallbacks), tokens.count, window)
    voice = "" if persona is None else system_text(persona)
    values = values_for(connection, tenant_id, run, _read(run, step))
    if judging:
        answers = [
            each["output"] or ""
            for each in call_rows.answers(connection, tenant_id, run.id, [step.key])
            if not is_judge(step, each["part"])
        ]
        return question(
            step,
            run.workflow,
            values,
            answers,
            budget_tokens=readers.room(DEFAULT_OUTPUT_TOKENS),
            count=readers.count,
            persona=voice,
            steps_url=steps_url(run.id),
        )
    if step.for_each is not None:
        values = values.for_item(OutputPart(call["label"], call["item"] or ""), origin=step.for_each)
    return resolve(
        step,
        run.workflow,
        values,
        budget_tokens=readers.room(step.output_tokens),
        count=readers.count,
        persona=voice,
        strategy=call["label"] if step.alternatives > 1 and call["label"] in STRATEGIES else None,
        steps_url=steps_url(run.id),
    )


def _read(run: Pinned, step: Step) -> list[str]:
    """The steps whose outputs go into the prompt: those that it names, else all that the step needs, in the end.

    Each output may have 2 MB, and each of 500 calls reads them.
    """
    named = {name for text in (step.prompt, step.system) if text for name in parse(text).steps}
    if named:
        return run.needs[step.key]
    return [each.key for each in ancestors(run.needs, step.key)]


def record(db: Database, tenant_id: UUID, run_id: UUID, place: Place) -> None:
    """Enter the answer that the caller has written, as `recording.end` says.

    Raises
    ------
    NotFound : the caller has written no answer.
    """
    answer = outcome(stored(tenant_id, run_id, place))
    if answer is None:
        raise NotFound(f"there is no answer to attempt {place[2]} of step {place[0]}")
    recording.end(db, tenant_id, run_id, place, answer)


def broke_down(db: Database, tenant_id: UUID, run_id: UUID, place: Place, failure: dict[str, str]) -> None:
    """End a call of which a task broke down for good; what it was begun with is in the ledger at the most."""
    calls = spent(stored(tenant_id, run_id, place))
    ended = ModelFailure(code=failure["code"], message=failure["message"], retryable=False, calls=calls)
    recording.end(db, tenant_id, run_id, place, ended)

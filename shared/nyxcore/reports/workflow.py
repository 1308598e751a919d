"""Reports on runs of workflows: what a step has written, or what all of them have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.projects import repository as projects
from nyxcore.reports import repository
from nyxcore.reports.facts import Spent, Spoken
from nyxcore.reports.footer import footer, spent_by_run, spent_on_prose
from nyxcore.reports.language import Language, language_of
from nyxcore.reports.markdown import code, inline, table
from nyxcore.reports.models import Report, Style
from nyxcore.steps import repository as steps_of


def keep(
    connection: Connection,
    tenant_id: UUID,
    run: Mapping[str, Any],
    body: str,
    *,
    style: Style,
    name: str,
) -> Report:
    """Keep what a step of type report has put together, under the title that every report has.

    Raises
    ------
    NotFound : the run's project was deleted meanwhile.
    """
    language = language_of("en")
    heading = title(connection, tenant_id, run, language)
    last = _footer(run, spent_so_far(connection, tenant_id, run["id"]), None, language)
    content = f"# {inline(heading)}\n\n{inline(name)}\n\n{body.strip()}\n\n{last}\n"
    return repository.insert(
        connection,
        tenant_id,
        project_id=run["project_id"],
        run_id=run["id"],
        type="workflow",
        style=style,
        language=language.code,
        title=heading,
        content=content,
        created_at=clock.now(),
    )


def spent_so_far(connection: Connection, tenant_id: UUID, run_id: UUID) -> Spent:
    """By the calls of its steps, which are ahead of the run's row while one of them is being recorded."""
    models = steps_of.models(connection, tenant_id, run_id)
    return Spent(models, *steps_of.spent(connection, tenant_id, run_id))


def title(connection: Connection, tenant_id: UUID, run: Mapping[str, Any], language: Language) -> str:
    """`{project name} · Workflow · {date}`. Raises NotFound."""
    project = projects.get_project(connection, tenant_id, run["project_id"])
    if project is None:
        raise NotFound(f"there is no project {run['project_id']}")
    return f"{project.name} · {language('kind.workflow')} · {language.date(_began(run))}"


def render(
    heading: str,
    run: Mapping[str, Any],
    *,
    name: str,
    goal: str,
    steps: Sequence[Mapping[str, Any]],
    shown: Iterable[str],
    spent: Spent,
    spoken: Spoken | None,
    language: Language,
) -> str:
    """The report on a run: its goal, how its steps ended, and the output of the steps named in `shown`."""
    outputs = {step["key"]: step["output"] for step in steps}
    rows = [
        [
            code(step["key"]),
            language(f"workflow.{step['type']}"),
            language(f"workflow.{step['status']}"),
            language.number(step["tokens"]),
            language.decimal(float(step["usd"]), 4),
        ]
        for step in steps
    ]
    columns = [language(f"workflow.{name}") for name in ("step", "type", "outcome", "tokens", "usd")]
    parts = [
        f"# {inline(heading)}",
        inline(name),
        f"## {language('workflow.heading_goal')}",
        inline(goal),
        f"## {language('workflow.heading_steps')}",
        table(columns, rows, numbers_from=3),
    ]
    for key in shown:
        if outputs.get(key):
            parts += [f"## {inline(key)}", str(outputs[key]).strip()]
    return "\n\n".join([*parts, _footer(run, spent, spoken, language)]) + "\n"


def _footer(run: Mapping[str, Any], spent: Spent, spoken: Spoken | None, language: Language) -> str:
    """Run, duration, models, tokens and cost so far."""
    parts = [
        language("footer.workflow_run", run=code(str(run["id"]))),
        language.duration((run["finished_at"] or clock.now()) - _began(run)),
        *spent_by_run(spent, language),
        *spent_on_prose(spoken, language),
    ]
    return footer(parts)


def _began(run: Mapping[str, Any]) -> datetime:
    began: datetime = run["started_at"] or run["created_at"]
    return began

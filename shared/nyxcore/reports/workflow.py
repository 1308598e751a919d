"""Reports on runs of workflows: what a step has written, or what all of them have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.projects import repository as projects
from nyxcore.reports import repository
from nyxcore.reports.facts import Spent, Spoken
from nyxcore.reports.footer import footer, spent_by_run, spent_on_prose, took
from nyxcore.reports.language import Language, language_of
from nyxcore.reports.markdown import code, inline, table
from nyxcore.reports.models import Report, Style
from nyxcore.steps.calls import repository as call_rows


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
    models = call_rows.models(connection, tenant_id, run_id)
    return Spent(models, *call_rows.spent(connection, tenant_id, run_id))


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
    results: Sequence[str],
    style: Style,
    spent: Spent,
    spoken: Spoken | None,
    language: Language,
) -> str:
    """The report on a run; `results` are the keys of the steps that no other builds upon.

    `technical` has all: goal, steps, and what each wrote. `executive` says how it ended, and has the results alone.
    `security` has what analyses found before the results, and the steps last. `marketing` may be published: results
    but those of analyses, without the names of steps, and nothing where the run did not succeed.
    """
    outputs = {step["key"]: str(step["output"]).strip() for step in steps if step["output"]}
    keys = list(outputs) if style == "technical" else [key for key in results if key in outputs]
    analyses = [step["key"] for step in steps if step["type"] == "analysis" and step["key"] in outputs]
    if style == "marketing":
        keys = [key for key in keys if key not in analyses]
    if style == "security":
        keys = [*analyses, *(key for key in keys if key not in analyses)]
    goal_part = [f"## {language('workflow.heading_goal')}", inline(goal)]
    table_part = [f"## {language('workflow.heading_steps')}", _table(steps, language)]
    told = [part for key in keys for part in (f"## {inline(key)}", outputs[key])]
    match style:
        case "technical":
            body = [*_ending(run, language), *goal_part, *table_part, *told]
        case "executive":
            body = [_summary(steps, language), *_ending(run, language), *told]
        case "security":
            body = [_summary(steps, language), *_ending(run, language), *told, *table_part]
        case "marketing":
            succeeded = run["status"] == "succeeded"
            body = [outputs[key] for key in keys] if succeeded else [language("marketing.unfinished")]
    parts = [f"# {inline(heading)}", inline(name), *body, _footer(run, spent, spoken, language)]
    return "\n\n".join(parts) + "\n"


def _table(steps: Sequence[Mapping[str, Any]], language: Language) -> str:
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
    return table(columns, rows, numbers_from=3)


def _summary(steps: Sequence[Mapping[str, Any]], language: Language) -> str:
    """How many steps there are, and how many of them ended how."""
    ended = Counter(step["status"] for step in steps)
    named = ", ".join(f"{language.number(n)} {language(f'workflow.{status}')}" for status, n in ended.items())
    return f"**{language('workflow.summary', steps=len(steps), named=named)}**"


def _ending(run: Mapping[str, Any], language: Language) -> list[str]:
    """A warning on a run that did not succeed."""
    if run["status"] == "failed":
        message = inline((run["error"] or {}).get("message", "").rstrip(".") + ".")
        return [f"> [!WARNING]\n> {language('lead.failed', message=message)}"]
    return [f"> [!WARNING]\n> {language('lead.cancelled')}"] if run["status"] == "cancelled" else []


def _footer(run: Mapping[str, Any], spent: Spent, spoken: Spoken | None, language: Language) -> str:
    """Run, duration, models, tokens and cost so far."""
    parts = [
        language("footer.workflow_run", run=code(str(run["id"]))),
        took(
            (run["finished_at"] or clock.now()) - _began(run), language, under_way=run["finished_at"] is None
        ),
        *spent_by_run(spent, language),
        *spent_on_prose(spoken, language),
    ]
    return footer(parts)


def _began(run: Mapping[str, Any]) -> datetime:
    began: datetime = run["started_at"] or run["created_at"]
    return began

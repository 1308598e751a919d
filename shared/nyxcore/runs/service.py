"""What happens to runs: made, started, followed in their log, cancelled, tried again, ended.

Services never commit. Status changes are conditional writes: whoever comes second finds the run finished
and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import ArchiveMissing, InvalidInput, NotFound, RunFinished, RunNotFinished
from nyxcore.findings import repository as findings
from nyxcore.ids import uuid7
from nyxcore.queue import repository as queue
from nyxcore.runs import repository
from nyxcore.runs.models import (
    FINISHED,
    PHASES,
    CostSoFar,
    Event,
    FinalStatus,
    Run,
    RunKind,
    RunOptions,
    RunStatus,
    run_of,
)
from nyxcore.runs.showing import shown
from nyxcore.settings import settings
from nyxcore.storage import objects
from nyxcore.tenancy import service as tenancy


def create_run(
    connection: Connection,
    tenant_id: UUID,
    *,
    kind: RunKind,
    project_id: UUID,
    repository_id: UUID | None,
    options: RunOptions,
    input: str | Mapping[str, Any] | None = None,
    workflow: tuple[UUID, int] | None = None,
    parent_run_id: UUID | None = None,
    actor: str,
) -> Run:
    """A queued run, its source pinned, its first event written.

    Parameters
    ----------
    workflow : id and version, of a run of kind workflow; its repository is optional.
    parent_run_id : the run that is woken when this one has ended.

    Raises
    ------
    NotFound : there is no such project or repository.
    InvalidInput : a kind or a source that is not available, or a repository of another project.
    ArchiveMissing : the repository's archive was never uploaded.
    """
    _require_available(kind)
    source = _source(connection, tenant_id, kind, project_id, repository_id)
    values = {
        "kind": kind,
        "project_id": project_id,
        "repository_id": repository_id,
        "workflow_id": workflow and workflow[0],
        "workflow_version": workflow and workflow[1],
        "parent_run_id": parent_run_id,
        "source": source,
        "input": input,
        "options": options.model_dump(mode="json", by_alias=True),
        "created_by": actor,
    }
    return _insert(connection, tenant_id, values, action="run.create")


def create_pdf_run(
    connection: Connection,
    tenant_id: UUID,
    *,
    project_id: UUID | None,
    input: Mapping[str, Any],
    actor: str,
) -> Run:
    """A queued run that prints what `input` names (see `nyxcore.reports.pdf.PdfInput`).

    Where a run is making that PDF already, it is that run. Raises InvalidInput where no PDF can be made.
    """
    _require_available("pdf")
    present = repository.unfinished_pdf(connection, tenant_id, input["target"])
    if present is not None:
        return get_run(connection, tenant_id, present)
    values = {
        "kind": "pdf",
        "project_id": project_id,
        "repository_id": None,
        "retry_of": None,
        "source": {},
        "input": input,
        "options": {},
        "created_by": actor,
    }
    return _insert(connection, tenant_id, values, action="run.create")


def create_report_run(
    connection: Connection, tenant_id: UUID, *, project_id: UUID, input: Mapping[str, Any], actor: str
) -> Run:
    """A queued run that writes the report that `input` names. Raises InvalidInput where none can be written."""
    _require_available("report")
    values = {
        "kind": "report",
        "project_id": project_id,
        "repository_id": None,
        "source": {},
        "input": input,
        "options": {},
        "created_by": actor,
    }
    return _insert(connection, tenant_id, values, action="run.create")


def retry_run(connection: Connection, tenant_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """A new queued run of the same source, input and options, with `retryOf`.

    Raises
    ------
    NotFound : there is no such run.
    RunNotFinished : it has not ended yet.
    ArchiveMissing : its archive is no longer kept.
    """
    row = _row(connection, tenant_id, run_id)
    if row["status"] not in FINISHED:
        raise RunNotFinished(f"run {run_id} is {row['status']}: wait for its end or cancel it, then retry")
    _require_available(row["kind"])
    _require_uploaded(row["source"])
    kept = (
        *("kind", "project_id", "repository_id", "workflow_id", "workflow_version"),
        *("source", "input", "options"),
    )
    values = {name: row[name] for name in kept} | {"retry_of": run_id, "created_by": actor}
    values["source"] = {name: value for name, value in row["source"].items() if name != "commit"}
    return _insert(connection, tenant_id, values, action="run.retry")


def get_run(connection: Connection, tenant_id: UUID, run_id: UUID, *, with_links: bool = False) -> Run:
    """The run, `with_links` as `nyxcore.runs.showing` says. Raises NotFound."""
    return shown(connection, tenant_id, [_row(connection, tenant_id, run_id)], with_links=with_links)[0]


def list_runs(
    connection: Connection,
    tenant_id: UUID,
    *,
    kind: RunKind | None = None,
    status: RunStatus | None = None,
    project_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
    with_links: bool = False,
) -> list[Run]:
    """Runs, newest first: those made before the run `after`, at most `limit`; `with_links` as `get_run`."""
    rows = repository.find(
        connection, tenant_id, kind=kind, status=status, project_id=project_id, after=after, limit=limit
    )
    return shown(connection, tenant_id, rows, with_links=with_links)


def start_run(connection: Connection, tenant_id: UUID, run_id: UUID) -> Run | None:
    """queued → running, with its event and its deadline; None when it was not queued any more."""
    row = repository.start(connection, tenant_id, run_id, settings().run_deadline_seconds)
    return None if row is None else run_of(row, settings().public_base_url)


def begin_waiting(connection: Connection, tenant_id: UUID, run_id: UUID) -> Run | None:
    """running → waiting, with its event; None when it was not running any more, or is past its deadline.

    While it waits its clock stands still, and it counts as none of the tenant's running runs: after the commit,
    `dispatch.dispatch` may start the next. A cancel ends it as any other.
    """
    row = repository.begin_wait(connection, tenant_id, run_id)
    return None if row is None else run_of(row, settings().public_base_url)


def resume_run(connection: Connection, tenant_id: UUID, run_id: UUID) -> Run | None:
    """waiting → running, with its event and with the time that it had left; None when it was not waiting any more.

    It goes on at once, however many of the tenant's runs are running.
    """
    row = repository.end_wait(connection, tenant_id, run_id)
    return None if row is None else run_of(row, settings().public_base_url)


def append(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    events: Sequence[Event],
    *,
    phase: str | None = None,
    progress: Mapping[str, Any] | None = None,
    counts: Mapping[str, int] | None = None,
    cost: CostSoFar | None = None,
) -> int:
    """Append events to the run's log, in order, and set its columns; the number of the newest event.

    One statement, and it must be the last of its transaction: the run's row stays locked until the commit.
    `progress` replaces what was there; `counts` overwrites the members that it names; `cost` is the total.

    Raises
    ------
    RunFinished : the run has ended, so nothing may be written any more.
    NotFound : there is no such run.
    """
    last_seq = repository.append(
        connection, tenant_id, run_id, events, phase=phase, progress=progress, counts=counts, cost=cost
    )
    if last_seq is None:
        require_unfinished(connection, tenant_id, run_id)
        raise RunFinished(f"run {run_id} has ended meanwhile and never changes again")
    return last_seq


def require_unfinished(connection: Connection, tenant_id: UUID, run_id: UUID) -> repository.Row:
    """The row of a run that goes on. Raises RunFinished when it has ended, NotFound when there is none."""
    row = _row(connection, tenant_id, run_id)
    if row["status"] in FINISHED:
        raise RunFinished(f"run {run_id} is {row['status']} and never changes again")
    return row


def seconds_left(row: Mapping[str, Any]) -> float:
    """Until the deadline of a run that has begun, at least one."""
    left: float = (row["deadline"] - clock.now()).total_seconds()
    return max(1.0, left)


def phase_started(  # noqa: PLR0917 - read as one sentence: this phase has so many of that
    connection: Connection, tenant_id: UUID, run_id: UUID, phase: str, total: int, unit: str
) -> int:
    """Say that a phase begins and how much it has to do; nothing is written when it, or a later one, has begun.

    Raises
    ------
    RunFinished, NotFound : as `append`.
    """
    row = repository.lock(connection, tenant_id, run_id)
    if row is not None and row["status"] not in FINISHED and _reached(row["phase"], phase):
        return int(row["last_seq"])
    progress = {"done": 0, "total": total, "unit": unit}
    events = [Event("phase", {"phase": phase}), Event("progress", progress)]
    return append(connection, tenant_id, run_id, events, phase=phase, progress=progress)


def _reached(present: str | None, phase: str) -> bool:
    """Whether `phase` has begun: a task that is run again must not take the run back."""
    if present in PHASES and phase in PHASES:
        return PHASES.index(present) >= PHASES.index(phase)
    return present == phase


def finish_run(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    status: FinalStatus,
    *,
    error: Mapping[str, str] | None = None,
    result: Mapping[str, Any] | None = None,
) -> Run | None:
    """End the run: final status and the event `done`, with its own number, in one statement.

    `error` is `{code, message}`. Returns the run as it ended, or None when it had ended before: then nothing
    is changed. Raises NotFound.
    """
    row = repository.lock(connection, tenant_id, run_id)
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    if row["status"] in FINISHED:
        return None
    if status != "succeeded":
        why = "was cancelled" if status == "cancelled" else "failed"
        findings.settle_rest(connection, tenant_id, run_id, reason=f"the run {why} before this was settled")
    ended = row | {
        "status": status,
        "error": repository.storable(error),
        "result": row["result"] if result is None else repository.storable(result),
        "finished_at": row["instant"],
        "last_seq": row["last_seq"] + 1,
    }
    if row["parent_run_id"] is not None:
        queue.wake(connection, tenant_id, row["parent_run_id"])
    run = run_of(ended, settings().public_base_url)
    done = repository.json_text({"run": run.model_dump(mode="json", by_alias=True)})
    return run if repository.finish(connection, tenant_id, run_id, ended, done) else None


def cancel_run(connection: Connection, tenant_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """End the run as cancelled; a run that is cancelled already is returned as it is.

    After the commit, `dispatch.stop_execution` ends its execution.

    Raises
    ------
    NotFound : there is no such run.
    RunFinished : it has succeeded or failed.
    """
    run = finish_run(connection, tenant_id, run_id, "cancelled")
    if run is not None:
        tenancy.audit(connection, tenant_id, actor=actor, action="run.cancel", target=f"run:{run_id}")
        return run
    run = get_run(connection, tenant_id, run_id)
    if run.status != "cancelled":
        raise RunFinished(f"run {run_id} has {run.status}: there is nothing to cancel")
    return run


def unfinished_children(connection: Connection, tenant_id: UUID, run_id: UUID) -> list[UUID]:
    """Ids of the runs that work for a step of this one and have not ended."""
    return repository.unfinished_children(connection, tenant_id, run_id)


def _row(connection: Connection, tenant_id: UUID, run_id: UUID) -> repository.Row:
    row = repository.get(connection, tenant_id, run_id)
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return row


def _insert(connection: Connection, tenant_id: UUID, values: Mapping[str, Any], *, action: str) -> Run:
    row = repository.insert(connection, tenant_id, uuid7(), values)
    tenancy.audit(
        connection,
        tenant_id,
        actor=values["created_by"],
        action=action,
        target=f"run:{row['id']}",
        kind=values["kind"],
    )
    return run_of(row, settings().public_base_url)


def _require_available(kind: RunKind) -> None:
    available = settings().state_machines
    if kind not in available:
        raise InvalidInput(
            f"runs of kind {kind} are not available here; available: {', '.join(sorted(available)) or 'none'}"
        )


def _source(
    connection: Connection, tenant_id: UUID, kind: RunKind, project_id: UUID, repository_id: UUID | None
) -> dict[str, Any]:
    """What the run will work on, whatever happens to the repository later; checked to be there."""
    row = repository.source_row(connection, tenant_id, project_id, repository_id)
    if row is None:
        raise NotFound(f"there is no project {project_id}")
    if repository_id is None and kind == "workflow":
        return {}
    if repository_id is None:
        raise InvalidInput(f"a run of kind {kind} works on a repository: give repositoryId")
    if row["repository_id"] is None:
        raise NotFound(f"there is no repository {repository_id}")
    if row["repository_project"] != project_id:
        raise InvalidInput(
            f"repository {repository_id} is of another project: give projectId {row['repository_project']}"
        )
    source = _pin(row)
    _require_uploaded(source)
    return source


def _pin(row: Mapping[str, Any]) -> dict[str, Any]:
    if row["source"] == "path":
        return {"type": "path", "path": row["path"]}
    if row["source"] == "archive":
        return {"type": "archive", "key": row["archive_key"], "filename": row["archive_filename"]}
    raise InvalidInput(
        f"runs on a {row['source']} repository are not available yet: upload its archive to a repository"
        " with source archive"
    )


def _require_uploaded(source: Mapping[str, Any]) -> None:
    if source.get("type") != "archive":
        return
    if source["key"] is None or objects.size(source["key"]) is None:
        raise ArchiveMissing(
            "the repository's archive is not uploaded: POST /repositories/{id}/archive gives the link for it"
        )

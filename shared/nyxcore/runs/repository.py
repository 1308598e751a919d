"""SQL of runs and their log.

Every statement that gives an event its number takes the run's row first (`update runs set last_seq = ...`),
and the row stays locked until the commit: so numbers become visible in their order, without a hole, and a
reader of `seq > n` misses nothing. For that reason an append is the last statement of its transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.runs.models import CostSoFar, Event

type Row = dict[str, Any]


def json_text(value: object) -> str:
    """Compact JSON in ASCII; ids, instants and decimals in their written form. No NaN, no infinity."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_plain)


def storable(value: Any) -> Any:
    """`value` without what `jsonb` refuses in strings: U+0000 and lone surrogates become U+FFFD."""
    if isinstance(value, str):
        return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value


def get(connection: Connection, tenant_id: UUID, run_id: UUID) -> Row | None:
    """The run's row, or None."""
    return connection.execute(
        "select * from runs where tenant_id = %s and id = %s", (tenant_id, run_id)
    ).fetchone()


def get_with_quiet(connection: Connection, tenant_id: UUID, run_id: UUID) -> Row | None:
    """The run's row, and `quiet`: seconds since its newest event, by the database's clock. None without a run."""
    return connection.execute(
        "select r.*, extract(epoch from clock_timestamp() - coalesce((select e.created_at from run_events e"
        " where e.tenant_id = r.tenant_id and e.run_id = r.id and e.seq = r.last_seq), r.created_at))::float"
        " as quiet from runs r where r.tenant_id = %s and r.id = %s",
        (tenant_id, run_id),
    ).fetchone()


def lock(connection: Connection, tenant_id: UUID, run_id: UUID) -> Row | None:
    """The run's row, locked to the end of the transaction, and `instant`, the database's clock.

    NO KEY: a task that is writing findings holds the run's key by a foreign key, and a cancel must not wait for it.
    """
    return connection.execute(
        "select *, clock_timestamp() as instant from runs where tenant_id = %s and id = %s for no key update",
        (tenant_id, run_id),
    ).fetchone()


def limit_waits(connection: Connection, seconds: int) -> None:
    """Until the end of the transaction, whoever waits longer for a lock gets `psycopg.errors.LockNotAvailable`."""
    connection.execute("select set_config('lock_timeout', %s, true)", (f"{seconds}s",))


def lock_pack_progress(
    connection: Connection, tenant_id: UUID, run_id: UUID, phase: str
) -> dict[str, tuple[int, int]] | None:
    """`{pack: (done, total)}` of this phase, the run's row being locked; None when it is in another phase."""
    row = lock(connection, tenant_id, run_id)
    if row is None or row["phase"] != phase:
        return None
    progress = row["progress"] or {}
    packs = progress.get("packs", {}) if progress.get("phase") == phase else {}
    return {pack: (done, total) for pack, (done, total) in packs.items()}


def find(
    connection: Connection,
    tenant_id: UUID,
    *,
    kind: str | None,
    status: str | None,
    project_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> list[Row]:
    """Rows of runs, newest first."""
    return connection.execute(
        "select * from runs where tenant_id = %(tenant)s"
        " and (%(kind)s::text is null or kind = %(kind)s)"
        " and (%(status)s::text is null or status = %(status)s)"
        " and (%(project)s::uuid is null or project_id = %(project)s)"
        " and (%(after)s::uuid is null or id < %(after)s) order by id desc limit %(limit)s",
        {"tenant": tenant_id, "kind": kind, "status": status, "project": project_id, "after": after}
        | {"limit": limit},
    ).fetchall()


def source_row(
    connection: Connection, tenant_id: UUID, project_id: UUID, repository_id: UUID | None
) -> Row | None:
    """The project with that repository, wherever it belongs: `{repository_id, repository_project, source,
    path, archive_key, archive_filename}`, all None without a repository. None when there is no project."""
    return connection.execute(
        "select r.id as repository_id, r.project_id as repository_project, r.source, r.path, r.archive_key,"
        " r.archive_filename from projects p"
        " left join repositories r on r.tenant_id = p.tenant_id and r.id = %s"
        " where p.tenant_id = %s and p.id = %s",
        (repository_id, tenant_id, project_id),
    ).fetchone()


def set_commit(connection: Connection, tenant_id: UUID, run_id: UUID, commit: str) -> None:
    """Keep with the run's source the commit that it was taken from."""
    connection.execute(
        "update runs set source = source || jsonb_build_object('commit', %s::text)"
        " where tenant_id = %s and id = %s",
        (commit, tenant_id, run_id),
    )


def pinned_source(connection: Connection, tenant_id: UUID, run_id: UUID) -> Row:
    """What the run works on, as it was pinned: `{type, path}` or `{type, key, filename}`."""
    row = connection.execute(
        "select source from runs where tenant_id = %s and id = %s", (tenant_id, run_id)
    ).fetchone()
    return row["source"] if row else {}


def insert(connection: Connection, tenant_id: UUID, run_id: UUID, values: Mapping[str, Any]) -> Row:
    """A queued run and its first event, `status {queued}`, in one statement.

    `values`: kind, project_id, repository_id, source, input, options, created_by; and, where the run has them,
    retry_of, workflow_id, workflow_version, parent_run_id.
    """
    row = connection.execute(
        "with run as (insert into runs (tenant_id, id, kind, project_id, repository_id, retry_of, workflow_id,"
        " workflow_version, parent_run_id, source, input, options, created_by, last_seq) values (%(tenant)s,"
        " %(run)s, %(kind)s, %(project_id)s, %(repository_id)s, %(retry_of)s, %(workflow_id)s,"
        " %(workflow_version)s, %(parent_run_id)s, %(source)s::jsonb, %(input)s::jsonb, %(options)s::jsonb,"
        " %(created_by)s, 1) returning *),"
        " log as (insert into run_events (tenant_id, run_id, seq, type, data)"
        " select tenant_id, id, last_seq, 'status', json_build_object('status', status) from run)"
        " select * from run",
        {
            **dict.fromkeys(("retry_of", "workflow_id", "workflow_version", "parent_run_id")),
            **values,
            "tenant": tenant_id,
            "run": run_id,
            "source": json_text(storable(values["source"])),
            "input": None if values["input"] is None else json_text(storable(values["input"])),
            "options": json_text(storable(values["options"])),
        },
    ).fetchone()
    assert row is not None  # noqa: S101 - an insert of one row returns it
    return row


def start(connection: Connection, tenant_id: UUID, run_id: UUID, deadline_seconds: int) -> Row | None:
    """queued → running, with its event and its deadline, in one statement; None when it is not queued."""
    change = "status = 'running', started_at = clock_timestamp(), deadline = clock_timestamp() + %(time)s"
    return _change_status(
        connection, tenant_id, run_id, change=change, when="status = 'queued'", seconds=deadline_seconds
    )


def begin_wait(connection: Connection, tenant_id: UUID, run_id: UUID) -> Row | None:
    """running → waiting, with its event, in one statement; what is left until the deadline is kept.

    None when it is not running, or past its deadline: then the sweep ends it.
    """
    change = "status = 'waiting', time_left = deadline - clock_timestamp(), deadline = null"
    when = "status = 'running' and deadline > clock_timestamp()"
    return _change_status(connection, tenant_id, run_id, change=change, when=when)


def end_wait(connection: Connection, tenant_id: UUID, run_id: UUID) -> Row | None:
    """waiting → running, with its event and what was left until its deadline; None when it is not waiting."""
    change = "status = 'running', deadline = clock_timestamp() + time_left, time_left = null"
    return _change_status(connection, tenant_id, run_id, change=change, when="status = 'waiting'")


def _change_status(
    connection: Connection, tenant_id: UUID, run_id: UUID, *, change: str, when: str, seconds: int = 0
) -> Row | None:
    """Write `change` and the event `status`, one statement; the row and `instant`, the database's clock.

    `change` may name `%(time)s`, an interval of so many seconds. None when there is no such run, or `when` does
    not hold of it.
    """
    return connection.execute(
        f"with run as (update runs set {change}, last_seq = last_seq + 1"  # noqa: S608 - constants of this file
        f" where tenant_id = %(tenant)s and id = %(run)s and {when} returning *),"
        " log as (insert into run_events (tenant_id, run_id, seq, type, data)"
        " select tenant_id, id, last_seq, 'status', json_build_object('status', status) from run)"
        " select *, clock_timestamp() as instant from run",
        {"tenant": tenant_id, "run": run_id, "time": timedelta(seconds=seconds)},
    ).fetchone()


def append(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    events: Sequence[Event],
    *,
    phase: str | None,
    progress: Mapping[str, Any] | None,
    counts: Mapping[str, int] | None,
    cost: CostSoFar | None,
) -> int | None:
    """Append to the log of an unfinished run and set what is given, in one statement; the newest number.

    None when the run is finished or is not there. `counts` overwrites the members that it names.
    """
    row = connection.execute(
        "with run as (update runs set last_seq = last_seq + %(n)s, phase = coalesce(%(phase)s, phase),"
        " progress = coalesce(%(progress)s::jsonb, progress), counts = counts || %(counts)s::jsonb,"
        " cost_tokens = coalesce(%(tokens)s, cost_tokens), cost_usd = coalesce(%(usd)s, cost_usd)"
        " where tenant_id = %(tenant)s and id = %(run)s and finished_at is null"
        " returning tenant_id, id, last_seq),"
        " log as (insert into run_events (tenant_id, run_id, seq, type, data)"
        " select run.tenant_id, run.id, run.last_seq - %(n)s + new.place, new.type, new.data"
        " from run, unnest(%(types)s::text[], %(data)s::json[]) with ordinality as new (type, data, place))"
        " select last_seq from run",
        {
            "tenant": tenant_id,
            "run": run_id,
            "n": len(events),
            "phase": phase,
            "progress": None if progress is None else json_text(storable(progress)),
            "counts": json_text(counts or {}),
            "tokens": cost and cost.tokens,
            "usd": cost and cost.usd,
            "types": [event.type for event in events],
            "data": [json_text(event.data) for event in events],
        },
    ).fetchone()
    return None if row is None else int(row["last_seq"])


def finish(
    connection: Connection, tenant_id: UUID, run_id: UUID, ended: Mapping[str, Any], done: str
) -> bool:
    """Write the final status and the event `done`, one statement; False when the run is finished already.

    `ended`: status, error, result, finished_at, last_seq. `done`: the event's JSON.
    """
    cursor = connection.execute(
        "with run as (update runs set status = %(status)s, error = %(error)s::jsonb,"
        " result = %(result)s::jsonb, finished_at = %(finished_at)s, last_seq = %(last_seq)s, time_left = null"
        " where tenant_id = %(tenant)s and id = %(run)s and finished_at is null"
        " returning tenant_id, id, last_seq)"
        " insert into run_events (tenant_id, run_id, seq, type, data)"
        " select tenant_id, id, last_seq, 'done', %(done)s::json from run",
        {
            "tenant": tenant_id,
            "run": run_id,
            "status": ended["status"],
            "error": None if ended["error"] is None else json_text(ended["error"]),
            "result": None if ended["result"] is None else json_text(ended["result"]),
            "finished_at": ended["finished_at"],
            "last_seq": ended["last_seq"],
            "done": done,
        },
    )
    return cursor.rowcount == 1


def unfinished_children(connection: Connection, tenant_id: UUID, run_id: UUID) -> list[UUID]:
    """Ids of the runs that work for this one and have not ended."""
    rows = connection.execute(
        "select id from runs where tenant_id = %s and parent_run_id = %s and finished_at is null order by id",
        (tenant_id, run_id),
    ).fetchall()
    return [row["id"] for row in rows]


def unfinished_pdf(connection: Connection, tenant_id: UUID, target: str) -> UUID | None:
    """The run that is making the PDF of this key already, or None; who asks at the same time waits for the commit."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (target,))
    row = connection.execute(
        "select id from runs where tenant_id = %s and kind = 'pdf' and finished_at is null"
        " and input ->> 'target' = %s order by id limit 1",
        (tenant_id, target),
    ).fetchone()
    return None if row is None else row["id"]


def reports_kept(connection: Connection, tenant_id: UUID, ids: Iterable[UUID]) -> set[UUID]:
    """Those of these reports that are there and not deleted."""
    rows = connection.execute(
        "select id from reports where tenant_id = %s and id = any(%s) and deleted_at is null",
        (tenant_id, list(ids)),
    ).fetchall()
    return {row["id"] for row in rows}


def delete_expired_events(connection: Connection, tenant_id: UUID, limit: int) -> int:
    """Remove events, save `done`, of runs that ended longer ago than the tenant keeps them; how many.

    Whole runs at a time and at most `limit` of them, oldest first, so that no transaction grows large.
    """
    return connection.execute(
        "with expired as (select r.id from runs r join tenant_settings s using (tenant_id)"
        " where r.tenant_id = %(tenant)s"
        " and r.finished_at < clock_timestamp() - make_interval(days => s.event_retention_days)"
        " and exists (select from run_events e where e.tenant_id = r.tenant_id and e.run_id = r.id"
        " and e.seq < r.last_seq) order by r.id limit %(limit)s)"
        " delete from run_events e using expired where e.tenant_id = %(tenant)s and e.run_id = expired.id"
        " and e.type <> 'done'",
        {"tenant": tenant_id, "limit": limit},
    ).rowcount


def events_after(
    connection: Connection,
    tenant_id: UUID,
    positions: Sequence[tuple[UUID, int]],
    *,
    max_events: int,
    max_bytes: int,
) -> psycopg.Cursor[Row]:
    """For each position `(run_id, cursor)` the events after it, `{run_id, cursor, seq, type, data}`.

    At most `max_events` a position, and no more once `max_bytes` are passed, but never none of those there
    are. `data` is the text that was stored. Returns the cursor, since in a pipeline the rows come later.
    """
    return connection.execute(
        "select w.run_id, w.cursor, e.seq, e.type, e.data"
        " from unnest(%(runs)s::uuid[], %(cursors)s::bigint[]) as w (run_id, cursor) cross join lateral ("
        " select page.*, sum(octet_length(page.data)) over (order by page.seq) - octet_length(page.data)"
        " as before"
        " from (select seq, type, data::text from run_events where tenant_id = %(tenant)s"
        " and run_id = w.run_id and seq > w.cursor order by seq limit %(events)s) page) e"
        " where e.before < %(bytes)s order by w.run_id, w.cursor, e.seq",
        {
            "tenant": tenant_id,
            "runs": [run_id for run_id, _ in positions],
            "cursors": [cursor for _, cursor in positions],
            "events": max_events,
            "bytes": max_bytes,
        },
    )


def still_there(
    connection: Connection,
    tenant_id: UUID,
    *,
    run_ids: Sequence[UUID],
    token_ids: Sequence[UUID],
    subjects: Sequence[str],
) -> psycopg.Cursor[Row]:
    """Which of these still hold: rows `{what: run | token | member, key}` for runs that exist, tokens that
    are neither revoked nor expired, and members of the tenant."""
    return connection.execute(
        "select 'run' as what, id::text as key from runs where tenant_id = %(tenant)s and id = any(%(runs)s)"
        " union all select 'token', id::text from api_tokens where tenant_id = %(tenant)s"
        " and id = any(%(tokens)s) and (expires_at is null or expires_at > clock_timestamp())"
        " union all select 'member', subject from members where tenant_id = %(tenant)s"
        " and subject = any(%(subjects)s)",
        {
            "tenant": tenant_id,
            "runs": list(run_ids),
            "tokens": list(token_ids),
            "subjects": list(subjects),
        },
    )


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return clock.rfc3339(value)
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")

"""SQL of a run's steps; that of the calls that they are made of is in `calls.repository`.

Whoever changes them holds the run's row (`runs.repository.lock`), so that two changes of one run take turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.runs.repository import json_text, storable

type Row = dict[str, Any]

_STATE = (
    "key, position, type, status, attempt, decision, decided_by, error, child_run_id, expires_at, started_at,"
    " finished_at"
)


def insert_steps(
    connection: Connection, tenant_id: UUID, run_id: UUID, rows: Sequence[Mapping[str, Any]]
) -> None:
    """The steps of a run, pending: each `{key, position, type}`."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into run_steps (tenant_id, run_id, key, position, type)"
            " values (%(tenant)s, %(run)s, %(key)s, %(position)s, %(type)s)",
            [{**row, "tenant": tenant_id, "run": run_id} for row in rows],
        )


def take_over(connection: Connection, tenant_id: UUID, earlier: UUID, run_id: UUID) -> None:
    """What an earlier run of the same version has finished, as finished in this one; it costs nothing again.

    The steps of this run are there and pending.
    """
    names = {"tenant": tenant_id, "earlier": earlier, "run": run_id}
    connection.execute(
        "update run_steps s set status = e.status, attempt = e.attempt, output = e.output, data = e.data,"
        " decision = e.decision, decided_by = e.decided_by, child_run_id = e.child_run_id, started_at = e.started_at,"
        " finished_at = e.finished_at, prompt = e.prompt, provenance = e.provenance from run_steps e"
        " where s.tenant_id = %(tenant)s and s.run_id = %(run)s and e.tenant_id = s.tenant_id"
        " and e.run_id = %(earlier)s and e.key = s.key and e.error is null"
        " and e.status in ('succeeded', 'skipped')",
        names,
    )
    connection.execute(
        "insert into run_step_calls (tenant_id, run_id, key, part, label, item, model, status, attempt, started,"
        " prompt, provenance, output, data) select tenant_id, %(run)s, key, part, label, item, model, status,"
        " attempt - waits, started, prompt, provenance, output, data from run_step_calls"
        " where tenant_id = %(tenant)s and run_id = %(earlier)s and status = 'succeeded'",
        names,
    )


def begun_before(connection: Connection, tenant_id: UUID, run_id: UUID) -> UUID | None:
    """The nearest of the runs that this one retries, one after another, that has steps; None without any.

    None too when what its steps came to has been removed: nothing of it can be taken over.
    """
    row = connection.execute(
        "with recursive earlier as ("
        " select retry_of as id, 1 as distance from runs where tenant_id = %(tenant)s and id = %(run)s"
        " union all select r.retry_of, distance + 1 from earlier e"
        " join runs r on r.tenant_id = %(tenant)s and r.id = e.id)"
        " select e.id from earlier e join runs r on r.tenant_id = %(tenant)s and r.id = e.id"
        " where r.texts_removed_at is null and exists (select from run_steps s"
        " where s.tenant_id = %(tenant)s and s.run_id = e.id) order by distance limit 1",
        {"tenant": tenant_id, "run": run_id},
    ).fetchone()
    return None if row is None else row["id"]


def states(connection: Connection, tenant_id: UUID, run_id: UUID) -> list[Row]:
    """Every step in its order, without what it has put out."""
    return connection.execute(
        f"select {_STATE} from run_steps where tenant_id = %s and run_id = %s order by position",  # noqa: S608
        (tenant_id, run_id),
    ).fetchall()


def outputs(connection: Connection, tenant_id: UUID, run_id: UUID, keys: Sequence[str]) -> dict[str, Row]:
    """`{key: {status, output, data, decision}}` of these steps."""
    rows = connection.execute(
        "select key, status, output, data, decision from run_steps"
        " where tenant_id = %s and run_id = %s and key = any(%s)",
        (tenant_id, run_id, list(keys)),
    ).fetchall()
    return {row["key"]: row for row in rows}


def summaries(connection: Connection, tenant_id: UUID, run_id: UUID) -> list[Row]:
    """Every step in its order with its output, and what its calls have cost: `{..., tokens, usd}`."""
    return connection.execute(
        f"select {_STATE}, output, data, coalesce(c.tokens, 0) as tokens, coalesce(c.usd, 0) as usd"  # noqa: S608
        " from run_steps s left join lateral (select sum(tokens) as tokens, sum(usd) as usd from run_step_calls c"
        " where c.tenant_id = s.tenant_id and c.run_id = s.run_id and c.key = s.key) c on true"
        " where s.tenant_id = %s and s.run_id = %s order by s.position",
        (tenant_id, run_id),
    ).fetchall()


def get(connection: Connection, tenant_id: UUID, run_id: UUID, key: str) -> Row | None:
    """One step with its output, or None."""
    return connection.execute(
        f"select {_STATE}, output, data from run_steps where tenant_id = %s and run_id = %s and key = %s",  # noqa: S608
        (tenant_id, run_id, key),
    ).fetchone()


def set_status(
    connection: Connection, tenant_id: UUID, run_id: UUID, key: str, status: str, **columns: Any
) -> int:
    """Give a step another status; its attempt.

    `columns`: output, data, decision, decided_by, child_run_id, and a review's prompt and provenance, kept where they
    are not given; error and expires_at, which belong to the status and go with it.
    """
    names = (
        *("output", "data", "decision", "decided_by", "error", "child_run_id", "expires_at"),
        *("prompt", "provenance"),
    )
    given = {name: columns.pop(name, None) for name in names}
    if columns:
        raise TypeError(f"run_steps has no such columns: {', '.join(columns)}")
    row = connection.execute(
        "update run_steps set status = %(status)s, output = coalesce(%(output)s, output),"
        " data = coalesce(%(data)s::jsonb, data), decision = coalesce(%(decision)s, decision),"
        " decided_by = coalesce(%(decided_by)s, decided_by), error = %(error)s::jsonb,"
        " child_run_id = coalesce(%(child_run_id)s, child_run_id), expires_at = %(expires_at)s,"
        " prompt = coalesce(%(prompt)s, prompt), provenance = coalesce(%(provenance)s::jsonb, provenance),"
        " attempt = case when %(status)s = 'skipped' then attempt else greatest(attempt, 1) end,"
        " started_at = case when %(status)s = 'skipped' then started_at"
        " else coalesce(started_at, clock_timestamp()) end,"
        " finished_at = case when %(status)s in ('succeeded', 'skipped', 'failed') then clock_timestamp() end"
        " where tenant_id = %(tenant)s and run_id = %(run)s and key = %(key)s returning attempt",
        {
            **given,
            "status": status,
            "data": _json(given["data"]),
            "error": _json(given["error"]),
            "output": storable(given["output"]),
            "prompt": storable(given["prompt"]),
            "provenance": _json(given["provenance"]),
            "tenant": tenant_id,
            "run": run_id,
            "key": key,
        },
    ).fetchone()
    return int(row["attempt"]) if row else 0


def raise_attempt(connection: Connection, tenant_id: UUID, run_id: UUID, key: str, attempt: int) -> None:
    """One of the step's calls begins this attempt; a step's attempt is the highest of its calls, waits aside."""
    connection.execute(
        "update run_steps set attempt = greatest(attempt, %s) where tenant_id = %s and run_id = %s and key = %s",
        (attempt, tenant_id, run_id, key),
    )


def newest_report(connection: Connection, tenant_id: UUID, run_id: UUID) -> UUID | None:
    """The report that a step of the run has written last, or None.

    Of a report step that was taken over, it is the one that the run before has written, however many retries ago:
    it is known by its content, which is the step's output.
    """
    row = connection.execute(
        "with recursive chain as ("
        " select id, retry_of, 0 as distance from runs where tenant_id = %(tenant)s and id = %(run)s"
        " union all select r.id, r.retry_of, distance + 1 from chain c"
        " join runs r on r.tenant_id = %(tenant)s and r.id = c.retry_of)"
        " select p.id from chain c join reports p on p.tenant_id = %(tenant)s and p.run_id = c.id"
        " where p.deleted_at is null and (c.distance = 0 or exists (select from run_steps s"
        " where s.tenant_id = %(tenant)s and s.run_id = %(run)s and s.type = 'report' and s.status = 'succeeded'"
        " and s.output = p.content))"
        " order by c.distance, p.id desc limit 1",
        {"tenant": tenant_id, "run": run_id},
    ).fetchone()
    return None if row is None else row["id"]


def expired_reviews(connection: Connection, tenant_id: UUID) -> list[tuple[UUID, str]]:
    """`(run, step)` of every review that waits beyond its time, in a run that has not ended."""
    rows = connection.execute(
        "select s.run_id, s.key from run_steps s join runs r on r.tenant_id = s.tenant_id and r.id = s.run_id"
        " where s.tenant_id = %s and s.status = 'waiting' and s.expires_at <= clock_timestamp()"
        " and r.finished_at is null order by s.run_id, s.position",
        (tenant_id,),
    ).fetchall()
    return [(row["run_id"], row["key"]) for row in rows]


def stalled(connection: Connection, tenant_id: UUID, *, older_than: float) -> list[UUID]:
    """Workflows that are running and that nobody may be going on with.

    Those with a claim of so many seconds ago whose execution nobody is known to have started, those that began so
    long ago and have no execution going on, and those with a call that waits for what others hold of its budget.
    """
    rows = connection.execute(
        "select r.id from runs r cross join lateral (select"
        " coalesce(bool_or(status = 'running' and not c.started and c.claimed_at <= moment), false) as lost,"
        " coalesce(bool_or(status = 'running' and (c.started or c.claimed_at > moment)), false) as busy,"
        " coalesce(bool_or(status = 'pending' and c.needs_usd is not null), false) as held_back"
        " from run_step_calls c, (select clock_timestamp() - make_interval(secs => %(seconds)s) as moment) m"
        " where c.tenant_id = r.tenant_id and c.run_id = r.id and c.status in ('running', 'pending')) calls"
        " where r.tenant_id = %(tenant)s and r.kind = 'workflow' and r.status = 'running'"
        " and r.finished_at is null and r.started_at <= clock_timestamp() - make_interval(secs => %(seconds)s)"
        " and (calls.lost or calls.held_back or not calls.busy) order by r.id",
        {"tenant": tenant_id, "seconds": older_than},
    ).fetchall()
    return [row["id"] for row in rows]


def _json(value: object) -> str | None:
    return None if value is None else json_text(storable(value))

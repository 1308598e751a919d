"""SQL of the queue: which run begins next, which is to be woken, which is over its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection

type Row = dict[str, Any]


def lock_next_queued(connection: Connection, tenant_id: UUID, kinds: Sequence[str]) -> UUID | None:
    """The tenant's oldest queued run of these kinds of which one more may run, its row locked; else None.

    PDFs, reports and workflows are counted apart: somebody waits for a PDF, and a workflow's analyses are runs
    themselves.
    The tenant's settings are locked first, so that two dispatchers at once count one after the other.
    """
    settings = connection.execute(
        "select max_running_runs from tenant_settings where tenant_id = %s for no key update", (tenant_id,)
    ).fetchone()
    if settings is None:
        return None
    row = connection.execute(
        "select id from runs next where tenant_id = %(tenant)s and status = 'queued' and finished_at is null"
        " and kind = any(%(kinds)s) and (select count(*) from runs where tenant_id = %(tenant)s"
        " and status = 'running' and finished_at is null"
        " and case when kind in ('pdf', 'report', 'workflow') then kind else '' end"
        " = case when next.kind in ('pdf', 'report', 'workflow') then next.kind else '' end) < %(limit)s"
        " order by id limit 1 for no key update skip locked",
        {"tenant": tenant_id, "kinds": list(kinds), "limit": settings["max_running_runs"]},
    ).fetchone()
    return None if row is None else row["id"]


def wake(connection: Connection, tenant_id: UUID, run_id: UUID) -> None:
    """Note that something that this run waits for has ended; `dispatch` tells it."""
    connection.execute(
        "update runs set woken = true where tenant_id = %s and id = %s and finished_at is null",
        (tenant_id, run_id),
    )


def take_woken(connection: Connection, tenant_id: UUID) -> Row | None:
    """A run that was woken, its row locked, and asleep again if this is committed; else None."""
    return connection.execute(
        "update runs set woken = false where tenant_id = %(tenant)s and id = (select id from runs"
        " where tenant_id = %(tenant)s and woken and finished_at is null order by id limit 1"
        " for no key update skip locked) returning *",
        {"tenant": tenant_id},
    ).fetchone()


def left_alone(connection: Connection, tenant_id: UUID) -> list[UUID]:
    """Ids of the runs that have not ended, though the run that they work for has."""
    rows = connection.execute(
        "select r.id from runs r join runs p on p.tenant_id = r.tenant_id and p.id = r.parent_run_id"
        " where r.tenant_id = %s and r.finished_at is null and p.finished_at is not null order by r.id",
        (tenant_id,),
    ).fetchall()
    return [row["id"] for row in rows]


def tenants(connection: Connection) -> list[UUID]:
    """Ids of all tenants, oldest first."""
    return [row["id"] for row in connection.execute("select id from tenants order by id").fetchall()]


def running(connection: Connection, tenant_id: UUID) -> list[UUID]:
    """Ids of the runs that are `running`."""
    rows = connection.execute(
        "select id from runs where tenant_id = %s and status = 'running' and finished_at is null order by id",
        (tenant_id,),
    ).fetchall()
    return [row["id"] for row in rows]


def overdue(connection: Connection, tenant_id: UUID) -> list[UUID]:
    """Ids of the runs that are `running` past their deadline."""
    rows = connection.execute(
        "select id from runs where tenant_id = %s and status = 'running' and finished_at is null"
        " and deadline < clock_timestamp() order by id",
        (tenant_id,),
    ).fetchall()
    return [row["id"] for row in rows]

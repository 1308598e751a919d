"""No run is left running, none left queued, nothing is kept for ever. Runs every minute, tenant by tenant."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from nyxcore import clock
from nyxcore.budgets import repository as budgets_repository
from nyxcore.budgets.overdue import settle_overdue
from nyxcore.credentials import service as credentials
from nyxcore.credentials.sealing import KeysUnavailable
from nyxcore.db.connection import Connection, Database
from nyxcore.errors import DatabaseUnavailable
from nyxcore.idempotency import repository as idempotency_repository
from nyxcore.idempotency import service as idempotency
from nyxcore.leases import repository as leases_repository
from nyxcore.queue import repository as queue
from nyxcore.reports import repository as reports_repository
from nyxcore.runs import dispatch, repository, service
from nyxcore.runs.models import Run
from nyxcore.steps.shown import repository as steps_repository
from nyxcore.tenancy import repository as tenancy_repository

_log = logging.getLogger(__name__)

_RUNS_A_SWEEP = 100  # whose events are removed in one transaction; the next minute goes on
_TEXTS_A_SWEEP = 20  # runs of which prompts and outputs are removed in one transaction: they may be long
_LOCK_SECONDS = 1  # for a run that somebody else holds; a statement may wait for 30 s, and the others with it
_OVERDUE = {
    "code": "deadline_exceeded",
    "message": "the run was not done within the time that a run may take",
}
_INTERRUPTED = {
    "code": "interrupted",
    "message": "the program that worked on the run was stopped; retry the run",
}
_ENDED_BADLY = {
    "FAILED": ("pipeline_failed", "the pipeline stopped with an error that none of its tasks reported"),
    "TIMED_OUT": ("pipeline_timed_out", "the pipeline ran longer than its state machine allows"),
    "ABORTED": ("pipeline_aborted", "the pipeline's execution was stopped from outside"),
}


@dataclass
class SweepResult:
    """What a sweep did.

    Attributes
    ----------
    overdue : runs that it ended because their deadline had passed.
    started : queued runs that it started.
    events, tickets, answers, reports, leases : how many of each it removed: events of runs that ended long ago,
        expired tickets, kept answers to repeated requests, reports that were deleted long ago, places of streams
        whose process was killed.
    texts : of how many runs that ended very long ago it removed the prompts and outputs.
    reservations : how many amounts it gave back that were held for a record which never came.
    credentials : how many secrets it re-encrypted because there is a newer key.
    failed : tenants that it could not sweep; the log says why.
    """

    overdue: list[UUID] = field(default_factory=list)
    started: list[UUID] = field(default_factory=list)
    events: int = 0
    texts: int = 0
    tickets: int = 0
    answers: int = 0
    reports: int = 0
    leases: int = 0
    reservations: int = 0
    credentials: int = 0
    failed: list[UUID] = field(default_factory=list)


def sweep(db: Database) -> SweepResult:
    """End overdue runs, start what is queued, remove what has expired; one tenant's trouble stops no other.

    In this order over all tenants: were the sweep cut off by its time limit, what waits would wait for nothing
    more than the next minute.
    """
    result = SweepResult()
    tenant_ids = _tenants(db)
    ended: list[Run] = []
    for tenant_id in tenant_ids:
        with _spared(tenant_id, result):
            _end_each(db, tenant_id, queue.overdue, _end_overdue, ended)
    result.overdue = [run.id for run in ended]
    for tenant_id in tenant_ids:
        with _spared(tenant_id, result):
            _end_each(db, tenant_id, queue.left_alone, _cancel, ended)
    result.started = dispatch.dispatch(db)
    for run in ended:
        dispatch.stop_execution(run)
    for tenant_id in tenant_ids:
        with _spared(tenant_id, result), db.transaction(tenant_id) as connection:
            _forget(connection, tenant_id, result)
        with _spared(tenant_id, result):
            result.reservations += settle_overdue(db, tenant_id)
        with _spared(tenant_id, result), db.transaction(tenant_id) as connection:
            result.credentials += credentials.rotate(connection, tenant_id)
    return result


def execution_ended(db: Database, event: Mapping[str, Any]) -> Run | None:
    """End the run whose execution ended badly: EventBridge's "Step Functions Execution Status Change".

    Returns the run as it ended, or None: it had ended before, it waits (which no execution is needed for, and
    only its review ends), it is not there, the event is of no run, or of one call of a run's step.
    """
    detail = event.get("detail")
    found = _run_of_execution(detail if isinstance(detail, Mapping) else {})
    if found is None:
        return None
    tenant_id, run_id, (code, message) = found
    with db.transaction(tenant_id) as connection:
        error = {"code": code, "message": message}
        run = _end(connection, tenant_id, run_id, still=_is_not_waiting, error=error)
    dispatch.dispatch(db, [tenant_id])
    return run


def interrupt_orphans(db: Database) -> list[UUID]:
    """End every run that is `running` though nobody can be working on it: when the embedded stack starts or stops.

    What is held for calls that nobody makes any more is given back by the next sweep. A run whose row is locked
    nevertheless is left to the next start, or to the sweep after its deadline.
    """
    ended: list[Run] = []
    for tenant_id in _tenants(db):
        _end_each(db, tenant_id, queue.running, _end_running, ended)
        with db.transaction(tenant_id) as connection:
            budgets_repository.expire_all(connection, tenant_id, clock.now())
    return [run.id for run in ended]


def _tenants(db: Database) -> list[UUID]:
    with db.tenantless() as connection:
        return queue.tenants(connection)


@contextmanager
def _spared(tenant_id: UUID, result: SweepResult) -> Iterator[None]:
    """Whatever goes wrong in this block with the database, or with secrets, is this tenant's trouble alone."""
    try:
        yield
    except (psycopg.Error, DatabaseUnavailable, KeysUnavailable) as error:
        _log.warning("tenant %s was not swept: %s", tenant_id, error)
        if tenant_id not in result.failed:
            result.failed.append(tenant_id)


def _forget(connection: Connection, tenant_id: UUID, result: SweepResult) -> None:
    """Remove what the tenant's retention, or its own expiry, says is over."""
    now = clock.now()
    result.events += repository.delete_expired_events(connection, tenant_id, _RUNS_A_SWEEP)
    result.texts += steps_repository.remove_expired_texts(connection, tenant_id, _TEXTS_A_SWEEP)
    result.tickets += tenancy_repository.delete_expired_tickets(connection, tenant_id, now)
    result.answers += idempotency_repository.delete_before(connection, tenant_id, now - idempotency.KEPT)
    result.reports += reports_repository.delete_expired(connection, tenant_id)
    result.leases += leases_repository.delete_expired(connection, tenant_id)


def _end_each(
    db: Database,
    tenant_id: UUID,
    find: Callable[[Connection, UUID], list[UUID]],
    end: Callable[[Connection, UUID, UUID], Run | None],
    ended: list[Run],
) -> None:
    """End the runs that `find` names, a transaction each, since each is locked until its commit.

    Each is in `ended` once it is committed, whatever happens to those behind it. One that somebody else holds is
    left as it is.
    """
    with db.transaction(tenant_id) as connection:
        run_ids = find(connection, tenant_id)
    for run_id in run_ids:
        try:
            with db.transaction(tenant_id) as connection:
                repository.limit_waits(connection, _LOCK_SECONDS)
                run = end(connection, tenant_id, run_id)
        except psycopg.errors.LockNotAvailable as error:
            _log.warning("run %s was not ended, and stays for the next time: %s", run_id, error)
            continue
        if run is not None:
            ended.append(run)


def _end_overdue(connection: Connection, tenant_id: UUID, run_id: UUID) -> Run | None:
    return _end(connection, tenant_id, run_id, still=_is_overdue, error=_OVERDUE)


def _end_running(connection: Connection, tenant_id: UUID, run_id: UUID) -> Run | None:
    return _end(connection, tenant_id, run_id, still=_is_running, error=_INTERRUPTED)


def _cancel(connection: Connection, tenant_id: UUID, run_id: UUID) -> Run | None:
    """End a run that works for one that has ended: whoever was to cancel it with that one was killed."""
    return service.finish_run(connection, tenant_id, run_id, "cancelled")


def _end(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    *,
    still: Callable[[repository.Row], bool],
    error: Mapping[str, str],
) -> Run | None:
    """End the run as failed if `still` holds of its row now that it is locked; None when nothing was changed."""
    row = repository.lock(connection, tenant_id, run_id)
    if row is None or not still(
        row
    ):  # it may have begun to wait, or been given more time, since it was found
        return None
    return service.finish_run(connection, tenant_id, run_id, "failed", error=error)


def _is_running(row: repository.Row) -> bool:
    return bool(row["status"] == "running")


def _is_overdue(row: repository.Row) -> bool:
    return _is_running(row) and row["deadline"] is not None and row["deadline"] < row["instant"]


def _is_not_waiting(row: repository.Row) -> bool:
    return bool(row["status"] != "waiting")


def _run_of_execution(detail: Mapping[str, Any]) -> tuple[UUID, UUID, tuple[str, str]] | None:
    """Tenant, run and reason out of an event's `detail`; None when it is not of a run that ended badly.

    The input may be left out of the event (it never is below 256 KiB, and ours are two ids).
    """
    reason = _ENDED_BADLY.get(str(detail.get("status")))
    try:
        ids = json.loads(str(detail.get("input")))
        if "call" in ids or "woken" in ids:  # of a workflow that goes on with its other steps
            return None
        return (UUID(str(ids["tenantId"])), UUID(str(ids["runId"])), reason) if reason else None
    except (ValueError, KeyError, TypeError):
        return None

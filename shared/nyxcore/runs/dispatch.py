"""Starts queued runs: so many at a time for a tenant, tenants in turn, each run once.

Called after every POST that queues a run, at every run's end, and every minute. The change to `running` and
the start of the execution are one transaction: if the start fails, the run is still queued; if the commit
fails, the next dispatcher starts an execution of the same name again, which changes nothing.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from uuid import UUID

import psycopg

from nyxcore.db.connection import Database
from nyxcore.errors import DatabaseUnavailable, NyxError
from nyxcore.ids import uuid7
from nyxcore.queue import repository as queue
from nyxcore.runs import repository, service
from nyxcore.runs.models import Run
from nyxcore.settings import settings

_STOPPED_AT_ONCE = 16  # a step may have 500 calls under way, and a cancel takes effect within 2 s

_log = logging.getLogger(__name__)


class ExecutionNotStarted(NyxError):
    """Step Functions did not take the execution of a run; the run stays queued."""

    code, status, retryable = "execution_not_started", 503, True


def dispatch(db: Database, tenant_ids: Iterable[UUID] | None = None) -> list[UUID]:
    """Start what may start, one run of each tenant a round; the ids of the runs that were started.

    Without `tenant_ids`, for all tenants. What cannot be started now is logged and stays queued: a caller
    that has queued a run need not mind whether it has begun.
    """
    if tenant_ids is None:
        with db.tenantless() as connection:
            tenant_ids = queue.tenants(connection)
    waiting = deque(tenant_ids)
    started = []
    for tenant_id in waiting:
        while _wake_next(db, tenant_id):
            continue
    while waiting:
        tenant_id = waiting.popleft()
        run_id = _start_next(db, tenant_id)
        if run_id is not None:
            started.append(run_id)
            waiting.append(tenant_id)
    return started


def start_task(tenant_id: UUID, run_id: UUID, name: str, task: Mapping[str, Any]) -> None:
    """Start an execution of the state machine of workflows, on this run, under a name of its own.

    Raises
    ------
    ExecutionNotStarted : Step Functions did not take it.
    """
    ids = {"tenantId": str(tenant_id), "runId": str(run_id)}
    _start_execution(settings().state_machines["workflow"], name, {**ids, **task})


def stop_tasks(names: Iterable[str]) -> None:
    """End executions that `start_task` has started, many at once; what goes wrong is logged."""
    arns = [execution_arn(settings().state_machines["workflow"], name) for name in names]
    if arns:
        with ThreadPoolExecutor(min(len(arns), _STOPPED_AT_ONCE)) as threads:
            list(threads.map(lambda arn: _stop(arn, "the run has ended"), arns))


def stop_execution(run: Run) -> None:
    """End the execution of a run that was cancelled; what goes wrong is logged, for the run is ended anyway."""
    machine = settings().state_machines.get(run.kind)
    if machine is not None and run.started_at is not None:
        _stop(execution_arn(machine, str(run.id)), f"run {run.status}")


def _stop(arn: str, cause: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _client().stop_execution(executionArn=arn, cause=cause)
    except (BotoCoreError, ClientError) as error:
        _log.warning("the execution %s was not stopped: %s", arn, error)


def execution_arn(machine_arn: str, name: str) -> str:
    """ARN of an execution: one is named by its run, or by run, step and attempt."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def _start_next(db: Database, tenant_id: UUID) -> UUID | None:
    machines = settings().state_machines
    try:
        with db.transaction(tenant_id) as connection:
            run_id = queue.lock_next_queued(connection, tenant_id, sorted(machines))
            run = run_id and service.start_run(connection, tenant_id, run_id)
            if not run:
                return None
            source = {}
            if run.repository_id is not None and run.kind != "workflow":  # whose analyses fetch by themselves
                source = repository.pinned_source(connection, tenant_id, run.id)
                service.phase_started(connection, tenant_id, run.id, "fetching", 0, "files")
            # fetch has no way to Postgres: what it needs travels with the execution
            task = {"tenantId": str(tenant_id), "runId": str(run.id), "source": source}
            _start_execution(machines[run.kind], str(run.id), task)
            return run.id
    except (ExecutionNotStarted, DatabaseUnavailable, psycopg.OperationalError) as error:
        _log.warning("tenant %s: nothing started, its runs stay queued: %s", tenant_id, error)
        return None


def _wake_next(db: Database, tenant_id: UUID) -> bool:
    """Tell one run that something it waits for has ended; False when there is none to be told."""
    try:
        with db.transaction(tenant_id) as connection:
            row = queue.take_woken(connection, tenant_id)
            if row is not None:
                # a name of its own each time: being woken twice does no harm, being woken once too few does
                start_task(tenant_id, row["id"], f"{row['id'].hex}-woken-{uuid7().hex}", {"woken": True})
            return row is not None
    except (ExecutionNotStarted, DatabaseUnavailable, psycopg.OperationalError) as error:
        _log.warning("tenant %s: its woken runs are told later: %s", tenant_id, error)
        return False


def _start_execution(machine_arn: str, name: str, task: Mapping[str, Any]) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _client().start_execution(
            stateMachineArn=machine_arn,
            name=name,
            input=json.dumps(task),
        )
    except ClientError as error:
        # an earlier dispatcher started it and lost its connection before the commit
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise ExecutionNotStarted(f"execution {name}: {error}") from error
    except BotoCoreError as error:
        raise ExecutionNotStarted(f"execution {name}: {error}") from error


@cache
def _client() -> Any:
    """The Step Functions client; boto3 is imported on first use, for it costs 200 ms."""
    import boto3
    from botocore.config import Config

    # short: the tenant's settings and the run are locked while it is asked
    config = Config(connect_timeout=2, read_timeout=8, retries={"total_max_attempts": 2})
    return boto3.client("stepfunctions", endpoint_url=settings().aws_endpoint_url, config=config)

"""What a request names may be deleted while it is answered: that is 404, and never an internal error."""

from __future__ import annotations

import threading
import time
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from api_stack import Stack, World, queued_run, world

from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.reports import generator
from nyxcore.runs import repository as runs


def _body(kind: str, made: World) -> tuple[str, dict[str, Any] | None]:
    run_id = made.run["id"]
    asked = {"kind": "auto-fix", "projectId": made.project["id"], "repositoryId": made.repository["id"]}
    return {
        "run": ("/runs", asked),
        "retry": (f"/runs/{run_id}/retry", None),
        "report": (f"/runs/{run_id}/reports", {"style": "technical"}),
        "ticket": ("/events/tickets", {"runId": run_id}),
    }[kind]


@pytest.mark.parametrize("kind", ["run", "retry", "report", "ticket"])
def test_nothing_is_made_in_a_project_that_is_deleted_meanwhile(stack: Stack, kind: str) -> None:
    made = world(stack)
    queued = queued_run(stack, made.caller, made.project["id"], made.repository["id"])
    made.caller.post(f"/runs/{queued['id']}/cancel")
    path, body = _body(kind, made)
    answers: list[httpx.Response] = []
    request = threading.Thread(target=lambda: answers.append(made.caller.post(path, body)))
    with stack.owner() as deleting:
        deleting.execute("select set_config('app.tenant_id', %s, true)", (str(made.caller.tenant_id),))
        deleting.execute("delete from projects where id = %s", (made.project["id"],))
        request.start()
        _wait_for_a_waiter(stack, deleting)
    request.join()
    assert (answers[0].status_code, answers[0].json()["code"]) == (404, "not_found")


def test_a_report_on_a_run_whose_project_was_just_deleted_is_refused(stack: Stack) -> None:
    made = world(stack)
    tenant_id, run_id = made.caller.tenant_id, UUID(made.run["id"])
    with stack.db.transaction(tenant_id) as connection:
        row = runs.get(connection, tenant_id, run_id)
        assert row is not None
        assert made.caller.call("DELETE", f"/projects/{made.project['id']}").status_code == 204
        with pytest.raises(NotFound, match=str(run_id)):
            generator.write(connection, tenant_id, row, style="technical")


def _wait_for_a_waiter(stack: Stack, holder: Connection) -> None:
    """Return once another transaction waits for this one."""
    with psycopg.connect(stack.owner_url, autocommit=True) as watching:
        for _ in range(1000):
            row = watching.execute(
                "select 1 from pg_locks where not granted and %s = any(pg_blocking_pids(pid))",
                (holder.info.backend_pid,),
            ).fetchone()
            if row is not None:
                return
            time.sleep(0.01)
    raise AssertionError("no request came to wait for the deletion")

"""/runs/{runId}/findings, /findings, /runs/{runId}/fixes and the patch."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic.json_schema import SkipJsonSchema

from api.caller import RunsReader, RunsWriter
from api.delivery import INLINE_LIMIT, link_to
from api.openapi import PATCH_EXAMPLE, SEE_OTHER, problems
from api.parameters import FindingId, PageOf, PageParameters, RunId, page_of
from api.routers.runs import visible_run
from nyxcore.analysis.rules.tables import Category, Severity
from nyxcore.db.connection import database
from nyxcore.errors import NotFound, RunNotFinished
from nyxcore.findings import service
from nyxcore.findings.models import Finding, Fix, Judgement, State
from nyxcore.findings.repository import FindingFilter
from nyxcore.storage import objects

router = APIRouter(tags=["findings"])

_DIFF = "text/x-diff; charset=utf-8"


@router.get("/runs/{runId}/findings", operation_id="listFindings", summary="List a run's findings")
def list_findings(
    caller: RunsReader,
    run_id: RunId,
    page: PageParameters,
    *,
    category: Annotated[Category | SkipJsonSchema[None], Query()] = None,
    severity: Annotated[Severity | SkipJsonSchema[None], Query()] = None,
    state: Annotated[State | SkipJsonSchema[None], Query()] = None,
) -> PageOf[Finding]:
    """What the run found, in its order. A page of filtered findings may be shorter than the list."""
    with database().transaction(caller.tenant_id) as connection:
        visible_run(connection, caller, run_id)
        wanted = FindingFilter(category, severity, state)
        return page_of(service.list_findings(connection, caller, run_id, wanted, page))


@router.get("/findings/{findingId}", operation_id="getFinding", summary="Get a finding")
def get_finding(caller: RunsReader, finding_id: FindingId) -> Finding:
    """One finding."""
    with database().transaction(caller.tenant_id) as connection:
        return service.get_finding(connection, caller, finding_id)


@router.patch(
    "/findings/{findingId}",
    operation_id="judgeFinding",
    summary="Dismiss a finding, or take that back",
    responses=problems(409),
)
def judge_finding(caller: RunsWriter, finding_id: FindingId, body: Judgement) -> Finding:
    """`not_a_bug` dismisses the finding; `open` returns it to the state in which its run left it.

    409 `run_not_finished` while its run goes on.
    """
    with database().transaction(caller.tenant_id) as connection:
        return service.judge(connection, caller, finding_id, body)


@router.get("/runs/{runId}/fixes", operation_id="listFixes", summary="List a run's fixes")
def list_fixes(caller: RunsReader, run_id: RunId, page: PageParameters) -> PageOf[Fix]:
    """The verified fixes, in the run's order. Long diffs make a page shorter than its limit."""
    with database().transaction(caller.tenant_id) as connection:
        visible_run(connection, caller, run_id)
        return page_of(service.list_fixes(connection, caller, run_id, page))


@router.get(
    "/runs/{runId}/patch",
    operation_id="getPatch",
    summary="Get all fixes as one patch",
    response_class=Response,
    responses={
        200: {
            "description": "The patch; empty when nothing was fixed",
            "content": {"text/x-diff": {"schema": {"type": "string"}, "example": PATCH_EXAMPLE}},
        },
        303: SEE_OTHER,
        **problems(409),
    },
)
def get_patch(caller: RunsReader, run_id: RunId) -> Response:
    """Every verified fix as one unified diff that `git apply` takes. Above 4 MB: 303 to a link that lasts 15 min.

    409 `run_not_finished` while the run goes on; 404 when it ended before it had a patch.
    """
    with database().transaction(caller.tenant_id) as connection:
        run = visible_run(connection, caller, run_id)
    if run.finished_at is None:
        raise RunNotFinished(f"run {run_id} is {run.status}: its patch is there once it has succeeded")
    key = objects.run_key(caller.tenant_id, run_id, "fixes.patch")
    size = objects.size(key)
    if size is None and run.status == "succeeded" and run.counts.fixed == 0:
        return Response(b"", 200, {"Content-Type": _DIFF})
    if size is None:
        raise NotFound(
            f"run {run_id} has {run.status} and keeps no patch: retry it with POST /runs/{run_id}/retry"
        )
    if size > INLINE_LIMIT:
        return link_to(key, filename=f"{run_id}.patch", content_type=_DIFF)
    return Response(objects.get(key), 200, {"Content-Type": _DIFF})

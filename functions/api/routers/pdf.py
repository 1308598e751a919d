"""/reports/pdf."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import Discriminator, Field, Tag

from api.caller import ReportsReader
from api.creating import created
from api.openapi import problems
from api.parameters import EXAMPLE_ID
from nyxcore import clock
from nyxcore.db.connection import database
from nyxcore.errors import Conflict
from nyxcore.pages.models import Language, Paper
from nyxcore.reports import pdf, service
from nyxcore.reports.pdf import Pdf, PdfInput
from nyxcore.reports.print_errors import refusal
from nyxcore.runs import dispatch
from nyxcore.runs import service as runs
from nyxcore.runs.models import FINISHED, Run
from nyxcore.settings import settings
from nyxcore.tenancy.models import Principal
from nyxcore.wire import Name, RequestModel

router = APIRouter(prefix="/reports", tags=["reports"])

_TICK: Final = 0.1  # seconds between two looks at the run


class ReportToPrint(RequestModel):
    """A kept report that is to be printed."""

    report_id: UUID = Field(examples=[EXAMPLE_ID])
    paper: Paper = "A4"


class MarkdownToPrint(RequestModel):
    """Markdown that is to be printed without being kept."""

    markdown: str = Field(min_length=1, examples=["# Minutes\n\nNothing was decided."])
    title: Name = Field(examples=["Minutes"])
    language: Language = "en"
    paper: Paper = "A4"


def _which(body: Any) -> str:
    return "report" if isinstance(body, dict) and "reportId" in body else "text"


ToPrint = Annotated[
    Annotated[ReportToPrint, Tag("report")] | Annotated[MarkdownToPrint, Tag("text")], Discriminator(_which)
]


@router.post(
    "/pdf",
    operation_id="printReport",
    summary="Get a report, or Markdown, as PDF",
    response_model=Pdf,
    responses={
        202: {
            "model": Run,
            "description": "It takes longer than 20 s: a run of kind `pdf`, whose `result` is the 200 in the end; its"
            " link is signed anew whenever somebody reads the run who may read reports",
        },
        **problems(404, 409),
    },
)
def print_report(caller: ReportsReader, body: ToPrint) -> Response:
    """A link that downloads the PDF until `expiresAt`. What was printed once is found again, whoever asks."""
    until = time.monotonic() + settings().pdf_patience_seconds
    wanted, project_id = _wanted(caller, body)
    if (found := pdf.find(wanted)) is not None:
        return _answer(found)
    with database().transaction(caller.tenant_id) as connection:
        run = pdf.start(connection, caller, wanted, project_id=project_id)
    dispatch.dispatch(database(), [caller.tenant_id])
    run = _followed(caller, run, until)
    if run.status not in FINISHED:
        answer = created(run, status=202, path=f"/runs/{run.id}")
        return Response(answer.body, answer.status, answer.headers, media_type="application/json")
    if run.status == "cancelled":
        raise Conflict(f"run {run.id}, which made this PDF, was cancelled: ask again")
    if run.error is not None:
        raise refusal(run.error.code, run.error.message)
    found = pdf.find(wanted)
    if found is None:
        raise Conflict(f"the PDF that run {run.id} made was removed meanwhile: ask again")
    return _answer(found)


@router.api_route("/pdf", methods=["GET", "DELETE"], include_in_schema=False)
def refuse_other_methods() -> None:
    """Without it the path would be taken for that of a report whose id is `pdf`."""
    raise HTTPException(405)


def _wanted(caller: Principal, body: ToPrint) -> tuple[PdfInput, UUID | None]:
    """What is to be printed, and the project that it belongs to."""
    if isinstance(body, ReportToPrint):
        with database().transaction(caller.tenant_id) as connection:
            report = service.get_report(connection, caller, body.report_id)
        return pdf.of_report(caller.tenant_id, report, paper=body.paper), report.project_id
    wanted = pdf.of_markdown(
        caller.tenant_id,
        body.markdown,
        title=body.title,
        language=body.language,
        paper=body.paper,
        now=clock.now(),
    )
    return wanted, caller.project_id


def _followed(caller: Principal, run: Run, until: float) -> Run:
    """The run as it has ended, or as it is when the caller has waited long enough."""
    while run.status not in FINISHED and time.monotonic() < until:
        time.sleep(_TICK)
        with database().transaction(caller.tenant_id) as connection:
            run = runs.get_run(connection, caller.tenant_id, run.id)
    return run


def _answer(found: Pdf) -> Response:
    return Response(found.model_dump_json(by_alias=True), 200, media_type="application/json")

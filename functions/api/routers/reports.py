"""/reports and /runs/{runId}/reports."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from api.caller import ReportsReader, ReportsWriter
from api.creating import IdempotencyKey, create, created
from api.delivery import deliver
from api.openapi import SEE_OTHER, problems
from api.parameters import PageOf, PageParameters, ReportId, RunId, page_of
from api.routers.runs import visible_run
from nyxcore.credentials import service as credentials
from nyxcore.db.connection import Connection, database
from nyxcore.errors import InvalidInput, NyxError, RunNotFinished
from nyxcore.idempotency.service import Answer
from nyxcore.llm.models import OFFLINE
from nyxcore.pages.models import Language
from nyxcore.personas import service as personas
from nyxcore.reports import generator, service
from nyxcore.reports.models import Report, ReportSummary, Style
from nyxcore.reports.naming import report_file_name
from nyxcore.reports.repository import ReportFilter
from nyxcore.runs import dispatch
from nyxcore.runs import service as runs
from nyxcore.runs.models import FINISHED, PipelineKind, Run
from nyxcore.storage import objects
from nyxcore.tenancy.models import Principal
from nyxcore.wire import RequestModel
from nyxcore.workflows.definition import Key, ModelName

router = APIRouter(tags=["reports"])

type Form = Literal["application/json", "text/markdown", "text/html"]

_JSON: Form = "application/json"
_MARKDOWN: Form = "text/markdown"
_HTML: Form = "text/html"
_FORMS: dict[Form, str] = {_JSON: "json", _MARKDOWN: "md", _HTML: "html"}

# A report quotes code that nobody here has written: its page runs nothing and loads nothing.
_PAGE_POLICY = (
    "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


class NotAcceptable(NyxError):
    """The Accept header leaves no form in which this can be answered."""

    code, status = "not_acceptable", 406


class ReportDraft(RequestModel):
    """A report that is asked for."""

    style: Style = Field(examples=["technical"])
    language: Language = "en"
    model: ModelName | None = Field(
        default=None,
        description="writes prose between the computed parts, which is checked against them; none without it",
    )
    persona: Key | None = Field(
        default=None, description="in whose voice the model writes", examples=["reviewer"]
    )


@router.post(
    "/runs/{runId}/reports",
    operation_id="createReport",
    summary="Write a report on a run",
    status_code=201,
    response_model=Report,
    responses={
        202: {
            "model": Run,
            "description": "A model writes: a run of kind `report`, whose result names the report",
        },
        **problems(409),
    },
)
def create_report(
    request: Request, caller: ReportsWriter, run_id: RunId, body: ReportDraft, key: IdempotencyKey = None
) -> Response:
    """A new version of the report in this style and language, from the run's rows. With `model` 202: a run.

    `executive` is for those who decide, `security` for auditors, `technical` for maintainers, `marketing` for release
    notes: it names no file and nothing that is open. 409 `run_not_finished` while the run goes on.
    """

    def effect(connection: Connection) -> Answer:
        run = visible_run(connection, caller, run_id)
        if body.model is not None:
            return _asked(connection, caller, run, body, body.model)
        if body.persona is not None:
            raise InvalidInput("a persona speaks through a model: give model as well, or leave persona out")
        report = generator.create(
            connection, caller.tenant_id, run_id, style=body.style, language=body.language
        )
        return created(report, path=f"/reports/{report.id}")

    answer = create(request, caller, key, body, effect)
    if answer.status_code == 202:
        dispatch.dispatch(database(), [caller.tenant_id])
    return answer


def _asked(connection: Connection, caller: Principal, run: Run, body: ReportDraft, model: str) -> Answer:
    """A run that writes the report; what it needs is looked at before it is queued."""
    if run.status not in FINISHED or run.project_id is None:
        raise RunNotFinished(f"run {run.id} is {run.status}: ask for a report once it has finished")
    generator.require_prose(run.kind)
    if model == OFFLINE:
        raise InvalidInput(
            "the offline model writes no prose: a report is complete without it, so leave model out"
        )
    if body.persona is not None:
        personas.by_key(connection, caller.tenant_id, body.persona)
    credentials.endpoints(connection, caller.tenant_id, [model])
    wanted = {"run_id": str(run.id), "style": body.style, "language": body.language, "model": model}
    writing = runs.create_report_run(
        connection,
        caller.tenant_id,
        project_id=run.project_id,
        input=wanted | {"persona": body.persona},
        actor=caller.actor,
    )
    return created(writing, status=202, path=f"/runs/{writing.id}")


@router.get("/runs/{runId}/reports", operation_id="listRunReports", summary="List a run's reports")
def list_run_reports(caller: ReportsReader, run_id: RunId, page: PageParameters) -> PageOf[ReportSummary]:
    """Every version of every report on the run, newest first, without content."""
    with database().transaction(caller.tenant_id) as connection:
        visible_run(connection, caller, run_id)
        return page_of(service.list_reports(connection, caller, ReportFilter(run_id=run_id), page))


@router.get("/reports", operation_id="listReports", summary="List reports")
def list_reports(
    caller: ReportsReader,
    page: PageParameters,
    project_id: Annotated[UUID | SkipJsonSchema[None], Query(alias="projectId")] = None,
    type: Annotated[PipelineKind | SkipJsonSchema[None], Query(description="kind of the run")] = None,
    style: Annotated[Style | SkipJsonSchema[None], Query()] = None,
) -> PageOf[ReportSummary]:
    """The tenant's reports, newest first, without content and without those that are deleted."""
    with database().transaction(caller.tenant_id) as connection:
        wanted = ReportFilter(project_id=project_id, type=type, style=style)
        return page_of(service.list_reports(connection, caller, wanted, page))


@router.get(
    "/reports/{reportId}.md",
    operation_id="getReportMarkdown",
    summary="Get a report's Markdown",
    response_class=Response,
    responses={
        200: {
            "description": "The Markdown, whatever `Accept` says",
            "content": {_MARKDOWN: {"schema": {"type": "string"}, "example": "# Flask\n"}},
        },
        303: SEE_OTHER,
    },
)
def get_report_markdown(caller: ReportsReader, report_id: ReportId) -> Response:
    """The report's Markdown under an address of its own. Above 4 MB: 303 to a link."""
    return _delivered(caller, report_id, _MARKDOWN)


@router.delete("/reports/{reportId}.md", include_in_schema=False)
def refuse_other_methods() -> None:
    """Without it the path would be taken for that of a report whose id ends in `.md`."""
    raise HTTPException(405)


@router.get(
    "/reports/{reportId}",
    operation_id="getReport",
    summary="Get a report",
    response_model=Report,
    responses={
        200: {
            "description": "The report as JSON, its Markdown alone, or the page that is printed",
            "content": {
                _MARKDOWN: {"schema": {"type": "string"}, "example": "# Flask\n"},
                _HTML: {"schema": {"type": "string"}, "example": "<!doctype html>"},
            },
        },
        303: SEE_OTHER,
        **problems(406),
    },
)
def get_report(request: Request, caller: ReportsReader, report_id: ReportId) -> Response:
    """The report as JSON; as Markdown or as a page where `Accept` says so. Above 4 MB: 303 to a link.

    The page is what the PDF is printed from. Its diagrams are drawn once the PDF has been printed; until then
    their sources stand in their places.
    """
    form = _negotiate(request.headers.get("accept") or "*/*")
    response = _delivered(caller, report_id, form)
    response.headers["Vary"] = "Accept"
    return response


def _delivered(caller: Principal, report_id: UUID, form: Form) -> Response:
    """The report in this form, or the way to it."""
    with database().transaction(caller.tenant_id) as connection:
        report = service.get_report(connection, caller, report_id)
    ending = _FORMS[form]
    response = deliver(
        _content(caller.tenant_id, report, form),
        # below the run's prefix, the only one beside the repositories' that the function may write to
        key=objects.run_key(
            caller.tenant_id, report.run_id, f"reports/{report_id}/{report.content_hash}.{ending}"
        ),
        filename=report_file_name(report.title, report.style, ending),
        content_type=form if form == _JSON else f"{form}; charset=utf-8",
    )
    if form == _HTML:
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return response


def _content(tenant_id: UUID, report: Report, form: Form) -> bytes:
    if form == _HTML:
        from nyxcore.reports import page  # what lays it out costs a cold start that few calls need

        return page.shown(tenant_id, report)
    return (report.content if form == _MARKDOWN else report.model_dump_json(by_alias=True)).encode()


@router.delete("/reports/{reportId}", operation_id="deleteReport", summary="Delete a report", status_code=204)
def delete_report(caller: ReportsWriter, report_id: ReportId) -> None:
    """The report is listed and shown no more; it can be restored for 30 days (a setting of the tenant)."""
    with database().transaction(caller.tenant_id) as connection:
        service.delete_report(connection, caller, report_id)


@router.post("/reports/{reportId}/restore", operation_id="restoreReport", summary="Restore a deleted report")
def restore_report(caller: ReportsWriter, report_id: ReportId) -> ReportSummary:
    """The report, deleted no more; a report that is not deleted stays as it is."""
    with database().transaction(caller.tenant_id) as connection:
        return service.restore_report(connection, caller, report_id)


def _negotiate(accept: str) -> Form:
    """The best of the forms by an Accept header (RFC 9110 section 12.5.1); where some are equal, JSON first."""
    qualities = {form: _quality(accept, form) for form in _FORMS}
    best = max(qualities.values())
    if best <= 0:
        raise NotAcceptable(f"a report is {', '.join(_FORMS)}, none of which Accept allows")
    return next(form for form, quality in qualities.items() if quality == best)


def _quality(accept: str, form: str) -> float:
    """The weight that the most specific matching range gives this media type; 0 where none matches."""
    ranges = {form: 2, f"{form.partition('/')[0]}/*": 1, "*/*": 0}
    best, quality = -1, 0.0
    for entry in accept.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        if ranges.get(name, -1) <= best:
            continue
        best, quality = ranges[name], 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                quality = _weight(parameter[2:])
    return quality


def _weight(text: str) -> float:
    """The number of a `q`; 0 for what is none from 0 to 1 (RFC 9110 section 12.4.2)."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0  # NaN is in no range

"""/events: tickets, and the stream where one process serves everything."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Security
from fastapi.responses import Response, StreamingResponse
from fastapi.security import APIKeyQuery, HTTPAuthorizationCredentials
from pydantic import Field
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema

from api.caller import BEARER, RunsReader
from api.creating import IdempotencyKey, create, created
from api.openapi import STREAM_EVENT, STREAM_EXAMPLE, problems
from nyxcore.db.connection import Connection, database
from nyxcore.idempotency.service import Answer
from nyxcore.runs import stream
from nyxcore.settings import settings
from nyxcore.tenancy import service
from nyxcore.wire import Instant, RequestModel, WireModel

router = APIRouter(prefix="/events", tags=["events"])

_NUMBER: JsonDict = {"pattern": "^[0-9]*$"}  # said here, checked by the stream: it answers 400
_TICKET = APIKeyQuery(
    name="ticket",
    scheme_name="ticket",
    auto_error=False,
    description="A ticket of POST /events/tickets, where no header can be sent",
)


class TicketDraft(RequestModel):
    """A ticket that is asked for."""

    run_id: UUID


class Ticket(WireModel):
    """Opens the stream of one run as `?ticket=`, for EventSource, which sends no headers."""

    ticket: str = Field(examples=["nyxt_0198f2a04f1e7c3a9b5d2f6a8c0e1d47_..."])
    expires_at: Instant


@router.post(
    "/tickets",
    operation_id="createTicket",
    summary="Ask for a stream ticket",
    status_code=201,
    response_model=Ticket,
    responses=problems(404),
)
def create_ticket(
    request: Request, caller: RunsReader, body: TicketDraft, key: IdempotencyKey = None
) -> Response:
    """A ticket opens the events of this run, read-only, until one hour after its `done`, 12 hours at most.

    It dies with the token that asked for it, or with the JWT and membership of who did.
    409 `ticket_window_over` when that hour is past.
    """

    def effect(connection: Connection) -> Answer:
        text, expires_at = service.issue_ticket(connection, caller, body.run_id)
        return created(Ticket(ticket=text, expires_at=expires_at), secret=True)

    return create(request, caller, key, body, effect)


@router.get(
    "/{kind}/{runId}",
    operation_id="streamEvents",
    summary="Follow a run's events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events, until `done` or the end of the window; come back with the last id",
            "content": {"text/event-stream": {"itemSchema": STREAM_EVENT, "example": STREAM_EXAMPLE}},
        },
        204: {"description": "The cursor is at `done`: there is nothing more, ever"},
    },
)
async def stream_events(
    request: Request,
    *,
    kind: Annotated[Literal["auto-fix", "refactor", "code-analysis", "workflows", "runs"], Path()],
    run_id: Annotated[str, Path(alias="runId", json_schema_extra={"format": "uuid"})],
    last_event_id: Annotated[
        str | SkipJsonSchema[None],
        Header(
            alias="Last-Event-ID", description="send every event after this one", json_schema_extra=_NUMBER
        ),
    ] = None,
    query_cursor: Annotated[
        str | SkipJsonSchema[None],
        Query(
            alias="lastEventId", description="the same, where no header can be set", json_schema_extra=_NUMBER
        ),
    ] = None,
    ticket: Annotated[str | None, Security(_TICKET)] = None,
    _: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER, scopes=["runs:read"])] = None,
) -> Response:
    """The events of a run as they come. Without a cursor an unfinished run begins with a `snapshot`; a
    finished one, or cursor 0, gives the whole history. A comment comes at least every 15 s; `done` is the last.

    A named kind must be the run's; `runs` takes every kind.
    """
    served = await stream.serve_async(
        stream.StreamRequest(
            path=kind,
            run_id=run_id,
            authorization=request.headers.get("authorization"),
            ticket=ticket,
            last_event_id=last_event_id,
            query_cursor=query_cursor,
        ),
        db=database(),
        hub=stream.stream_hub(),
        window_seconds=settings().stream_window_seconds,
    )
    if served.status == 204:
        return Response(status_code=204, headers=dict(served.headers))
    return StreamingResponse(served.chunks, served.status, dict(served.headers))

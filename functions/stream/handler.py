"""API Gateway's event in, a stream of server-sent events out; layers/stream_runtime sends it piece by piece."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from nyxcore.db.connection import database
from nyxcore.errors import Forbidden, NyxError, Unauthenticated
from nyxcore.runs.stream import StreamRequest, StreamResponse, serve, stream_hub
from nyxcore.settings import settings

_CLOSING_SECONDS = 5.0  # left to the last events, before Lambda ends the function
_SAM_LOCAL_SECONDS = 2.0  # `sam local` waits for the whole body
_log = logging.getLogger(__name__)


class Context(Protocol):
    """What is asked of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""


def handler(event: object, context: Context) -> StreamResponse[Iterator[bytes]] | None:
    """The stream that a request asks for, or its error as problem details; None for what is no request.

    The gateway has been seen to invoke a streaming function once more when a response is over.
    """
    if not isinstance(event, Mapping) or not isinstance(event.get("requestContext"), Mapping):
        _log.info("ignored an event that is no request")
        return None
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    try:
        response = serve(
            _request(event, headers), db=database(), hub=stream_hub(), window_seconds=_window(context)
        )
    except NyxError as error:
        response = _problem(error)
    return StreamResponse(response.status, dict(response.headers) | _cors(headers), response.chunks)


def _request(event: Mapping[str, Any], headers: Mapping[str, str]) -> StreamRequest:
    path = event.get("pathParameters") or {}
    query = event.get("queryStringParameters") or {}
    return StreamRequest(
        path=str(path.get("family", "")),
        run_id=str(path.get("runId", "")),
        authorization=headers.get("authorization"),
        ticket=query.get("ticket"),
        last_event_id=headers.get("last-event-id"),
        query_cursor=query.get("lastEventId"),
    )


def _window(context: Context) -> float:
    """Seconds that the stream may stay open: the service's window, and never up to the function's own end."""
    if os.environ.get("AWS_SAM_LOCAL") == "true":
        return _SAM_LOCAL_SECONDS
    left = context.get_remaining_time_in_millis() / 1000 - _CLOSING_SECONDS
    return max(0.0, min(settings().stream_window_seconds, left))


def _problem(error: NyxError) -> StreamResponse[Iterator[bytes]]:
    """Problem details (RFC 9457), in the form that the API gives them."""
    body = {
        "type": f"/api/v1/docs#problem-{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
    }
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="nyxcore"'
    elif isinstance(error, Forbidden):
        headers["WWW-Authenticate"] = 'Bearer realm="nyxcore", error="insufficient_scope", scope="runs:read"'
    return StreamResponse(error.status, headers, iter([json.dumps(body).encode()]))


def _cors(headers: Mapping[str, str]) -> dict[str, str]:
    """What lets a page of an origin that the settings name read the stream (Fetch standard, section 3.3)."""
    origin = headers.get("origin")
    if not settings().cors_origins:
        return {}
    allowed = {"Access-Control-Allow-Origin": origin} if origin in settings().cors_origins else {}
    return {"Vary": "Origin"} | {name: value for name, value in allowed.items() if value}

"""What every answer carries, whoever gave it: a request id and security headers; one line in the log.

Query strings are never logged: a stream's ticket stands in one.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

from api.problems import internal_error
from nyxcore.ids import uuid7
from nyxcore.settings import settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("nyxcore.api")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"strict-transport-security": b"max-age=31536000; includeSubDomains",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}


class Envelope:
    """Puts the headers on, writes the line, and answers what the application failed to answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": _complete(message.get("headers", ()), request_id)}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            _log.exception("request %s failed", request_id.decode())
            if status:  # too late for another answer: the connection breaks, which says it
                raise
            await internal_error()(scope, receive, send_with_headers)
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            _log.info(
                "%s %s %d %.0f ms %s",
                scope["method"],
                scope["path"],
                status,
                milliseconds,
                request_id.decode(),
            )


class Cors(CORSMiddleware):
    """CORS for the origins that the settings name; a browser's cookies are never asked for."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            app,
            allow_origins=settings().cors_origins,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=(
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "Last-Event-ID",
                "X-Request-Id",
            ),
            expose_headers=(
                "Location",
                "X-Request-Id",
                "Idempotency-Replayed",
                "Retry-After",
                "WWW-Authenticate",
            ),
            allow_credentials=False,
            max_age=3600,
        )


def _request_id(scope: Scope) -> bytes:
    """The client's X-Request-Id where it is a plain one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value)
    return str(uuid7()).encode()


def _complete(headers: object, request_id: bytes) -> list[tuple[bytes, bytes]]:
    given = [(name.lower(), value) for name, value in headers]  # type: ignore[attr-defined]  # ASGI: pairs
    present = {name for name, _ in given}
    added = [(name, value) for name, value in _HEADERS.items() if name not in present]
    return [*given, *added, (b"x-request-id", request_id)]

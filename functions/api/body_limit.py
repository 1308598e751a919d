"""Bodies up to 4 MB, whatever their headers say: refused by Content-Length, or while they arrive."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from nyxcore.errors import BodyTooLarge

LIMIT = 4 * 1024 * 1024


class BodyLimit:
    """Reads the body before the application does, so that what is too large is never parsed.

    FastAPI holds a whole body in memory anyway; this holds at most `LIMIT` bytes of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read(scope, receive)
        if body is None:
            response = problem(
                BodyTooLarge.status,
                BodyTooLarge.code,
                "the body is above 4 MB: upload archives by their link",
            )
            response.headers["Connection"] = "close"  # the rest of the body is not read
            await response(scope, receive, send)
            return
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, replay, send)


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body, or None when it is too large."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > LIMIT:
            return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > LIMIT:
            return None
        if not message.get("more_body", False):
            return bytes(body)

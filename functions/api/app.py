"""The application: `api.app:app` under uvicorn, and behind Mangum in Lambda (`api.handler`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from api import docs_page, problems
from api.body_limit import BodyLimit
from api.envelope import Cors, Envelope
from api.openapi import complete
from api.routers import (
    budgets,
    credentials,
    events,
    findings,
    health,
    pdf,
    personas,
    projects,
    reports,
    repositories,
    runs,
    steps,
    tokens,
    workflows,
)
from nyxcore.db.connection import database
from nyxcore.runs.stream import stream_hub

PREFIX = "/api/v1"

_DESCRIPTION = """\
Code-health pipelines for many tenants: start a run, watch its events, read its findings, fixes, patch and report.

Every error is problem details (RFC 9457) with a stable `code`. Lists are keyset-paged: follow `nextCursor`.
Another tenant's id answers as an unknown one does: 404. Times are RFC 3339 in UTC, ids are UUIDs of version 7.
"""


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Under uvicorn: close at the end what requests have opened, while the last answers go out."""
    yield
    await asyncio.to_thread(_close)


def _close() -> None:
    if stream_hub.cache_info().currsize:
        stream_hub().close()
        stream_hub.cache_clear()
    database().close()


class _Application(FastAPI):
    """FastAPI whose OpenAPI also says what `api.openapi` knows."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def create_app() -> FastAPI:
    """The application; nothing is read from the environment before the first request."""
    app = _Application(
        title="nyxcore",
        version="1",
        description=_DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_lifespan,
    )
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Cors)
    app.add_middleware(Envelope)
    for module in (
        health,
        projects,
        repositories,
        runs,
        steps,
        workflows,
        findings,
        pdf,
        reports,
        personas,
        tokens,
        credentials,
        budgets,
        events,
    ):
        app.include_router(module.router, prefix=PREFIX)

    @app.get(f"{PREFIX}/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(
            docs_page.render(app.openapi()), headers={"Content-Security-Policy": docs_page.POLICY}
        )

    return app


app = create_app()

"""The way of the original, for comparison: sse-starlette, every stream polling for itself every 3 s.

The cursor is a bigserial id. It is spared what ours does besides: no token, no tenant, no row-level security.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg_pool import AsyncConnectionPool
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

POLL_SECONDS = 3.0
TABLE = """
create table naive_events (
    id bigserial primary key,
    run_id uuid not null,
    type text not null,
    data text not null
);
create index naive_events_run on naive_events (run_id, id);
grant select, insert on naive_events to nyx_app;
grant usage on sequence naive_events_id_seq to nyx_app;
"""
INSERT = "insert into naive_events (run_id, type, data) values (%s, 'log', %s)"


@dataclass
class Polls:
    """How many queries the streams have asked."""

    count: int = 0


polls = Polls()


@asynccontextmanager
async def _lifespan(application: Starlette) -> AsyncIterator[None]:
    url, size = os.environ["NYX_DATABASE_URL"], int(os.environ["NYX_POOL_SIZE"])
    async with AsyncConnectionPool(
        url, min_size=size, max_size=size, timeout=60, kwargs={"autocommit": True}
    ) as pool:
        application.state.pool = pool
        yield


async def _events(request: Request) -> EventSourceResponse:
    run_id = request.path_params["run_id"]
    pool: AsyncConnectionPool = request.app.state.pool

    async def generate() -> AsyncIterator[dict[str, str]]:
        last_id = int(request.headers.get("last-event-id", "0"))
        while True:
            polls.count += 1
            async with pool.connection() as connection:
                cursor = await connection.execute(
                    "select id, type, data from naive_events where run_id = %s and id > %s order by id",
                    (run_id, last_id),
                )
                rows = await cursor.fetchall()
            for event_id, event_type, data in rows:
                last_id = event_id
                yield {"id": str(event_id), "event": event_type, "data": data}
            await asyncio.sleep(POLL_SECONDS)

    return EventSourceResponse(generate())


app = Starlette(routes=[Route("/api/v1/events/runs/{run_id}", _events)], lifespan=_lifespan)

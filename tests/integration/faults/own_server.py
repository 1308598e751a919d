"""What a test does to a PostgreSQL of its own: a new tenant, kill it, start it again, stop it for a while."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import UUID

from nyx.errors import PostgresFailed
from nyx.postgres import Postgres
from nyxcore.db.connection import Database
from nyxcore.db.roles import DATABASE, OWNER
from nyxcore.ids import uuid7
from nyxcore.tenancy import service as tenancy


def add_tenant(server: Postgres) -> UUID:
    tenant_id = uuid7()
    with closing(Database(server.url(OWNER, "owner", DATABASE))) as owner, owner.tenantless() as connection:
        tenancy.create_tenant(connection, tenant_id, "t")
    return tenant_id


def kill(server: Postgres) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    while server.pid is not None:
        time.sleep(0.01)


def start_again(server: Postgres) -> None:
    """Start the server; its former children may need a moment to notice that they are orphans."""
    for attempt in range(100):
        try:
            server.start()
        except PostgresFailed:
            assert attempt < 99
            time.sleep(0.1)
        else:
            return


@contextmanager
def hung(server: int | None) -> Iterator[None]:
    """The server of this number and all its processes stand still: they keep their connections, and answer nothing."""
    assert server is not None
    processes = [server]
    os.kill(server, signal.SIGSTOP)  # first, so that it makes no more children
    children = Path(f"/proc/{server}/task/{server}/children").read_text()
    processes += [int(child) for child in children.split()]
    try:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

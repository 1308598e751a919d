"""A throwaway PostgreSQL for the tests: one server a session, one fresh migrated database a test.

`postgres` is the server (PostgreSQL 18; tests/integration/db runs on 17 as well), `database_urls` the three URLs
of a fresh database, `db` a `Database` on it as `nyx_app`. `new_tenant` adds a tenant to that database.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from nyx.postgres import Postgres, bundled_binaries, free_port, postgres17_binaries
from nyx.stack import open_stack
from nyxcore.db.connection import Database
from nyxcore.db.roles import bootstrap
from nyxcore.ids import uuid7
from nyxcore.upgrade import upgrade

TEMPLATE = "nyxcore"
_MEMORY = Path("/dev/shm")
_PREFIX = "nyxcore-test-"

# A test's data need not survive anything, least of all at the price of waiting for the disk.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "96MB",
    "max_connections": "100",
}


@dataclass(frozen=True)
class DatabaseUrls:
    """libpq URLs of one database, by role."""

    superuser_url: str
    owner_url: str
    app_url: str


class Cluster:
    """A running server whose database `nyxcore` is bootstrapped and migrated: the template of all others."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        # copying files makes a checkpoint, which only a disk makes slow (10 ms in memory, 300 ms on a busy disk)
        self._strategy = "file_copy" if server.data.is_relative_to(_MEMORY) else "wal_log"
        bootstrap(server.superuser_url, owner_password="owner", app_password="app")
        self.migrated = upgrade(self.urls(TEMPLATE).owner_url).applied
        self.major = int(server.data.joinpath("PG_VERSION").read_text())

    def urls(self, database: str) -> DatabaseUrls:
        superuser, owner, app = (
            make_conninfo(url, dbname=database)
            for url in (
                self.server.superuser_url,
                self.server.url("nyx_owner", "owner"),
                self.server.url("nyx_app", "app"),
            )
        )
        return DatabaseUrls(superuser_url=superuser, owner_url=owner, app_url=app)

    def create(self, template: str = TEMPLATE) -> str:
        """The name of a new database, a copy of the template (`template0`: an empty one)."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.server.superuser_url, autocommit=True) as connection:
            connection.execute(
                f"create database {name} template {template} strategy {self._strategy} owner nyx_owner"
            )
            connection.execute(f"revoke all on database {name} from public")  # not copied with a template
            connection.execute(f"grant connect on database {name} to nyx_app")
        return name

    def drop(self, database: str) -> None:
        with psycopg.connect(self.server.superuser_url, autocommit=True) as connection:
            connection.execute(f"drop database {database} with (force)")


def run_cluster(binaries: Path) -> Iterator[Cluster]:
    """Start a server, yield it, stop it and remove what it left."""
    parent = _folder()
    _remove_what_killed_sessions_left(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    server = Postgres(binaries, folder / "data", free_port(), options=_FAST)
    try:
        server.initdb()
        server.start()
        yield Cluster(server)
    finally:
        server.stop()
        shutil.rmtree(folder)


def _folder() -> Path:
    """Where the data goes: in memory where there is plenty of it (a container may have 64 MB of it)."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 << 30:
        return _MEMORY
    return Path(tempfile.gettempdir())


def _remove_what_killed_sessions_left(parent: Path) -> None:
    """The servers die with their sessions; the folders do not, and their names tell whose they were."""
    for folder in parent.glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres18() -> Iterator[Cluster]:
    yield from run_cluster(bundled_binaries())


@pytest.fixture(scope="session")
def postgres17() -> Iterator[Cluster]:
    yield from run_cluster(postgres17_binaries())


@pytest.fixture(scope="session")
def postgres(postgres18: Cluster) -> Cluster:
    """The server that tests run on unless they say otherwise."""
    return postgres18


@pytest.fixture
def database_urls(postgres: Cluster) -> Iterator[DatabaseUrls]:
    """The URLs of a fresh, migrated, empty database."""
    name = postgres.create()
    yield postgres.urls(name)
    postgres.drop(name)


@pytest.fixture
def db(database_urls: DatabaseUrls) -> Iterator[Database]:
    """A fresh database, as functions see it: role `nyx_app`, one connection."""
    database = Database(database_urls.app_url)
    yield database
    database.close()


@pytest.fixture
def new_tenant(database_urls: DatabaseUrls) -> Callable[[], UUID]:
    """Makes a tenant with its settings in the fresh database and returns its id."""

    def make() -> UUID:
        tenant = uuid7()
        with psycopg.connect(database_urls.owner_url) as connection:
            connection.execute("insert into tenants (id) values (%s)", (tenant,))
            connection.execute("select set_config('app.tenant_id', %s, true)", (str(tenant),))
            connection.execute(
                "insert into tenant_settings (tenant_id, name) values (%s, %s)", (tenant, f"tenant {tenant}")
            )
        return tenant

    return make


@pytest.fixture
def more_databases(database_urls: DatabaseUrls) -> Iterator[Callable[[], Database]]:
    """Makes further databases of this process, each with a connection of its own, as other processes have."""
    with ExitStack() as stack:

        def make() -> Database:
            database = Database(database_urls.app_url)
            stack.callback(database.close)
            return database

        yield make


@pytest.fixture
def pooled(database_urls: DatabaseUrls) -> Iterator[Database]:
    """The database as a process that serves many streams has it."""
    database = Database(database_urls.app_url, pool_size=4)
    yield database
    database.close()


@pytest.fixture(scope="session")
def kept_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was started and stopped once."""
    home = tmp_path_factory.mktemp("kept") / "home"
    with open_stack(home, on_status=lambda _: None, environment={}):
        return home

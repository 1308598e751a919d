"""Everything in this folder runs on PostgreSQL 18, the embedded one, and on 17, Aurora's."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from nyxcore.db.roles import bootstrap


@pytest.fixture(scope="session", params=["postgres18", "postgres17"])
def postgres(request: pytest.FixtureRequest) -> object:
    return request.getfixturevalue(request.param)


@pytest.fixture
def empty_urls(postgres) -> Iterator[object]:
    """The URLs of a fresh database that is bootstrapped and has no migration."""
    name = postgres.create(template="template0")
    bootstrap(postgres.server.superuser_url, owner_password="owner", app_password="app", database=name)
    yield postgres.urls(name)
    postgres.drop(name)


@pytest.fixture
def superuser(database_urls) -> Iterator[psycopg.Connection]:
    """A superuser's connection to the fresh database, in autocommit mode."""
    with psycopg.connect(database_urls.superuser_url, autocommit=True) as connection:
        yield connection

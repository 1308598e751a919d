"""The health check: it answers when the service works, and raises when it does not."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from nyxcore.db.connection import Database
from nyxcore.db.schema import names, require_schema
from nyxcore.errors import SchemaOutdated
from nyxcore.health import repository
from nyxcore.health.models import Health

_PARTS = ("nyxcore", "fastapi", "pydantic", "psycopg", "ruff", "ast-grep-cli")


def check(database: Database) -> Health:
    """The state of the service.

    Raises
    ------
    DatabaseUnavailable : the database does not answer.
    SchemaOutdated : its schema is older than this code needs.
    """
    with database.tenantless() as connection:
        require_schema(connection)
        present = repository.schema_version(connection)
        _require_version(present)  # asked every time: the answer above is remembered by the process
        return Health(
            status="ok",
            schema_version=present,
            versions={**_installed(), **repository.versions(connection)},
        )


def _require_version(present: int) -> None:
    needed = max(names())
    if present < needed:
        raise SchemaOutdated(
            f"the database's schema is at {present} and the code needs {needed}: run `nyx db migrate`"
        )


@cache
def _installed() -> dict[str, str]:
    """Versions of what is installed here: each function has its own layers, so parts may be absent."""
    found = {"python": platform.python_version()}
    for name in _PARTS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

"""What comes before the code of a new version: its migrations, then the rows that the product itself brings."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from nyxcore.db import migrate
from nyxcore.db.connection import Database
from nyxcore.personas import service as personas


@dataclass(frozen=True)
class Upgraded:
    """What was done now: names of migrations, and keys of built-in personas that were written or retired."""

    applied: list[str]
    personas: list[str]


def upgrade(url: str) -> Upgraded:
    """Bring a database up to this version; doing it again, or twice at once, changes nothing more.

    Parameters
    ----------
    url : libpq URL of the role `nyx_owner`, straight to the server.

    Raises
    ------
    MigrationRefused, MigrationFailed, DatabaseUnavailable : as `migrate.migrate`.
    """
    applied = migrate.migrate(url)
    with closing(Database(url)) as database, database.tenantless() as connection:
        written = personas.install_built_in(connection)
    return Upgraded(applied, written)

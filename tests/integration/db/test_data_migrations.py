"""FORCE binds the owner: a migration that changes rows has to go from tenant to tenant, as the README shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import psycopg
import pytest
from row_factory import RowFactory

from nyxcore.db.migrate import migrate
from nyxcore.db.schema import DIRECTORY, names
from nyxcore.ids import uuid7

CHANGE = "update runs set phase = 'reporting' where phase = 'writing'"


@pytest.fixture
def tenants(database_urls):
    """Two tenants, each with a run in the phase `writing`."""
    ids = [uuid7(), uuid7()]
    with psycopg.connect(database_urls.owner_url, autocommit=True) as owner:
        factory = RowFactory(owner)
        for tenant in ids:
            owner.execute("insert into tenants (id) values (%s)", (tenant,))
            with owner.transaction():
                owner.execute("select set_config('app.tenant_id', %s, true)", (str(tenant),))
                factory.kept("runs", tenant)
                owner.execute("update runs set phase = 'writing'")
    return ids


def documented_loop() -> str:
    """The example of the README, word for word."""
    readme = (DIRECTORY / "README.md").read_text()
    return next(block for block in re.findall(r"```sql\n(.*?)```", readme, re.DOTALL) if CHANGE in block)


def phases(url: str, tenants) -> list[str]:
    found = []
    with psycopg.connect(url) as connection:
        for tenant in tenants:
            connection.execute("select set_config('app.tenant_id', %s, true)", (str(tenant),))
            found += [row[0] for row in connection.execute("select phase from runs")]
    return found


def run(url: str, folder: Path, sql: str) -> None:
    shutil.copytree(DIRECTORY, folder)
    (folder / f"{len(names()) + 1:04d}_change.sql").write_text(sql)
    migrate(url, directory=folder)


def test_a_data_migration_over_all_tenants_reaches_the_rows_of_each(database_urls, tenants, tmp_path) -> None:
    run(database_urls.owner_url, tmp_path / "m", documented_loop())
    assert phases(database_urls.owner_url, tenants) == ["reporting", "reporting"]


def test_a_data_migration_without_the_loop_reaches_no_row(database_urls, tenants, tmp_path) -> None:
    run(database_urls.owner_url, tmp_path / "m", f"{CHANGE};")
    assert phases(database_urls.owner_url, tenants) == ["writing", "writing"]

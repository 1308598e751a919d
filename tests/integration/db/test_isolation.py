"""Every table x command x tenant context, and every foreign key, as generated from the catalog: no leak.

Each denial stands beside the same command that succeeds for the row's own tenant. The matrix runs as `nyx_app`, and
as `nyx_owner` too, which holds every right on the tables, so that nothing but row-level security stops it.
"""

from __future__ import annotations

from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors, sql
from row_factory import TENANTLESS, RowFactory, insert, tenant_tables

from nyxcore.db import catalog
from nyxcore.ids import uuid7

TABLES = sorted(
    name for name, objects in catalog.snapshot().items() if "table" in objects and name not in TENANTLESS
)
CONTEXTS = ("own", "other", "none", "malformed")


class World:
    """Two tenants with a row in every table, and connections as both roles."""

    def __init__(self, urls) -> None:
        self.connections = {
            role: psycopg.connect(url, autocommit=True)
            for role, url in (("nyx_app", urls.app_url), ("nyx_owner", urls.owner_url))
        }
        self.mine, self.other = uuid7(), uuid7()
        self.factory = RowFactory(self.connections["nyx_owner"])

    def populate(self) -> None:
        owner = self.connections["nyx_owner"]
        for tenant in (self.mine, self.other):
            owner.execute("insert into tenants (id) values (%s)", (tenant,))
            with self.context("nyx_owner", "own" if tenant == self.mine else "other", keep=True):
                for table in tenant_tables(owner):
                    self.factory.kept(table, tenant)

    @contextmanager
    def context(self, role: str, name: str, *, keep: bool = False):
        """A transaction in one of the four tenant contexts, undone at its end unless it is to be kept."""
        value = {"own": str(self.mine), "other": str(self.other), "malformed": "not-a-uuid"}.get(name)
        connection = self.connections[role]
        with connection.transaction(force_rollback=not keep):
            if value is not None:
                connection.execute("select set_config('app.tenant_id', %s, true)", (value,))
            yield connection

    def may(self, role: str, table: str, command: str) -> bool:
        row = (
            self.connections[role]
            .execute("select has_table_privilege(%s, %s, %s)", (role, table, command))
            .fetchone()
        )
        return bool(row[0])

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()


@pytest.fixture(scope="module")
def world(postgres):
    name = postgres.create()
    world = World(postgres.urls(name))
    try:
        world.populate()
        yield world
    finally:
        world.close()
        postgres.drop(name)


def test_the_generated_tables_are_those_of_the_live_database(world: World) -> None:
    assert tenant_tables(world.connections["nyx_owner"]) == TABLES


@pytest.mark.parametrize("role", ["nyx_app", "nyx_owner"])
@pytest.mark.parametrize("command", ["SELECT", "INSERT", "UPDATE", "DELETE"])
@pytest.mark.parametrize("table", TABLES)
def test_a_table_answers_its_own_tenant_alone(world: World, table: str, command: str, role: str) -> None:
    outcomes = {context: _outcome(world, role, table, command, context) for context in CONTEXTS}
    if not world.may(role, table, command):
        assert role == "nyx_app", "the owner holds every right"
        assert set(outcomes.values()) == {"permission denied"}
        return
    if command == "INSERT":
        refused = "new row violates row-level security"
        assert outcomes == {"own": "inserted", "other": refused, "none": refused, "malformed": "no uuid"}
        return
    assert outcomes == {
        "own": {str(world.mine)},
        "other": {str(world.other)},
        "none": set(),
        "malformed": "no uuid",
    }


def _outcome(world: World, role: str, table: str, command: str, context: str) -> object:
    """What the command does to a row of `mine` in this context: the tenants whose rows it reached, or why none."""
    name = sql.SQL(table)
    statement = {
        "SELECT": sql.SQL("select tenant_id::text from {}"),
        "UPDATE": sql.SQL("update {} set tenant_id = tenant_id returning tenant_id::text"),
        "DELETE": sql.SQL("delete from {} returning tenant_id::text"),
    }
    try:
        if command == "INSERT":
            with world.context("nyx_owner", "own", keep=True):
                row = world.factory.new(table, world.mine)
            with world.context(role, context) as connection:
                if table == "tenant_settings":  # one row a tenant: it has to go first, as its tenant
                    _delete_own(world, connection, role, context)
                insert(connection, table, row)
            return "inserted"
        with world.context(role, context) as connection:
            return {row[0] for row in connection.execute(statement[command].format(name))}
    except errors.InvalidTextRepresentation as error:
        return "no uuid" if 'uuid: "not-a-uuid"' in str(error) else str(error)
    except errors.InsufficientPrivilege as error:
        for reason in ("permission denied", "new row violates row-level security"):
            if reason in str(error):
                return reason
        raise


def _delete_own(world: World, connection: psycopg.Connection, role: str, context: str) -> None:
    if context == "own":
        connection.execute("delete from tenant_settings where tenant_id = %s", (world.mine,))


@pytest.mark.parametrize("table", TABLES)
def test_a_row_cannot_be_given_to_another_tenant(world: World, table: str) -> None:
    update = sql.SQL("update {} set tenant_id = %s").format(sql.SQL(table))
    with (
        pytest.raises(errors.InsufficientPrivilege, match="row-level security"),
        world.context("nyx_owner", "own") as connection,
    ):
        connection.execute(update, (world.other,))


def _pointing() -> list[tuple[str, str]]:
    return [
        (table, name.removeprefix("constraint "))
        for table in TABLES
        for name, definition in catalog.snapshot()[table].items()
        if definition.startswith("FOREIGN KEY") and "REFERENCES tenants(" not in definition
    ]


@pytest.mark.parametrize(("table", "constraint"), _pointing())
def test_a_foreign_key_reaches_rows_of_its_own_tenant_alone(
    world: World, table: str, constraint: str
) -> None:
    key = next(key for key in world.factory.table(table).foreign_keys if key.name == constraint)
    with world.context("nyx_owner", "own", keep=True):
        row = world.factory.new(
            table, world.mine, pointing=[name for name in key.columns if name != "tenant_id"]
        )
    foreign = world.factory.kept(key.parent, world.other)
    theirs = {own: foreign[parent] for own, parent in zip(key.columns, key.parent_columns, strict=True)}
    types = world.factory.table(table).types
    unknown = {name: "20000" if types[name] == "integer" else str(uuid7()) for name in key.columns}

    with world.context("nyx_app", "own") as connection:
        insert(connection, table, row)
    said = []
    for stolen in (theirs, unknown):
        with (
            pytest.raises(errors.ForeignKeyViolation) as refused,
            world.context("nyx_app", "own") as connection,
        ):
            insert(connection, table, row | stolen | {"tenant_id": str(world.mine)})
        assert refused.value.diag.constraint_name == constraint
        said.append(refused.value.diag.message_primary)
    assert said[0] == said[1], "another tenant's row must look like one that does not exist"


def test_deleting_a_tenant_takes_all_of_its_rows_and_no_other(world: World) -> None:
    with world.context("nyx_owner", "none") as connection:
        connection.execute("delete from tenants where id = %s", (world.mine,))
        for table in TABLES:
            for tenant, left in ((world.mine, False), (world.other, True)):
                connection.execute("select set_config('app.tenant_id', %s, true)", (str(tenant),))
                count = connection.execute(
                    sql.SQL("select count(*) from {}").format(sql.SQL(table))
                ).fetchone()
                assert (count[0] > 0) is left, f"{table} of {tenant}"


def test_without_row_level_security_the_matrix_would_see_the_leak(world: World) -> None:
    with world.context("nyx_owner", "other") as connection:
        connection.execute("alter table runs no force row level security")
        seen = {row[0] for row in connection.execute("select tenant_id from runs")}
    assert seen == {world.mine, world.other}

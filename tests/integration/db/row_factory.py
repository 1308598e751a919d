"""Makes a valid row of any table, from nothing but the catalog: types, foreign keys and check constraints."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from nyxcore.ids import uuid7

type Row = dict[str, str | None]

# what stands outside of any tenant (design, section 4)
TENANTLESS = {"tenants", "schema_migrations", "personas_builtin"}

_TABLES = """
select c.oid::regclass::text as name from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1
"""
_COLUMNS = """
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required
from pg_attribute a
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by a.attnum
"""
_FOREIGN_KEYS = """
select k.conname as name, k.confrelid::regclass::text as parent,
    array(select a.attname from unnest(k.conkey) with ordinality c (number, position)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number order by c.position)::text[]
        as columns,
    array(select a.attname from unnest(k.confkey) with ordinality c (number, position)
          join pg_attribute a on a.attrelid = k.confrelid and a.attnum = c.number order by c.position)::text[]
        as parent_columns
from pg_constraint k where k.contype = 'f' and k.conrelid = %s::regclass order by 1
"""
_CHECKS = """
select pg_get_expr(conbin, conrelid) as expression from pg_constraint
where contype = 'c' and conrelid = %s::regclass order by conname
"""
_KEY = """
select array(select a.attname from unnest(i.indkey::int2[]) with ordinality c (number, position)
             join pg_attribute a on a.attrelid = i.indrelid and a.attnum = c.number order by c.position)::text[] as key
from pg_index i where i.indrelid = %s::regclass and i.indisprimary
"""


@dataclass(frozen=True)
class ForeignKey:
    name: str
    parent: str
    columns: list[str]
    parent_columns: list[str]


@dataclass
class Table:
    name: str
    types: dict[str, str]
    required: set[str]
    foreign_keys: list[ForeignKey]
    checks: list[str]
    key: list[str] = field(default_factory=list)


def tenant_tables(connection: psycopg.Connection) -> list[str]:
    """Every table that belongs to a tenant."""
    return [row[0] for row in connection.execute(_TABLES).fetchall() if row[0] not in TENANTLESS]


def describe(connection: psycopg.Connection, name: str) -> Table:
    with connection.cursor(row_factory=dict_row) as cursor:
        columns = cursor.execute(_COLUMNS, (name,)).fetchall()
        keys = cursor.execute(_FOREIGN_KEYS, (name,)).fetchall()
        checks = cursor.execute(_CHECKS, (name,)).fetchall()
        key = cursor.execute(_KEY, (name,)).fetchone()
    return Table(
        name=name,
        types={column["name"]: column["type"] for column in columns},
        required={column["name"] for column in columns if column["required"]},
        foreign_keys=[ForeignKey(**row) for row in keys],
        checks=[row["expression"] for row in checks],
        key=key["key"] if key else [],
    )


class RowFactory:
    """Rows of one tenant each. Nothing is committed by itself: the caller's transaction has the tenant set."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._tables: dict[str, Table] = {}
        self._kept: dict[tuple[str, UUID], Row] = {}
        self._numbers = itertools.count(1)

    def table(self, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = describe(self._connection, name)
        return self._tables[name]

    def kept(self, name: str, tenant: UUID) -> Row:
        """The tenant's one row of this table that children may point at; inserted at its first use."""
        if name == "tenants":
            return {"id": str(tenant)}
        if (name, tenant) not in self._kept:
            row = self.new(name, tenant)
            insert(self._connection, name, row)
            self._kept[name, tenant] = row
        return self._kept[name, tenant]

    def new(self, name: str, tenant: UUID, *, pointing: Iterable[str] = ()) -> Row:
        """A row that could be inserted; its parents are inserted. Nullable columns are null where they can be.

        `pointing` names nullable columns that are to be filled, from their foreign key's parent.
        """
        table = self.table(name)
        fixed: Row = {}
        for key in table.foreign_keys:
            if set(key.columns) <= table.required or set(key.columns) & set(pointing):
                parent = self.kept(key.parent, tenant)
                fixed |= {
                    own: parent[theirs] for own, theirs in zip(key.columns, key.parent_columns, strict=True)
                }
        if "tenant_id" in table.types:
            fixed["tenant_id"] = str(tenant)
        found = self._satisfy(table, fixed)
        if found is None:  # a check may want a pointer that is optional elsewhere: a run's project
            found = self._satisfy(table, self._pointed(table, tenant) | fixed)
        assert found is not None, (
            f"no candidate satisfies the checks of {table.name}: teach RowFactory its types"
        )
        return found

    def _pointed(self, table: Table, tenant: UUID) -> Row:
        """Every optional pointer to another table, filled."""
        filled: Row = {}
        for key in table.foreign_keys:
            if key.parent != table.name:
                parent = self.kept(key.parent, tenant)
                filled |= {
                    own: parent[theirs] for own, theirs in zip(key.columns, key.parent_columns, strict=True)
                }
        return filled

    def _satisfy(self, table: Table, fixed: Row) -> Row | None:
        """Choose a value a column so that every check constraint holds, or None; PostgreSQL does the searching."""
        choices = {
            column: [fixed[column]] if column in fixed else self._candidates(table, column)
            for column in table.types
        }
        checked = [column for column in choices if any(_mentions(check, column) for check in table.checks)]
        row = {column: values[0] for column, values in choices.items()}
        if not checked:
            return row
        sources = [
            sql.SQL("unnest({}::text[]) as {}").format(
                sql.Literal(choices[column]), sql.Identifier(f"s_{column}")
            )
            for column in checked
        ]
        typed = [
            sql.SQL("{}::{} as {}").format(
                sql.Identifier(f"s_{column}"), sql.SQL(table.types[column]), sql.Identifier(column)
            )
            for column in checked
        ]
        query = sql.SQL("select {} from (select {}, {} from {}) as candidate where {} limit 1").format(
            sql.SQL(", ").join(sql.Identifier(f"s_{column}") for column in checked),
            sql.SQL(", ").join(sql.Identifier(f"s_{column}") for column in checked),
            sql.SQL(", ").join(typed),
            sql.SQL(" cross join ").join(sources),
            sql.SQL(" and ").join(sql.SQL(f"coalesce(({check}), true)") for check in table.checks),
        )
        found = self._connection.execute(query).fetchone()
        return None if found is None else row | dict(zip(checked, found, strict=True))

    def _candidates(self, table: Table, column: str) -> list[str | None]:
        if column not in table.required and any(column in key.columns for key in table.foreign_keys):
            return [None]  # a made-up value would point at nothing
        values: list[str | None] = [] if column in table.required else [None]
        for check in table.checks:
            if table.types[column] == "text" and _mentions(check, column):
                values += [
                    constant.replace("''", "'") for constant in re.findall(r"'((?:[^']|'')*)'::text", check)
                ]
        return [*values, *self._of_type(table.types[column])]

    def _of_type(self, name: str) -> list[str]:
        number = next(self._numbers)
        vector = re.fullmatch(r"(?:half)?vec(?:tor)?\((\d+)\)", name)
        if vector:
            return [f"[{','.join(['1'] * int(vector[1]))}]"]
        if name == "uuid[]":
            return ["{}", f"{{{uuid7()},{uuid7()}}}"]
        if name.endswith("[]"):
            return ["{}"]
        simple = {
            "uuid": str(uuid7()),
            "text": f"t{number}",
            "bytea": "\\x" + secrets.token_hex(32),
            "boolean": "true",
            "date": "2026-11-23",
            "interval": "1 hour",
            "timestamp with time zone": "2026-11-23T00:00:00Z",
            "json": "{}",
            "jsonb": "{}",
            "double precision": "1",
        }
        if name in simple:
            return [simple[name]]
        if name in ("integer", "bigint", "smallint") or name.startswith("numeric"):
            return [str(number % 10_000 + 1), "1", "10"]
        raise AssertionError(f"RowFactory knows no value of the type {name}: teach it one")


def insert(connection: psycopg.Connection, table: str, row: Row) -> None:
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.SQL(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        ),
        list(row.values()),
    )


def _mentions(expression: str, column: str) -> bool:
    return re.search(rf'(?<![\w."]){re.escape(column)}(?!\w)', expression) is not None

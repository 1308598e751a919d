"""What every table of a tenant has to have, checked on the live catalog: a table without it is named by itself."""

from __future__ import annotations

import psycopg
from row_factory import TENANTLESS, describe

_POLICY = "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\"))"
_ALLOWED_GRANTS = {"SELECT", "INSERT", "UPDATE", "DELETE"}


def shortcomings(connection: psycopg.Connection) -> list[str]:
    """One sentence for each thing that a table, view or index lacks; empty when nothing is lacking."""
    found = []
    relations = connection.execute(
        "select oid::regclass::text, relkind, relrowsecurity, relforcerowsecurity from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'f', 'm', 'v') order by 1"
    ).fetchall()
    for name, kind, enabled, forced in relations:
        if name in TENANTLESS:
            continue
        if kind in ("f", "m"):
            found.append(f"{name}: a foreign table or materialized view has no row-level security")
            continue
        if kind == "v":
            found += _of_view(connection, name)
            continue
        if not enabled:
            found.append(f"{name}: row-level security is not enabled")
        if not forced:
            found.append(f"{name}: row-level security is not forced on the owner")
        found += _of_policies(connection, name)
        found += _of_columns(connection, name)
        found += _of_indexes(connection, name)
        found += _of_grants(connection, name)
    return found


def _of_view(connection: psycopg.Connection, name: str) -> list[str]:
    row = connection.execute(
        "select reloptions::text from pg_class where oid = %s::regclass", (name,)
    ).fetchone()
    if row and row[0] and "security_invoker=true" in row[0]:
        return []
    return [f"{name}: a view needs security_invoker = true, or it reads as its owner"]


def _of_policies(connection: psycopg.Connection, name: str) -> list[str]:
    policies = connection.execute(
        "select permissive, roles::text, cmd, qual, with_check from pg_policies"
        " where schemaname = 'public' and quote_ident(tablename) = %s",
        (name,),
    ).fetchall()
    if policies != [("PERMISSIVE", "{public}", "ALL", _POLICY, _POLICY)]:
        return [
            f"{name}: it needs the one policy tenant_isolation (using and with check), and has {policies}"
        ]
    return []


def _of_columns(connection: psycopg.Connection, name: str) -> list[str]:
    table = describe(connection, name)
    found = []
    if table.types.get("tenant_id") != "uuid" or "tenant_id" not in table.required:
        found.append(f"{name}: tenant_id uuid not null is missing")
    if table.key[:1] != ["tenant_id"]:
        found.append(f"{name}: the primary key has to begin with tenant_id")
    to_tenants = [
        key for key in table.foreign_keys if key.parent == "tenants" and key.columns == ["tenant_id"]
    ]
    if not to_tenants:
        found.append(f"{name}: tenant_id references no tenant")
    found += [
        f"{name}: the foreign key {key.name} has to be composite, (tenant_id, ...)"
        for key in table.foreign_keys
        if key not in to_tenants and (key.columns[0], key.parent_columns[0]) != ("tenant_id", "tenant_id")
    ]
    return found


def _of_indexes(connection: psycopg.Connection, name: str) -> list[str]:
    """A unique index over tenants would tell one of them that another has the value.

    And a foreign key without an index of its columns makes deleting a parent a scan of this table.
    """
    unique = connection.execute(
        "select i.indexrelid::regclass::text from pg_index i join pg_attribute a"
        " on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
        " where i.indrelid = %s::regclass and i.indisunique and a.attname <> 'tenant_id'",
        (name,),
    ).fetchall()
    bare = connection.execute(
        "select conname from pg_constraint c where contype = 'f' and conrelid = %s::regclass and not exists ("
        " select from pg_index i where i.indrelid = c.conrelid"
        " and (i.indkey::int2[])[0:cardinality(conkey) - 1] @> conkey"
        " and (i.indkey::int2[])[0:cardinality(conkey) - 1] <@ conkey)",
        (name,),
    ).fetchall()
    return [f"{name}: the unique index {index} has to begin with tenant_id" for (index,) in unique] + [
        f"{name}: the foreign key {key} has no index" for (key,) in bare
    ]


def _of_grants(connection: psycopg.Connection, name: str) -> list[str]:
    grants = connection.execute(
        "select coalesce(r.rolname, 'public'), a.privilege_type from pg_class c"
        " cross join aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a"
        " left join pg_roles r on r.oid = a.grantee where c.oid = %s::regclass and a.grantee <> c.relowner",
        (name,),
    ).fetchall()
    wrong = [(role, right) for role, right in grants if role != "nyx_app" or right not in _ALLOWED_GRANTS]
    found = [f"{name}: {right} is granted to {role}" for role, right in wrong]
    if ("nyx_app", "SELECT") not in grants:
        found.append(f"{name}: nyx_app may not even read it")
    return found

"""What migrations cannot do for themselves: roles, the database, the extension; run as the cluster's master.

Two roles. `nyx_owner` owns every object and runs the migrations; `nyx_app` is what functions connect as. Neither
is a superuser, neither may bypass row-level security, and `nyx_app` owns nothing. Everything here can be run again:
it mends what is not as it should be and sets the passwords anew.
"""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from nyxcore.db.connection import connect_once

OWNER = "nyx_owner"
APP = "nyx_app"
DATABASE = "nyxcore"

# role attribute in CREATE/ALTER ROLE -> its column in pg_roles; all of them are to be false
_FORBIDDEN = {
    "superuser": "rolsuper",
    "createdb": "rolcreatedb",
    "createrole": "rolcreaterole",
    "replication": "rolreplication",
    "bypassrls": "rolbypassrls",
}

# kept at the role, since a session SET would pin a connection of RDS Proxy
_APP_SETTINGS = {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "60s"}

# two bootstraps at once: the second waits; any constant of our own will do
_LOCK = 0x6E79_7801


def bootstrap(
    superuser_url: str, *, owner_password: str, app_password: str, database: str = DATABASE
) -> None:
    """Make, or mend, the roles `nyx_owner` and `nyx_app`, the database and the extension `vector`.

    Parameters
    ----------
    superuser_url : libpq URL of a role that may create roles and databases (a superuser, or the master user of
        RDS), to any database of the cluster that exists.
    owner_password, app_password : sent as SCRAM-SHA-256 verifiers only, so that no server log holds them.
    database : its name; made when missing, owned by `nyx_owner`, UTF-8.

    Raises
    ------
    DatabaseUnavailable : the cluster cannot be reached.
    """
    with connect_once(superuser_url) as connection:
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        _make_role(connection, OWNER, owner_password)
        _make_role(connection, APP, app_password)
        for name, value in _APP_SETTINGS.items():
            connection.execute(
                sql.SQL("alter role {} set {} = {}").format(
                    sql.Identifier(APP), sql.Identifier(name), sql.Literal(value)
                )
            )
        _make_database(connection, database)
    with connect_once(make_conninfo(superuser_url, dbname=database)) as connection, connection.transaction():
        _close_database(connection, database)


def _make_role(connection: psycopg.Connection, role: str, password: str) -> None:
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    name = sql.Identifier(role)
    columns = sql.SQL(", ").join(map(sql.Identifier, _FORBIDDEN.values()))
    found = connection.execute(
        sql.SQL("select {} from pg_roles where rolname = %s").format(columns), (role,)
    ).fetchone()
    if found is None:
        attributes = sql.SQL(" ").join(sql.SQL("no" + attribute) for attribute in _FORBIDDEN)
        connection.execute(sql.SQL("create role {} login {}").format(name, attributes))
    else:
        # only what differs is named: RDS's master user may not even mention SUPERUSER
        wrong = [attribute for attribute, held in zip(_FORBIDDEN, found, strict=True) if held]
        for attribute in wrong:
            connection.execute(sql.SQL("alter role {} {}").format(name, sql.SQL("no" + attribute)))
    connection.execute(sql.SQL("alter role {} login password {}").format(name, sql.Literal(verifier)))


def _make_database(connection: psycopg.Connection, database: str) -> None:
    superuser = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    if superuser is None or not superuser[0]:
        # who is no superuser has to be a member of the role that shall own the database
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(OWNER)))
    if connection.execute("select 1 from pg_database where datname = %s", (database,)).fetchone() is None:
        connection.execute(
            sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(
                sql.Identifier(database), sql.Identifier(OWNER)
            )
        )


def _close_database(connection: psycopg.Connection, database: str) -> None:
    """Take away what PostgreSQL gives to everybody, and give the extension, which only a superuser can."""
    connection.execute("create extension if not exists vector with schema public")
    names = {"database": sql.Identifier(database), "owner": sql.Identifier(OWNER), "app": sql.Identifier(APP)}
    for statement in (
        "alter database {database} owner to {owner}",
        "revoke all on database {database} from public",
        "grant connect on database {database} to {app}",
        "revoke all on schema public from public",
        "grant usage on schema public to {app}",
    ):
        connection.execute(sql.SQL(statement).format(**names))

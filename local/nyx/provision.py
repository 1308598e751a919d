"""What the database of a stack needs before functions may use it: roles, schema, a tenant and its token."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

import psycopg

from nyx.errors import LocalError, StackFailed
from nyx.home import Home
from nyx.postgres import Postgres
from nyxcore.db import roles
from nyxcore.db.connection import Connection, Database, connect_once
from nyxcore.errors import NotFound, Unauthenticated
from nyxcore.ids import uuid7
from nyxcore.runs import sweep
from nyxcore.tenancy import service
from nyxcore.tenancy.models import SCOPES
from nyxcore.upgrade import upgrade

_MAKER = "nyx"


@dataclass(frozen=True)
class Urls:
    """libpq URLs of the two roles (design, section 4)."""

    owner: str
    app: str


@dataclass(frozen=True)
class Access:
    """A tenant, and a token of it with every scope."""

    tenant_id: UUID
    token: str


def embedded_urls(home: Home, server: Postgres) -> Urls:
    """The URLs of both roles on the embedded server; makes the roles and the database at the first start."""
    kept = home.read_key("roles")
    passwords = kept or home.kept_key("new-roles", "owner", "app")
    if not kept:  # kept under this name only when the roles have these passwords
        roles.bootstrap(
            server.superuser_url, owner_password=passwords["owner"], app_password=passwords["app"]
        )
        home.key("new-roles").replace(home.key("roles"))
    return role_urls(server, passwords)


def role_urls(server: Postgres, passwords: dict[str, str]) -> Urls:
    """The URLs of both roles on a server."""
    return Urls(
        server.url(roles.OWNER, passwords["owner"], roles.DATABASE),
        server.url(roles.APP, passwords["app"], roles.DATABASE),
    )


def prepare(home: Home, urls: Urls, *, embedded: bool) -> Access:
    """Bring the schema up to date, see to the tenant of this home and its token, and end orphaned runs.

    Only an embedded database has orphans for certain: nobody but the holder of the home's lock works on it.

    Raises
    ------
    NyxError : the database cannot be reached, refuses a migration, or is not what the migrations made.
    """
    try:
        refuse_superuser(urls.app)
        upgrade(urls.owner)
        with closing(Database(urls.app)) as database:
            found = _access(home, urls, database, embedded=embedded)
            if embedded:
                sweep.interrupt_orphans(database)
    except psycopg.Error as error:
        words = " ".join(str(error).split())
        raise StackFailed(
            f"the database is not as the migrations made it ({words}); `nyx db check` tells how it differs"
        ) from error
    return found


def interrupt(urls: Urls) -> None:
    """End the runs that nobody works on any more, because the stack is being stopped."""
    with closing(Database(urls.app)) as database:
        sweep.interrupt_orphans(database)


def refuse_superuser(url: str) -> None:
    """Functions must be subject to row-level security, which no superuser is. Raises LocalError."""
    with connect_once(url) as connection:
        if connection.info.parameter_status("is_superuser") == "on":
            raise LocalError(
                f"{connection.info.user} is a superuser, whom row-level security does not bind; make the roles"
                " nyx_owner and nyx_app, and put their URLs into NYX_DATABASE_URL and NYX_APP_DATABASE_URL"
            )


def _access(home: Home, urls: Urls, database: Database, *, embedded: bool) -> Access:
    where = "embedded" if embedded else sha256(urls.owner.rpartition("@")[2].encode()).hexdigest()[:12]
    name = f"token-{where}"
    kept = home.read_key(name)
    if kept:
        try:
            service.authenticate(database, f"Bearer {kept['token']}")
        except (Unauthenticated, KeyError):  # revoked, or the database was made anew
            kept.pop("token", None)
    if "token" not in kept:
        made = _issue(urls.owner, UUID(kept["tenantId"]) if kept else None)
        kept = {"tenantId": str(made.tenant_id), "token": made.token}
        home.write_key(name, kept)
    return Access(UUID(kept["tenantId"]), kept["token"])


def _issue(owner_url: str, known: UUID | None) -> Access:
    with closing(Database(owner_url)) as owner:
        if known is not None:
            # no tenant: the database was made anew
            with suppress(NotFound), owner.transaction(known) as connection:
                return Access(known, _token(connection, known))
        tenant_id = uuid7()
        with owner.tenantless() as connection:
            service.create_tenant(connection, tenant_id, "local")
            return Access(tenant_id, _token(connection, tenant_id))


def _token(connection: Connection, tenant_id: UUID) -> str:
    return service.issue_token(connection, tenant_id, name="nyx dev", scopes=SCOPES, created_by=_MAKER)[1]

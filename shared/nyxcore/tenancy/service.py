"""Tenants, their tokens and tickets, and the one answer to who is asking.

`authenticate` is what the API, the gateway's authorizer, the stream and the embedded stack all call.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from nyxcore import clock
from nyxcore.db.connection import Connection, Database
from nyxcore.db.schema import require_schema
from nyxcore.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from nyxcore.ids import uuid7
from nyxcore.paging import Page, PageRequest, cut
from nyxcore.settings import settings
from nyxcore.tenancy import repository, tokens, user_pool
from nyxcore.tenancy.models import ROLE_SCOPES, SCOPES, ApiToken, Principal, Scope

TICKET_LIFETIME = timedelta(hours=12)
TICKET_AFTER_DONE = timedelta(hours=1)

_REFUSED = "the bearer token is unknown, expired or revoked; ask for a new one"
_REFUSED_TICKET = "the ticket is unknown or has expired; ask for a new one with POST /api/v1/events/tickets"


class TicketWindowOver(Conflict):
    """A ticket was asked for a run that ended so long ago that no ticket for it can live."""

    code = "ticket_window_over"


def create_tenant(connection: Connection, tenant_id: UUID, name: str) -> None:
    """Make a tenant. Run as nyx_owner; the transaction belongs to the new tenant afterwards."""
    repository.insert_tenant(connection, tenant_id, name)
    audit(connection, tenant_id, actor="system", action="tenant.create", target=f"tenant:{tenant_id}")


def audit(
    connection: Connection, tenant_id: UUID, *, actor: str, action: str, target: str, **details: object
) -> None:
    """Write down who changed what; in the same transaction as the change."""
    repository.insert_audit(
        connection,
        tenant_id,
        entry_id=uuid7(),
        actor=actor,
        action=action,
        target=target,
        details=details,
        created_at=clock.now(),
    )


def issue_token(
    connection: Connection,
    tenant_id: UUID,
    *,
    name: str,
    scopes: Sequence[Scope],
    project_id: UUID | None = None,
    expires_at: datetime | None = None,
    created_by: str,
) -> tuple[ApiToken, str]:
    """A new token, and its text `nyx_<tenant>_<secret>`, which is nowhere to be had again.

    Raises
    ------
    InvalidInput : no scope, an unknown one, or an expiry that has passed.
    NotFound : the project is not this tenant's.
    """
    now = clock.now()
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput(f"scopes {unknown or 'must not be empty'}: choose from {', '.join(SCOPES)}")
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(f"expiresAt {clock.rfc3339(expires_at)} has passed: give a later one, or null")
    text = tokens.mint("nyx", tenant_id)
    token = ApiToken(
        id=uuid7(),
        name=name,
        scopes=[scope for scope in SCOPES if scope in scopes],
        project_id=project_id,
        created_by=created_by,
        created_at=now,
        expires_at=expires_at,
    )
    try:
        repository.insert_token(connection, tenant_id, token, tokens.digest(text))
    except ForeignKeyViolation as error:
        raise NotFound(f"there is no project {project_id}") from error
    audit(
        connection, tenant_id, actor=created_by, action="token.create", target=f"token:{token.id}", name=name
    )
    return token, text


def delegate_token(
    connection: Connection,
    principal: Principal,
    *,
    name: str,
    scopes: Sequence[Scope],
    project_id: UUID | None,
    expires_at: datetime | None,
) -> tuple[ApiToken, str]:
    """A token that `principal` makes: never one that may do, see or outlive more than itself.

    Raises
    ------
    Forbidden : more scopes, another project, or (asked with a token that expires) a later expiry.
    InvalidInput, NotFound : as `issue_token`.
    """
    beyond = sorted(set(scopes) - principal.scopes)
    if beyond:
        raise Forbidden(f"a token cannot hand out scopes that it lacks: {', '.join(beyond)}")
    if principal.project_id is not None and project_id is None:
        raise Forbidden(
            f"a token pinned to a project makes only tokens of that project: projectId {principal.project_id}"
        )
    if not principal.sees(project_id):
        raise NotFound(f"there is no project {project_id}")
    limit = principal.expires_at if principal.token_id is not None else None
    if limit is not None and (expires_at is None or expires_at > limit):
        raise Forbidden(
            f"a token cannot make one that outlives it: give expiresAt up to {clock.rfc3339(limit)}"
        )
    return issue_token(
        connection,
        principal.tenant_id,
        name=name,
        scopes=scopes,
        project_id=project_id,
        expires_at=expires_at,
        created_by=principal.actor,
    )


def list_tokens(connection: Connection, principal: Principal, page: PageRequest) -> Page[ApiToken]:
    """The tenant's tokens, newest first; a pinned principal sees those with its own pin."""
    rows = repository.list_tokens(
        connection,
        principal.tenant_id,
        project_id=principal.project_id,
        after=page.after_id("tokens"),
        limit=page.limit + 1,
    )
    return cut(rows, page.limit, "tokens", lambda token: token.id)


def revoke_token(connection: Connection, principal: Principal, token_id: UUID) -> None:
    """End a token and every ticket made with it, from the next request on. Raises NotFound."""
    name = repository.delete_token(connection, principal.tenant_id, token_id, principal.project_id)
    if name is None:
        raise NotFound(f"there is no token {token_id}")
    audit(
        connection,
        principal.tenant_id,
        actor=principal.actor,
        action="token.revoke",
        target=f"token:{token_id}",
        name=name,
    )


def authenticate(database: Database, authorization: str | None) -> Principal:
    """Who sent this `Authorization` header (RFC 6750: `Bearer` and a token or a JWT).

    Raises
    ------
    Unauthenticated : no header, another scheme, or a credential that is unknown, expired or revoked.
    DatabaseUnavailable, SchemaOutdated : it could not be looked up.
    """
    scheme, _, credential = (authorization or "").strip().partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("the request names nobody: send Authorization: Bearer nyx_...")
    tenant_id = tokens.tenant_of("nyx", credential)
    if tenant_id is None and credential.startswith("nyx"):  # a damaged token, or a ticket in the wrong place
        raise Unauthenticated(_REFUSED)
    if tenant_id is None:
        return _authenticate_member(database, credential)
    digest = tokens.digest(credential)
    with database.transaction(tenant_id) as connection:
        require_schema(connection)
        found = repository.token_by_secret(connection, tenant_id, digest)
    if found is None or not hmac.compare_digest(found[1], digest) or _expired(found[0].expires_at):
        raise Unauthenticated(_REFUSED)
    token = found[0]
    return Principal(
        tenant_id,
        f"token:{token.id}",
        frozenset(token.scopes),
        project_id=token.project_id,
        token_id=token.id,
        expires_at=token.expires_at,
    )


def _authenticate_member(database: Database, credential: str) -> Principal:
    claims = user_pool.verify(settings(), credential)
    with database.transaction(claims.tenant_id) as connection:
        require_schema(connection)
        role = repository.role_of(connection, claims.tenant_id, claims.subject)
    if role is None:
        raise Unauthenticated("the user is no member of the tenant that the JWT names")
    return Principal(
        claims.tenant_id,
        f"member:{claims.subject}",
        frozenset(ROLE_SCOPES[role]),
        subject=claims.subject,
        expires_at=claims.expires_at,
    )


def issue_ticket(connection: Connection, principal: Principal, run_id: UUID) -> tuple[str, datetime]:
    """A ticket that opens the stream of this run alone, and when it ends at the latest.

    It ends one hour after the run's `done`, after 12 hours, or with the credential or the member that asked for it.

    Raises
    ------
    NotFound : the principal sees no such run.
    TicketWindowOver : the run ended more than an hour ago.
    """
    run = repository.run_for_ticket(connection, principal.tenant_id, run_id)
    if run is None or not principal.sees(run["project_id"]):
        raise NotFound(f"there is no run {run_id}")
    now = clock.now()
    limits = [now + TICKET_LIFETIME, principal.expires_at, _hour_after(run["finished_at"])]
    expires_at = min(limit for limit in limits if limit is not None)
    if expires_at <= now:
        raise TicketWindowOver(
            f"run {run_id} ended more than an hour ago: read its events with the Authorization header instead"
        )
    text = tokens.mint("nyxt", principal.tenant_id)
    repository.insert_ticket(
        connection,
        principal.tenant_id,
        secret_sha256=tokens.digest(text),
        run_id=run_id,
        token_id=principal.token_id,
        subject=principal.subject,
        expires_at=expires_at,
    )
    return text, expires_at


def authenticate_ticket(database: Database, ticket: str, run_id: UUID) -> Principal:
    """Who holds this ticket: a principal that may read this one run.

    Raises
    ------
    Unauthenticated : the ticket is unknown, was issued for another run, or is over.
    DatabaseUnavailable, SchemaOutdated : it could not be looked up.
    """
    tenant_id = tokens.tenant_of("nyxt", ticket)
    if tenant_id is None:
        raise Unauthenticated(_REFUSED_TICKET)
    digest = tokens.digest(ticket)
    with database.transaction(tenant_id) as connection:
        require_schema(connection)
        row = repository.ticket_by_secret(connection, tenant_id, digest)
    if row is None or not hmac.compare_digest(bytes(row["secret_sha256"]), digest) or row["run_id"] != run_id:
        raise Unauthenticated(_REFUSED_TICKET)
    limits = [row["expires_at"], row["token_expires_at"], _hour_after(row["finished_at"])]
    expires_at: datetime = min(limit for limit in limits if limit is not None)
    principal = Principal(
        tenant_id,
        f"ticket:{run_id}",
        frozenset({"runs:read"}),
        project_id=row["project_id"],
        token_id=row["token_id"],
        subject=row["subject"],
        expires_at=expires_at,
        ticket_run_id=run_id,
    )
    if _expired(expires_at):
        raise Unauthenticated(_REFUSED_TICKET)
    return principal


def _hour_after(finished_at: datetime | None) -> datetime | None:
    return None if finished_at is None else finished_at + TICKET_AFTER_DONE


def _expired(moment: datetime | None) -> bool:
    return moment is not None and moment <= clock.now()

"""Who is asking, and what that lets them do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from pydantic import Field

from nyxcore.errors import Forbidden
from nyxcore.wire import Instant, WireModel

Scope = Literal[
    "runs:read",
    "runs:write",
    "reports:read",
    "reports:write",
    "workflows:write",
    "policies:read",
    "policies:write",
    "admin",
]
"""What a token may do. No scope implies another; `admin` is the one for tokens and settings."""

SCOPES: tuple[Scope, ...] = get_args(Scope)

_VIEWER: frozenset[Scope] = frozenset({"runs:read", "reports:read", "policies:read"})
_MEMBER: frozenset[Scope] = _VIEWER | {"runs:write", "reports:write", "workflows:write"}

ROLE_SCOPES: dict[str, frozenset[Scope]] = {
    "viewer": _VIEWER,
    "member": _MEMBER,
    "admin": frozenset(SCOPES),
    "owner": frozenset(SCOPES),
}
"""What a member of the user pool may do, by the role in `members`."""


@dataclass(frozen=True)
class Principal:
    """Whoever made a request, after the credentials were checked.

    Attributes
    ----------
    tenant_id : the only tenant whose rows the request may touch.
    actor : `token:<id>`, `member:<subject>` or `ticket:<run id>`; what the audit log names.
    scopes : what may be done; see `Scope`.
    project_id : the one project that is visible, or None for all.
    token_id : the API token that was presented, or that the ticket hangs on.
    subject : the member whose JWT was presented, or whom the ticket hangs on.
    expires_at : when the credential ends by itself, or None.
    ticket_run_id : the one run that a ticket opens; None for every other credential.
    """

    tenant_id: UUID
    actor: str
    scopes: frozenset[str]
    project_id: UUID | None = None
    token_id: UUID | None = None
    subject: str | None = None
    expires_at: datetime | None = None
    ticket_run_id: UUID | None = None

    def sees(self, project_id: UUID | None) -> bool:
        """Whether something of this project may be shown (a pinned token sees its own project alone)."""
        return self.project_id is None or self.project_id == project_id

    def require_unpinned(self, what: str) -> None:
        """Raises Forbidden for a token that is pinned to a project, where `what` belongs to all of them."""
        if self.project_id is not None:
            raise Forbidden(
                f"the token is pinned to project {self.project_id}, and {what} belong to all projects:"
                " use a token without a pin"
            )


class ApiToken(WireModel):
    """A token as it is listed: everything but its secret, which is shown once and never kept."""

    id: UUID
    name: str = Field(examples=["ci"])
    scopes: list[Scope] = Field(examples=[["runs:read", "runs:write"]])
    project_id: UUID | None = Field(description="the only project that the token sees, or null for all")
    created_by: str = Field(examples=["member:alice"])
    created_at: Instant
    expires_at: Instant | None

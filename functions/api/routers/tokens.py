"""/tokens."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from api.caller import Admin
from api.creating import IdempotencyKey, create, created
from api.openapi import problems
from api.parameters import PageOf, PageParameters, TokenId, page_of
from nyxcore.db.connection import Connection, database
from nyxcore.idempotency.service import Answer
from nyxcore.tenancy import service
from nyxcore.tenancy.models import SCOPES, ApiToken, Scope
from nyxcore.wire import GivenInstant, Name, RequestModel

router = APIRouter(prefix="/tokens", tags=["tokens"])


class TokenDraft(RequestModel):
    """A token that is asked for."""

    name: Name = Field(examples=["ci"])
    scopes: list[Scope] = Field(min_length=1, max_length=len(SCOPES), examples=[["runs:read", "runs:write"]])
    project_id: UUID | None = Field(
        default=None, description="pin to this project: all others are 404 to the token"
    )
    expires_at: GivenInstant | None = Field(default=None, description="null: it does not expire by itself")


class NewToken(ApiToken):
    """A token that was just made, with its text: the only time that it is shown."""

    token: str = Field(examples=["nyx_0198f2a04f1e7c3a9b5d2f6a8c0e1d47_..."])


@router.post(
    "",
    operation_id="createToken",
    summary="Create an API token",
    status_code=201,
    response_model=NewToken,
    responses=problems(404),
)
def create_token(request: Request, caller: Admin, body: TokenDraft, key: IdempotencyKey = None) -> Response:
    """A token that may do, see and outlive no more than the one that asks: 403 otherwise.

    Its text is shown in this answer alone; only its SHA-256 is kept.
    """

    def effect(connection: Connection) -> Answer:
        token, text = service.delegate_token(
            connection,
            caller,
            name=body.name,
            scopes=body.scopes,
            project_id=body.project_id,
            expires_at=body.expires_at,
        )
        return created(NewToken(**token.model_dump(), token=text), path=f"/tokens/{token.id}", secret=True)

    return create(request, caller, key, body, effect)


@router.get("", operation_id="listTokens", summary="List API tokens")
def list_tokens(caller: Admin, page: PageParameters) -> PageOf[ApiToken]:
    """The tenant's tokens, newest first, without their text."""
    with database().transaction(caller.tenant_id) as connection:
        return page_of(service.list_tokens(connection, caller, page))


@router.delete("/{tokenId}", operation_id="revokeToken", summary="Revoke an API token", status_code=204)
def revoke_token(caller: Admin, token_id: TokenId) -> None:
    """The token, and the stream tickets made with it, open nothing from now on."""
    with database().transaction(caller.tenant_id) as connection:
        service.revoke_token(connection, caller, token_id)

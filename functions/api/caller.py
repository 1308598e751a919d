"""Who calls, and may they: the dependency of every operation but /health."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from nyxcore.db.connection import database
from nyxcore.errors import Forbidden, NyxError, Unauthenticated
from nyxcore.tenancy import service
from nyxcore.tenancy.models import Principal

BEARER = HTTPBearer(
    scheme_name="bearer",
    auto_error=False,
    description="An API token `nyx_<tenant>_<secret>`, or a JWT of the user pool. Each operation names the scope"
    " that it needs; no scope implies another. A token may be pinned to one project: others are 404 to it.",
)


class UnsupportedMediaType(NyxError):
    """The body is of another type than the call takes."""

    code, status = "unsupported_media_type", 415


def _authenticated(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
) -> Principal:
    """The principal behind the Authorization header; the parameter declares the scheme in the OpenAPI."""
    header = request.headers.get("authorization")
    try:
        return service.authenticate(database(), header)
    except Unauthenticated as error:
        raise Unauthenticated(error.message, presented=header is not None) from error


def _permitted(
    request: Request, scopes: SecurityScopes, principal: Annotated[Principal, Depends(_authenticated)]
) -> Principal:
    """The principal, if it has the operation's scopes and sends a body that can be read as JSON."""
    for scope in scopes.scopes:
        if scope not in principal.scopes:
            raise Forbidden(f"the call needs the scope {scope}, which the token lacks", scope=scope)
    _require_json(request)
    return principal


def _require_json(request: Request) -> None:
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return
    essence = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if essence != "application/json" and not (
        essence.startswith("application/") and essence.endswith("+json")
    ):
        raise UnsupportedMediaType(
            f"the Content-Type {essence or '(none)'} is not taken: send application/json"
        )


RunsReader = Annotated[Principal, Security(_permitted, scopes=["runs:read"])]
RunsWriter = Annotated[Principal, Security(_permitted, scopes=["runs:write"])]
ReportsReader = Annotated[Principal, Security(_permitted, scopes=["reports:read"])]
ReportsWriter = Annotated[Principal, Security(_permitted, scopes=["reports:write"])]
WorkflowsWriter = Annotated[Principal, Security(_permitted, scopes=["workflows:write"])]
Admin = Annotated[Principal, Security(_permitted, scopes=["admin"])]

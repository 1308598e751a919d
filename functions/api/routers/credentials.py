"""/credentials."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.caller import Admin
from nyxcore.credentials import service
from nyxcore.credentials.models import Credential, CredentialDraft
from nyxcore.db.connection import database
from nyxcore.wire import WireModel

router = APIRouter(prefix="/credentials", tags=["credentials"])


class CredentialList(WireModel):
    """The tenant's credentials, by name."""

    items: list[Credential]


@router.get("", operation_id="listCredentials", summary="List credentials")
def list_credentials(caller: Admin) -> CredentialList:
    """The keys of the tenant for models and GitHub; of a secret no more than its last four characters."""
    with database().transaction(caller.tenant_id) as connection:
        return CredentialList(items=service.list_credentials(connection, caller))


@router.put("", operation_id="putCredential", summary="Set a credential")
def put_credential(caller: Admin, body: CredentialDraft) -> Credential:
    """The credential of this name is replaced as a whole: without a `secret` it has none afterwards.

    The secret is kept encrypted and never shown. A token that is pinned to a project cannot set one.
    """
    with database().transaction(caller.tenant_id) as connection:
        return service.put_credential(connection, caller, body)


@router.delete("/{name}", operation_id="deleteCredential", summary="Delete a credential", status_code=204)
def delete_credential(
    caller: Admin, name: Annotated[str, Path(min_length=1, max_length=40, examples=["openai"])]
) -> None:
    """Steps that name it fail from now on."""
    with database().transaction(caller.tenant_id) as connection:
        service.delete_credential(connection, caller, name)

"""Bootstraps, migrates and checks the database, and makes tenants; what a deployment invokes before the code."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter

from nyxcore.db import catalog, migrate, roles
from nyxcore.db.connection import Database
from nyxcore.errors import InvalidInput, NyxError
from nyxcore.ids import uuid7
from nyxcore.settings import from_environment
from nyxcore.tenancy.models import SCOPES
from nyxcore.upgrade import upgrade


class SchemaDrifted(NyxError):
    """The migrations are applied, and the catalog is not what they make."""

    code = "schema_drifted"


class Environment(BaseModel):
    """Secrets come in by the environment (resolved from Secrets Manager at deployment), never by the event."""

    model_config = ConfigDict(frozen=True)

    owner_url: SecretStr = Field(description="libpq URL of nyx_owner to the database, not through the proxy")
    master_url: SecretStr | None = Field(default=None, description="libpq URL of the cluster's master user")
    owner_password: SecretStr | None = None
    app_password: SecretStr | None = None


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Migrate(_Event):
    """Make roles and database first if asked to, apply what is pending, write what the product brings, and check."""

    action: Literal["migrate"]
    bootstrap: bool = False


class Status(_Event):
    """List the migrations."""

    action: Literal["status"]


class Check(_Event):
    """Compare the catalog with the snapshot; differences are the answer, not an error."""

    action: Literal["check"]


class CreateTenant(_Event):
    """Make a tenant with its settings, and the first token of it, which makes the others."""

    action: Literal["create-tenant"]
    name: str = Field(min_length=1, max_length=200)
    tenant_id: UUID = Field(default_factory=uuid7, alias="tenantId")


_EVENTS: TypeAdapter[Migrate | Status | Check | CreateTenant] = TypeAdapter(
    Annotated[Migrate | Status | Check | CreateTenant, Field(discriminator="action")]
)


@cache
def _environment() -> Environment:
    return from_environment(Environment)


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """`{"action": "migrate" | "status" | "check" | "create-tenant", ...}`; a failure is the invocation's error."""
    match _EVENTS.validate_python(event):
        case Migrate(bootstrap=bootstrap):
            return _migrate(bootstrap)
        case Status():
            rows = migrate.status(_owner_url())
            return {"migrations": [{"name": row.name, "state": row.state} for row in rows]}
        case Check():
            return {"differences": [str(difference) for difference in catalog.check(_owner_url())]}
        case CreateTenant(name=name, tenant_id=tenant_id):
            return _create_tenant(tenant_id, name)


def _migrate(bootstrap: bool) -> dict[str, object]:
    if bootstrap:
        environment = _environment()
        master, owner, app = environment.master_url, environment.owner_password, environment.app_password
        if not (master and owner and app):
            raise InvalidInput("a bootstrap needs NYX_MASTER_URL, NYX_OWNER_PASSWORD and NYX_APP_PASSWORD")
        roles.bootstrap(
            master.get_secret_value(),
            owner_password=owner.get_secret_value(),
            app_password=app.get_secret_value(),
        )
    done = upgrade(_owner_url())
    differences = [str(difference) for difference in catalog.check(_owner_url())]
    if differences:
        raise SchemaDrifted(f"applied {done.applied}, and the catalog differs: " + "; ".join(differences))
    return {"applied": done.applied, "personas": done.personas}


def _create_tenant(tenant_id: UUID, name: str) -> dict[str, object]:
    from nyxcore.tenancy import service

    owner = Database(_owner_url())
    try:
        with owner.tenantless() as connection:
            service.create_tenant(connection, tenant_id, name)
            _, secret = service.issue_token(
                connection, tenant_id, name="first token", scopes=SCOPES, created_by="deployment"
            )
    finally:
        owner.close()
    # shown this once: what is stored is its digest
    return {"tenantId": str(tenant_id), "token": secret}


def _owner_url() -> str:
    return _environment().owner_url.get_secret_value()

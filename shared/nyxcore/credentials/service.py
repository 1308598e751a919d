"""Credentials: set, shown without their secrets, handed to the caller of models still encrypted, and re-encrypted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final
from uuid import UUID

from nyxcore import clock
from nyxcore.credentials import repository, sealing
from nyxcore.credentials.models import Credential, CredentialDraft
from nyxcore.credentials.sealing import Keys, Owner, SecretUnreadable
from nyxcore.db.connection import Connection
from nyxcore.errors import InvalidInput, NotFound
from nyxcore.llm import addresses
from nyxcore.llm.models import BEDROCK, Endpoint, ModelName
from nyxcore.settings import settings
from nyxcore.tenancy import service as tenancy
from nyxcore.tenancy.models import Principal

_NO_BEDROCK: Final = (
    "bedrock models are paid by whoever runs this deployment, who has not opened them to this tenant"
    " (NYX_BEDROCK_TENANTS): name another model, or ask for it"
)
_SHOWN: Final = 4
_LONG_ENOUGH: Final = 20  # of a shorter secret four characters would be too much to show


def put_credential(connection: Connection, principal: Principal, draft: CredentialDraft) -> Credential:
    """Set a credential; the one of its name is replaced as a whole.

    That a secret is never kept for another base URL is on purpose: it could be sent to whoever sets the URL.

    Raises
    ------
    Forbidden : the principal is pinned to a project; credentials are the tenant's.
    InvalidInput : the base URL may not be reached, or GitHub was given one or no secret.
    KeysUnavailable : there is no key to encrypt with.
    """
    principal.require_unpinned("credentials")
    if draft.base_url is not None:
        addresses.base_url(draft.base_url, settings().model_address_exceptions)
    if draft.protocol == "github" and (draft.base_url is not None or draft.secret is None):
        raise InvalidInput("a GitHub credential has a secret and no baseUrl")
    sealed = key_id = last_four = None
    if draft.secret is not None:
        owner = Owner(principal.tenant_id, draft.name)
        sealed, key_id = sealing.seal(sealing.keys(), owner, draft.secret)
        last_four = draft.secret[-_SHOWN:] if len(draft.secret) >= _LONG_ENOUGH else None
    row = {
        "name": draft.name,
        "protocol": draft.protocol,
        "base_url": draft.base_url,
        "sealed_secret": sealed,
        "key_id": key_id,
        "last_four": last_four,
        "prices": {model: price.model_dump(mode="json") for model, price in draft.prices.items()},
        "updated_by": principal.actor,
        "updated_at": clock.now(),
    }
    repository.put(connection, principal.tenant_id, row)
    _audit(
        connection, principal, "credential.set", draft.name, protocol=draft.protocol, baseUrl=draft.base_url
    )
    return _shown(row)


def list_credentials(connection: Connection, principal: Principal) -> list[Credential]:
    """All of the tenant's, by name."""
    return [_shown(row) for row in repository.find(connection, principal.tenant_id)]


def delete_credential(connection: Connection, principal: Principal, name: str) -> None:
    """Remove a credential; steps that name it fail from now on. Raises Forbidden, NotFound."""
    principal.require_unpinned("credentials")
    if not repository.delete(connection, principal.tenant_id, name):
        raise NotFound(f"there is no credential {name}")
    _audit(connection, principal, "credential.delete", name)


class CredentialsMissing(InvalidInput):
    """Models are named that cannot be called: no credential of the tenant leads to them, or nobody may use them."""

    code: ClassVar[str] = "credentials_missing"


def missing(connection: Connection, tenant_id: UUID, models: Iterable[str]) -> list[str]:
    """What stands in the way of calling these models: a sentence for each credential or source, by its name."""
    return list(_looked_up(connection, tenant_id, models)[1].values())


def require(connection: Connection, tenant_id: UUID, models: Iterable[str]) -> None:
    """Raises CredentialsMissing, with all that `missing` has to say."""
    if found := missing(connection, tenant_id, models):
        raise CredentialsMissing("; ".join(found))


def endpoints(connection: Connection, tenant_id: UUID, models: Iterable[str]) -> dict[str, Endpoint]:
    """What `ModelCall.endpoints` needs for these models, the keys still encrypted.

    Raises
    ------
    CredentialsMissing : as `require`.
    """
    found, lacking = _looked_up(connection, tenant_id, models)
    if lacking:
        raise CredentialsMissing("; ".join(lacking.values()))
    return found


def _looked_up(
    connection: Connection, tenant_id: UUID, models: Iterable[str]
) -> tuple[dict[str, Endpoint], dict[str, str]]:
    """The endpoints that there are, and what to say of each source that there is none for; both by name."""
    sources = {name.source: name for name in map(ModelName.parse, models)}
    wanted = sorted(source for source, name in sources.items() if name.needs_key)
    rows = {row["name"]: row for row in repository.find(connection, tenant_id, wanted)} if wanted else {}
    found, lacking = dict[str, Endpoint](), dict[str, str]()
    if BEDROCK in sources and not settings().opens_bedrock_to(tenant_id):
        lacking[BEDROCK] = _NO_BEDROCK
    for name in wanted:
        row = rows.get(name)
        if row is None or row["protocol"] == "github":
            lacking[name] = f"there is no credential {name} for a model: set it with PUT /api/v1/credentials"
            continue
        found[name] = Endpoint(
            protocol=row["protocol"],
            base_url=row["base_url"],
            sealed_key=row["sealed_secret"],
            prices=row["prices"],
        )
    return found, lacking


def rotate(connection: Connection, tenant_id: UUID, keys: Keys | None = None) -> int:
    """Re-encrypt under the current key what hangs on an older one; returns how many secrets.

    Readers are not disturbed: the older key opens what is left until nothing is. The sweep calls it, so that a new
    key is all that a rotation takes. A secret that opens no more keeps its place: somebody has to set it anew.
    Raises KeysUnavailable.
    """
    if not repository.keys_in_use(connection, tenant_id):
        return 0
    keys = keys or sealing.keys()
    moved = 0
    for row in repository.lock_outdated(connection, tenant_id, keys.current()):
        try:
            sealed, key_id = sealing.reseal(keys, Owner(tenant_id, row["name"]), row["sealed_secret"])
        except SecretUnreadable:
            continue
        repository.set_sealed(connection, tenant_id, row["name"], sealed, key_id)
        moved += 1
    return moved


def _shown(row: repository.Row) -> Credential:
    kept = {
        name: row[name]
        for name in ("name", "protocol", "base_url", "last_four", "prices", "updated_by", "updated_at")
    }
    return Credential(**kept, has_secret=row["sealed_secret"] is not None)


def _audit(connection: Connection, principal: Principal, action: str, name: str, **details: object) -> None:
    tenancy.audit(
        connection,
        principal.tenant_id,
        actor=principal.actor,
        action=action,
        target=f"credential:{name}",
        **details,
    )

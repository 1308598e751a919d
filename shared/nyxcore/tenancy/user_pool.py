"""JWTs of the user pool (RFC 7519), verified against a key set that the environment gives (RFC 7517).

The key set is configuration and not a download: the functions that verify have no way out of the VPC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nyxcore.errors import Unauthenticated
from nyxcore.settings import Settings

if TYPE_CHECKING:
    from jwt import PyJWKSet

_ALGORITHMS = ["RS256", "ES256"]
_CLOCK_SKEW_SECONDS = 30


@dataclass(frozen=True)
class Claims:
    """What a verified JWT says; whether the subject is a member of the tenant is not checked yet."""

    tenant_id: UUID
    subject: str
    expires_at: datetime


def verify(settings: Settings, text: str) -> Claims:
    """The claims of a JWT whose signature, issuer, audience and times are good.

    Raises
    ------
    Unauthenticated : no user pool is configured, or the JWT is not one that it issued for this API.
    """
    if settings.user_pool_issuer is None:
        raise Unauthenticated("the bearer token is unknown, expired or revoked; ask for a new one")
    import jwt  # with its cryptography 100 ms of import, which a request with an API token never needs

    try:
        key = _key_set(settings.user_pool_jwks)[jwt.get_unverified_header(text).get("kid", "")]
        claims: dict[str, Any] = jwt.decode(
            text,
            key.key,
            algorithms=_ALGORITHMS,
            issuer=settings.user_pool_issuer,
            leeway=_CLOCK_SKEW_SECONDS,
            options={"require": ["exp", "iss", "sub"], "verify_aud": False},
        )
        _check_audience(claims, settings.user_pool_audience)
        return Claims(
            UUID(claims[settings.user_pool_tenant_claim]),
            str(claims["sub"]),
            datetime.fromtimestamp(int(claims["exp"]), UTC),
        )
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise Unauthenticated("the JWT is not one that this API takes: sign in again") from error


def _check_audience(claims: dict[str, Any], audience: str) -> None:
    """An ID token names the client in `aud`, Cognito's access token in `client_id`."""
    named = claims.get("aud", claims.get("client_id"))
    if not audience or audience not in (named if isinstance(named, list) else [named]):
        raise ValueError("audience")


@lru_cache(maxsize=4)
def _key_set(jwks: str) -> PyJWKSet:
    from jwt import PyJWKSet

    return PyJWKSet.from_json(jwks)

"""A REST API's request in, a policy out (API Gateway's Lambda authorizer of type REQUEST).

It only says who is asking: scopes and projects are for the API, which authenticates each request itself and
trusts nothing that this function puts into the request's context.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from nyxcore.db.connection import database
from nyxcore.errors import Unauthenticated
from nyxcore.tenancy import service


class Statement(TypedDict):
    """One statement of an IAM policy."""

    Action: str
    Effect: str
    Resource: str


class PolicyDocument(TypedDict):
    """An IAM policy."""

    Version: str
    Statement: list[Statement]


class Authorization(TypedDict):
    """What API Gateway takes from an authorizer."""

    principalId: str
    policyDocument: PolicyDocument
    context: dict[str, str]


class Unauthorized(Exception):
    """API Gateway answers 401 to an authorizer that fails with this very word, and 500 to any other failure."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def handler(event: Mapping[str, Any], _context: object) -> Authorization:
    """Let the principal of the request's Authorization header call the API.

    Raises
    ------
    Unauthorized : the header names nobody.
    DatabaseUnavailable, SchemaOutdated : it cannot be said now; the gateway answers 500.
    """
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    try:
        principal = service.authenticate(database(), headers.get("authorization"))
    except Unauthenticated:
        raise Unauthorized from None
    return {
        "principalId": principal.actor,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": _whole_stage(event["methodArn"]),
                }
            ],
        },
        "context": {"tenantId": str(principal.tenant_id), "actor": principal.actor},
    }


def _whole_stage(method_arn: str) -> str:
    """`arn:...:<api>/<stage>/*`: a policy may be kept for the token, and must then fit its next call too."""
    api, stage, _ = method_arn.split("/", 2)
    return f"{api}/{stage}/*"

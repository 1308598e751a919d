"""A password of fifteen minutes for RDS Proxy: a presigned `rds-db:connect` URL (AWS Signature Version 4).

By hand, since botocore costs a process 6 MB and a cold start 60 ms of CPU; a test holds the token equal to what its
`generate_db_auth_token` makes. How it is signed: IAM User Guide, "Create a signed AWS API request", with query
parameters; a token of RDS is that URL without its scheme.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from nyxcore import clock
from nyxcore.errors import DatabaseUnavailable

SECONDS = 900
"""How long a token opens connections; one that is open stays open."""


def with_token(url: str) -> str:
    """The libpq URL, or connection string, with a token signed now as its password.

    Credentials and region are those of the environment at this moment: `AWS_ACCESS_KEY_ID`,
    `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` where there is one, `AWS_REGION`.

    Raises
    ------
    DatabaseUnavailable : one of them is not set, or the URL names no host or no user.
    """
    parts = conninfo_to_dict(url)
    host, user = parts.get("host"), parts.get("user")
    if not host or not user:
        raise DatabaseUnavailable("NYX_DATABASE_URL needs a host and a user for NYX_DATABASE_AUTH=iam")
    return make_conninfo(url, password=token(str(host), int(parts.get("port") or 5432), str(user)))


def token(host: str, port: int, user: str) -> str:
    """A token with which `user` may connect to `host`:`port` within `SECONDS`. Raises DatabaseUnavailable."""
    moment = clock.now().strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{_environment('AWS_REGION')}/rds-db/aws4_request"
    session_token = os.environ.get("AWS_SESSION_TOKEN")
    query = _encoded(
        {
            "Action": "connect",
            "DBUser": user,
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{_environment('AWS_ACCESS_KEY_ID')}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(SECONDS),
            "X-Amz-SignedHeaders": "host",
        }
        | ({"X-Amz-Security-Token": session_token} if session_token else {})
    )
    address = f"{host}:{port}"
    request = f"GET\n/\n{query}\nhost:{address.lower()}\n\nhost\n{hashlib.sha256(b'').hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{_environment('AWS_SECRET_ACCESS_KEY')}".encode()
    for part in [*scope.split("/"), text]:
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{address}/?{query}&X-Amz-Signature={key.hex()}"


def _encoded(parameters: dict[str, str]) -> str:
    """As AWS signs it: RFC 3986, in the order of the names."""
    return "&".join(f"{name}={quote(value, safe='~')}" for name, value in sorted(parameters.items()))


def _environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise DatabaseUnavailable(f"{name} is not set: NYX_DATABASE_AUTH=iam signs with Lambda's credentials")
    return value

"""AWS Signature Version 4, checked as S3 checks it, since moto checks neither signature nor expiry.

Source: "Signature Calculations for the Authorization Header" and "Authenticating Requests: Using Query
Parameters" in the Amazon S3 API Reference.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, unquote_to_bytes

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SKEW: Final = timedelta(minutes=15)
_LONGEST: Final = 604_800  # seconds: a presigned request lives seven days at the most
_UNSIGNED: Final = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True)
class SignedRequest:
    """The parts of a request that a signature covers. `path` and `query` as they came over the wire."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # lower-case names


class SignatureRefused(Exception):
    """`code` is S3's own: AccessDenied, SignatureDoesNotMatch, ..."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class _Claim:
    access_key: str
    date: str
    region: str
    service: str
    signed_headers: list[str]
    signature: str
    moment: str
    lifetime: int | None  # None: in a header, good for a quarter of an hour


def verify(
    request: SignedRequest, *, body_sha256: str, access_key: str, secret_key: str, now: datetime
) -> None:
    """Accept a request that was signed with this key, and whose time has not run out.

    Raises
    ------
    SignatureRefused : no signature, another key, a changed request or body, or too late.
    """
    pairs = parse_qsl(request.query, keep_blank_values=True)
    parameters = dict(pairs)
    presigned = "X-Amz-Signature" in parameters
    claim = _from_query(parameters) if presigned else _from_header(request.headers)
    if claim.access_key != access_key:
        raise SignatureRefused("InvalidAccessKeyId", "The AWS access key ID you provided does not exist.")
    _check_time(claim, now)
    _check_headers(request.headers, claim)
    payload = _UNSIGNED if presigned else request.headers.get("x-amz-content-sha256", body_sha256)
    if payload not in {_UNSIGNED, body_sha256}:
        raise SignatureRefused(
            "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match the body."
        )
    canonical = _canonical_request(
        request, claim, payload, [pair for pair in pairs if pair[0] != "X-Amz-Signature"]
    )
    expected = _signature(canonical, claim, secret_key)
    if not hmac.compare_digest(expected, claim.signature):
        raise SignatureRefused(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key,"
            " the method, and every header that was signed (Content-Length and checksums included).",
        )


def _from_query(parameters: Mapping[str, str]) -> _Claim:
    try:
        if parameters["X-Amz-Algorithm"] != _ALGORITHM:
            raise ValueError(parameters["X-Amz-Algorithm"])
        key, date, region, service, _ = parameters["X-Amz-Credential"].rsplit("/", 4)
        lifetime = int(parameters["X-Amz-Expires"])
        if not 0 < lifetime <= _LONGEST:
            raise ValueError(lifetime)
        return _Claim(
            key, date, region, service, parameters["X-Amz-SignedHeaders"].split(";"),
            parameters["X-Amz-Signature"], parameters["X-Amz-Date"], lifetime,
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise SignatureRefused(
            "AuthorizationQueryParametersError", f"The query's signature parameters are incomplete: {error}"
        ) from error


def _from_header(headers: Mapping[str, str]) -> _Claim:
    algorithm, _, rest = headers.get("authorization", "").partition(" ")
    if algorithm != _ALGORITHM:
        raise SignatureRefused("AccessDenied", "Access Denied: the request is not signed")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    try:
        key, date, region, service, _ = fields["Credential"].rsplit("/", 4)
        return _Claim(
            key, date, region, service, fields["SignedHeaders"].split(";"), fields["Signature"],
            headers["x-amz-date"], None,
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise SignatureRefused(
            "AuthorizationHeaderMalformed", f"The authorization header is malformed: {error}"
        ) from error


def _check_time(claim: _Claim, now: datetime) -> None:
    try:
        signed = datetime.strptime(claim.moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise SignatureRefused("AccessDenied", f"X-Amz-Date {claim.moment!r} is no time") from error
    if claim.lifetime is None:
        if abs(now - signed) > _SKEW:
            raise SignatureRefused(
                "RequestTimeTooSkewed", "The request's time and the current time differ too much."
            )
    elif now >= signed + timedelta(seconds=claim.lifetime):
        raise SignatureRefused("AccessDenied", "Request has expired")
    elif signed > now + _SKEW:
        raise SignatureRefused("AccessDenied", "Request is not valid yet")


def _check_headers(headers: Mapping[str, str], claim: _Claim) -> None:
    """Whoever holds a presigned link must not add what its maker did not sign, such as a tag or an ACL."""
    added = sorted(name for name in headers if name.startswith("x-amz-") and name not in claim.signed_headers)
    if added or "host" not in claim.signed_headers:
        raise SignatureRefused(
            "AccessDenied",
            f"There were headers present in the request which were not signed: {', '.join(added) or 'host'}",
        )


def _canonical_request(
    request: SignedRequest, claim: _Claim, payload: str, pairs: Iterable[tuple[str, str]]
) -> str:
    """The request in the one form that both sides hash; S3 encodes its path once, other services twice."""
    path = quote(unquote_to_bytes(request.path), safe="/-_.~")
    if claim.service != "s3":
        path = quote(path, safe="/-_.~")
    query = "&".join(
        sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
    )
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in claim.signed_headers
    )
    return "\n".join([request.method, path, query, headers, ";".join(claim.signed_headers), payload])


def _signature(canonical: str, claim: _Claim, secret_key: str) -> str:
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret_key}".encode()
    for part in (claim.date, claim.region, claim.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join([_ALGORITHM, claim.moment, scope, digest])
    return hmac.digest(key, text.encode(), "sha256").hex()

"""Signature Version 4 as S3 checks it; the first vector is the one that the S3 API Reference prints."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from nyx.aws.signatures import SignatureRefused, SignedRequest, verify

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PRINTED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)
MADE = datetime(2013, 5, 24, tzinfo=UTC)
EMPTY = hashlib.sha256(b"").hexdigest()


def check(request: SignedRequest, now: datetime, *, body: bytes = b"", secret: str = SECRET) -> None:
    verify(request, body_sha256=hashlib.sha256(body).hexdigest(), access_key=KEY, secret_key=secret, now=now)


def printed(**changes: Any) -> SignedRequest:
    parts = {
        "method": "GET",
        "path": "/test.txt",
        "query": PRINTED,
        "headers": {"host": "examplebucket.s3.amazonaws.com"},
    }
    return SignedRequest(**{**parts, **changes})


def test_the_printed_example_is_accepted_until_its_last_second() -> None:
    check(printed(), MADE)
    check(printed(), MADE + timedelta(seconds=86399))


@pytest.mark.parametrize(
    ("request_", "now", "code"),
    [
        (printed(), MADE + timedelta(seconds=86400), "AccessDenied"),
        (printed(), MADE - timedelta(hours=1), "AccessDenied"),
        (printed(method="PUT"), MADE, "SignatureDoesNotMatch"),
        (printed(path="/test2.txt"), MADE, "SignatureDoesNotMatch"),
        (printed(headers={"host": "other"}), MADE, "SignatureDoesNotMatch"),
        (printed(query=PRINTED + "&versionId=1"), MADE, "SignatureDoesNotMatch"),
        (printed(query=PRINTED.replace("=86400", "=86401")), MADE, "SignatureDoesNotMatch"),
        (printed(query=PRINTED.replace("=86400", "=9999999")), MADE, "AuthorizationQueryParametersError"),
        (printed(query=PRINTED.replace("=86400", "=soon")), MADE, "AuthorizationQueryParametersError"),
        (printed(query=PRINTED.replace("X-Amz-Date", "X-Date")), MADE, "AuthorizationQueryParametersError"),
        (printed(query=PRINTED.replace("AKIAI", "AKIAJ")), MADE, "InvalidAccessKeyId"),
        (printed(query=PRINTED.replace("=host", "=date")), MADE, "AccessDenied"),
        (printed(headers={"host": "h", "x-amz-acl": "public-read"}), MADE, "AccessDenied"),
        (printed(query=""), MADE, "AccessDenied"),
        (printed(query="", headers={"authorization": "Bearer x"}), MADE, "AccessDenied"),
        (
            printed(query="", headers={"authorization": "AWS4-HMAC-SHA256 x"}),
            MADE,
            "AuthorizationHeaderMalformed",
        ),
    ],
)
def test_anything_else_is_refused_with_the_code_of_s3(
    request_: SignedRequest, now: datetime, code: str
) -> None:
    with pytest.raises(SignatureRefused) as refused:
        check(request_, now)
    assert refused.value.code == code


def test_another_secret_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="does not match"):
        check(printed(), MADE, secret="other")


def of(request: AWSRequest) -> SignedRequest:
    """What a server sees of a request that botocore has signed."""
    url = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return SignedRequest(request.method, url.path, url.query, {"host": url.netloc, **headers})


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/nyxcore/t/plain.bin",
        "http://127.0.0.1:9/nyxcore/t/a%20b/%C3%BC%2B.bin",
        "http://127.0.0.1:9/nyxcore?list-type=2&prefix=t%2Fa%20b&empty=",
    ],
)
def test_what_botocore_signs_is_accepted(url: str) -> None:
    credentials, now = Credentials(KEY, SECRET), datetime.now(UTC)
    presigned = AWSRequest("PUT", url, headers={"content-length": "3"})
    S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=60).add_auth(presigned)
    check(of(presigned), now, body=b"abc")
    in_header = AWSRequest("PUT", url, data=b"abc")
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(in_header)
    check(of(in_header), now, body=b"abc")
    with pytest.raises(SignatureRefused, match="does not match the body"):
        check(of(in_header), now, body=b"abd")


def test_other_services_sign_their_body_without_saying_so() -> None:
    request = AWSRequest("POST", "http://127.0.0.1:9/", data=b"{}", headers={"x-amz-target": "A.B"})
    SigV4Auth(Credentials(KEY, SECRET), "states", "us-east-1").add_auth(request)
    check(of(request), datetime.now(UTC), body=b"{}")
    with pytest.raises(SignatureRefused, match="does not match the signature"):
        check(of(request), datetime.now(UTC), body=b"[]")
    with pytest.raises(SignatureRefused, match="differ too much"):
        check(of(request), datetime.now(UTC) + timedelta(minutes=16), body=b"{}")

"""The token for RDS Proxy is the one that botocore makes, whatever is signed."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
import pytest
from psycopg.conninfo import conninfo_to_dict

from nyxcore import clock
from nyxcore.db import iam_token
from nyxcore.errors import DatabaseUnavailable

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_REGION": "eu-central-1",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def botocores(host: str, port: int, user: str, session_token: str | None) -> str:
    client = boto3.client(
        "rds",
        region_name=CREDENTIALS["AWS_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=session_token,
    )
    made: str = client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user)
    return made


@pytest.mark.parametrize("session_token", [None, "FwoGZXIvYXdzEJr//////////wEaDH+x/Q==", "a b&c=d%~é"])
@pytest.mark.parametrize(
    ("host", "port", "user"),
    [
        ("nyxcore.proxy-abc123.eu-central-1.rds.amazonaws.com", 5432, "nyx_app"),
        ("Proxy-With.UPPER.example", 6432, "nyx_app"),
        ("proxy_1.example", 5432, "o'neil+app/ü&x=y %~*"),
    ],
)
def test_the_token_is_the_one_that_botocore_makes(
    monkeypatch: pytest.MonkeyPatch, host: str, port: int, user: str, session_token: str | None
) -> None:
    if session_token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", session_token)
    ours, theirs = iam_token.token(host, port, user), botocores(host, port, user, session_token)
    # in any order: what is signed is the parameters in the order of their names
    assert sorted(ours.split("&")) == sorted(theirs.split("&"))


def test_the_token_becomes_the_password_of_the_url_and_the_rest_stays() -> None:
    url = "postgresql://nyx_app@proxy.example/nyxcore?sslmode=verify-full&sslrootcert=/opt/cacert.pem"
    assert conninfo_to_dict(iam_token.with_token(url)) == {
        "host": "proxy.example",
        "user": "nyx_app",
        "dbname": "nyxcore",
        "sslmode": "verify-full",
        "sslrootcert": "/opt/cacert.pem",
        "password": iam_token.token("proxy.example", 5432, "nyx_app"),
    }


@pytest.mark.parametrize("name", sorted(CREDENTIALS))
def test_credentials_that_are_missing_are_named_and_no_connection_is_tried(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(DatabaseUnavailable, match=f"{name} is not set"):
        iam_token.token("proxy.example", 5432, "nyx_app")


@pytest.mark.parametrize("url", ["postgresql://proxy.example/nyxcore", "postgresql:///nyxcore?user=nyx_app"])
def test_a_url_without_host_or_user_cannot_be_signed_for(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="needs a host and a user"):
        iam_token.with_token(url)

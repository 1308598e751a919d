"""Objects in S3. Every key begins with the tenant: `<tenant>/runs/<run>/...`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import combining, normalize
from urllib.parse import quote
from uuid import UUID

from nyxcore import clock
from nyxcore.settings import settings

# The bucket's lifecycle rules remove objects with these tags after a day, or after thirty.
DAY_TAG = "retention=1d"
MONTH_TAG = "retention=30d"


@dataclass(frozen=True)
class PresignedRequest:
    """A request that whoever holds it may make until `expires_at`, without credentials."""

    url: str
    method: str
    headers: dict[str, str]
    expires_at: datetime


def run_key(tenant_id: UUID, run_id: UUID, name: str) -> str:
    """Key of something that belongs to one run, such as `source/manifest.json`."""
    return f"{tenant_id}/runs/{run_id}/{name}"


def repository_key(tenant_id: UUID, repository_id: UUID, name: str) -> str:
    """Key of something that outlives the run: an uploaded archive, what is known of a tree."""
    return f"{tenant_id}/repositories/{repository_id}/{name}"


def page_key(tenant_id: UUID, name: str) -> str:
    """Key of something that is to be printed: the page of a document, or the Markdown that it is made of."""
    return f"{tenant_id}/pages/{name}"


def pdf_key(tenant_id: UUID, name: str) -> str:
    """Key of a printed document."""
    return f"{tenant_id}/pdf/{name}"


@cache
def client() -> Any:
    """The S3 client of this process; boto3 is imported on first use, for it costs 200 ms."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=settings().aws_endpoint_url,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if settings().aws_endpoint_url else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def put(key: str, body: bytes, *, content_type: str = "application/octet-stream", tag: str = "") -> None:
    """Store `body` under `key`, over what was there."""
    extra = {"Tagging": tag} if tag else {}
    client().put_object(Bucket=settings().bucket, Key=key, Body=body, ContentType=content_type, **extra)


def put_file(key: str, path: Path, *, tag: str = "") -> None:
    """Store a file's content under `key` without holding it in memory."""
    extra = {"Tagging": tag} if tag else {}
    with path.open("rb") as file:
        client().put_object(Bucket=settings().bucket, Key=key, Body=file, **extra)


def get(key: str) -> bytes:
    """The object's bytes. Raises KeyError when there is none."""
    try:
        body: bytes = client().get_object(Bucket=settings().bucket, Key=key)["Body"].read()
    except client().exceptions.NoSuchKey:
        raise KeyError(key) from None
    return body


def download(key: str, path: Path) -> None:
    """Write the object to `path`, in pieces. Raises KeyError when there is none."""
    try:
        body = client().get_object(Bucket=settings().bucket, Key=key)["Body"]
    except client().exceptions.NoSuchKey:
        raise KeyError(key) from None
    with path.open("wb") as file:
        for piece in body.iter_chunks(1 << 20):
            file.write(piece)


@dataclass(frozen=True)
class Described:
    """An object without its content."""

    bytes: int
    metadata: dict[str, str]


def describe(key: str) -> Described | None:
    """Bytes and metadata of the object, or None when there is none."""
    from botocore.exceptions import ClientError

    try:
        head = client().head_object(Bucket=settings().bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
            return None
        raise
    return Described(head["ContentLength"], head["Metadata"])


def size(key: str) -> int | None:
    """Bytes of the object, or None when there is none."""
    described = describe(key)
    return None if described is None else described.bytes


def presign_put(
    key: str, *, lifetime: timedelta, headers: dict[str, str] | None = None, **signed: Any
) -> PresignedRequest:
    """A presigned PUT. `signed` are put_object parameters that the signature covers (ContentLength, ...)."""
    url = client().generate_presigned_url(
        "put_object",
        Params={"Bucket": settings().bucket, "Key": key, **signed},
        ExpiresIn=int(lifetime.total_seconds()),
    )
    return PresignedRequest(url, "PUT", headers or {}, clock.now() + lifetime)


def presign_get(key: str, *, lifetime: timedelta, filename: str, content_type: str) -> PresignedRequest:
    """A presigned GET that downloads under `filename`, which may be of any script."""
    url = client().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": settings().bucket,
            "Key": key,
            "ResponseContentDisposition": _attachment(filename),
            "ResponseContentType": content_type,
        },
        ExpiresIn=int(lifetime.total_seconds()),
    )
    return PresignedRequest(url, "GET", {}, clock.now() + lifetime)


def _attachment(filename: str) -> str:
    """Content-Disposition (RFC 6266): the name in UTF-8, and in ASCII for clients that know no better."""
    letters = (c for c in normalize("NFKD", filename) if not combining(c))  # ü is u there
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "-" for c in letters)
    if plain == filename:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"

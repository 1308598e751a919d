"""Lambda function: a print job in S3 becomes a PDF, and the drawn page for a screen beside it.

It opens what strangers have written, so it has as little as can be: two prefixes of the bucket, and of this project
nyxpdf alone. `{"source": "<tenant>/pages/<sha256>.json", "target": "<tenant>/pdf/<name>.pdf"}` is answered with
`{"pages": n, "bytes": n}`. What is at the target already is not made again.

Errors leave as they are: Step Functions match on the names of their classes. Of nyxpdf.errors only BrowserFailed is
worth a retry.
"""

from __future__ import annotations

import logging
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from nyxpdf.errors import JobTooLarge, RenderError
from nyxpdf.limits import Limits
from nyxpdf.printer import Printed, Printer

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SOURCE: Final = re.compile(rf"({_UUID})/pages/[0-9a-f]{{64}}\.json")
_TARGET: Final = re.compile(rf"({_UUID})/pdf/[A-Za-z0-9][A-Za-z0-9._-]{{0,127}}\.pdf")
_TAG: Final = "retention=30d"
# 403 among them: without s3:ListBucket, which this role has not, S3 does not tell a missing key from a forbidden one
_NOT_THERE: Final = frozenset({"404", "NoSuchKey", "NotFound", "403", "AccessDenied"})
_LIMITS: Final = Limits()

_logger = logging.getLogger("nyxpdf")
_logger.setLevel(logging.INFO)


class KeyRefused(RenderError):
    """The event names keys that are not those of one tenant's print job and PDF."""

    code = "key_refused"


class PrintJobMissing(RenderError):
    """There is no object at the source, or none that may be read."""

    code = "print_job_missing"


def handler(event: dict[str, object], _context: object) -> dict[str, int]:
    """Print `event["source"]` to `event["target"]`; how many pages and bytes it has."""
    source, target = _keys(event)
    try:
        there = _already(target)
        if there is not None:
            _logger.info("the PDF is there already", extra={"target": target, **there})
            return there
        printed = _printer().print(_read(source))
        _write(target, printed)
    except RenderError as error:
        _logger.warning(
            str(error), extra={"source": source, "code": error.code, "retryable": error.retryable}
        )
        raise
    answer = {"pages": printed.pages, "bytes": len(printed.pdf)}
    _logger.info("printed", extra={"source": source, "target": target, **answer})
    return answer


def _keys(event: dict[str, object]) -> tuple[str, str]:
    source, target = str(event.get("source")), str(event.get("target"))
    from_, to = _SOURCE.fullmatch(source), _TARGET.fullmatch(target)
    if from_ is None or to is None or from_[1] != to[1]:
        raise KeyRefused(
            f"source must be <tenant>/pages/<sha256>.json and target <tenant>/pdf/<name>.pdf, both of one tenant;"
            f" they are {source[:200]!r} and {target[:200]!r}."
        )
    return source, target


@cache
def _printer() -> Printer:
    return Printer(Path(os.environ.get("NYX_CHROMIUM", "/opt/chromium")), _LIMITS)


@cache
def _s3() -> Any:
    endpoint = os.environ.get("NYX_AWS_ENDPOINT_URL")
    addressing = {"addressing_style": "path" if endpoint else "auto"}
    return boto3.client("s3", endpoint_url=endpoint, config=Config(signature_version="s3v4", s3=addressing))


def _already(target: str) -> dict[str, int] | None:
    """The answer for a PDF that an earlier call has made, out of its metadata."""
    try:
        found = _s3().head_object(Bucket=os.environ["NYX_BUCKET"], Key=target)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise
    pages = found["Metadata"].get("pages", "")
    return {"pages": int(pages), "bytes": found["ContentLength"]} if pages.isdigit() else None


def _read(source: str) -> bytes:
    try:
        found = _s3().get_object(Bucket=os.environ["NYX_BUCKET"], Key=source)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            raise PrintJobMissing(f"There is no print job at {source}; make it again.") from None
        raise
    # one byte more than is allowed, and the printer says what is wrong with it
    job: bytes = found["Body"].read(_LIMITS.job_bytes + 1)
    if found["ContentLength"] > len(job):
        raise JobTooLarge(
            f"The print job has {found['ContentLength']:,} bytes, more than {_LIMITS.job_bytes:,}."
        )
    return job


def _write(target: str, printed: Printed) -> None:
    """The page first: where there is a PDF, there is its page."""
    put = {"Bucket": os.environ["NYX_BUCKET"], "Tagging": _TAG}
    page = target.removesuffix(".pdf") + ".html"
    _s3().put_object(**put, Key=page, Body=printed.html.encode(), ContentType="text/html; charset=utf-8")
    pages = {"pages": str(printed.pages)}
    _s3().put_object(**put, Key=target, Body=printed.pdf, ContentType="application/pdf", Metadata=pages)

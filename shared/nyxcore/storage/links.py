"""Links that download: how long they last is a setting."""

from __future__ import annotations

from datetime import timedelta

from nyxcore.settings import settings
from nyxcore.storage import objects
from nyxcore.storage.objects import PresignedRequest


def download(key: str, *, filename: str, content_type: str) -> PresignedRequest:
    """A presigned GET of the object, whether there is one or not; it costs no call of S3."""
    lifetime = timedelta(seconds=settings().link_seconds)
    return objects.presign_get(key, lifetime=lifetime, filename=filename, content_type=content_type)


def of_pdf(key: str, filename: str) -> PresignedRequest:
    """The link to a printed document."""
    return download(key, filename=filename, content_type="application/pdf")

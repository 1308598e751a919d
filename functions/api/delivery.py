"""Long answers: sent whole up to 4 MB, by a presigned link above that."""

from __future__ import annotations

from datetime import timedelta

from fastapi.responses import RedirectResponse, Response

from nyxcore.storage import objects

INLINE_LIMIT = 4 * 1024 * 1024
LINK_LIFETIME = timedelta(minutes=15)


def link_to(key: str, *, filename: str, content_type: str) -> Response:
    """303 to a presigned GET of this object."""
    link = objects.presign_get(key, lifetime=LINK_LIFETIME, filename=filename, content_type=content_type)
    return RedirectResponse(link.url, 303)


def deliver(
    body: bytes, *, key: str, filename: str, content_type: str, limit: int = INLINE_LIMIT
) -> Response:
    """The body itself; above `limit` bytes it is kept under `key` and a link to it is answered."""
    if len(body) <= limit:
        return Response(body, 200, {"Content-Type": content_type})
    objects.put(key, body, content_type=content_type, tag=objects.DAY_TAG)
    return link_to(key, filename=filename, content_type=content_type)

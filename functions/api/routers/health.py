"""GET /health."""

from __future__ import annotations

from fastapi import APIRouter

from nyxcore.db.connection import database
from nyxcore.health import service
from nyxcore.health.models import Health

router = APIRouter(tags=["health"])


@router.get("/health", operation_id="getHealth", summary="Whether the service works")
def get_health() -> Health:
    """Status, schema version and the versions of the parts. Needs no token.

    503 when the database does not answer, or when its schema is older than the code needs.
    """
    return service.check(database())

"""A tenant with a project and a run that may spend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from moto import mock_aws
from purse import Purse

from nyxcore.db.connection import Database
from nyxcore.settings import settings
from nyxcore.storage import objects


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 in memory, for what callers of models have written down."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("NYX_BUCKET", "calls")
    for cached in (settings, objects.client):
        cached.cache_clear()
    with mock_aws():
        objects.client().create_bucket(Bucket="calls")
        yield
    for cached in (settings, objects.client):
        cached.cache_clear()


@pytest.fixture
def purse(db: Database, new_tenant: Callable[[], UUID]) -> Purse:
    return Purse(db, new_tenant())

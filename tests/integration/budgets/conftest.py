"""A tenant with a project and a run that may spend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from memory_s3 import memory_s3
from purse import Purse

from nyxcore.db.connection import Database


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 in memory, for what callers of models have written down."""
    with memory_s3(monkeypatch):
        yield


@pytest.fixture
def purse(db: Database, new_tenant: Callable[[], UUID]) -> Purse:
    return Purse(db, new_tenant())

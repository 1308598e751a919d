"""A tenant with a project and a run that may spend."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from purse import Purse

from nyxcore.db.connection import Database


@pytest.fixture
def purse(db: Database, new_tenant: Callable[[], UUID]) -> Purse:
    return Purse(db, new_tenant())

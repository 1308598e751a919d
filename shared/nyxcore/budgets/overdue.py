"""Attempts whose record never came: their task was stopped, or its run had ended before."""

from __future__ import annotations

import logging
from uuid import UUID

from nyxcore import clock
from nyxcore.budgets import repository, service
from nyxcore.db.connection import Database
from nyxcore.llm.stored_calls import StoredCall, spent

_AT_ONCE = 200

_log = logging.getLogger(__name__)


def settle_overdue(db: Database, tenant_id: UUID) -> int:
    """Enter what such attempts have spent, as far as their caller has written it down, and give back the rest.

    Returns for how many. At most 200 of them, and none while S3 does not answer: the sweep comes again in a minute.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    with db.transaction(tenant_id) as connection:
        overdue = repository.expired(connection, tenant_id, clock.now(), limit=_AT_ONCE)
    for number, attempt in enumerate(overdue):
        try:
            calls = spent(StoredCall.of(tenant_id, attempt.run_id, attempt.step, attempt.attempt))
        except (BotoCoreError, ClientError) as error:
            _log.warning("tenant %s: what overdue calls have spent is not known yet: %s", tenant_id, error)
            return number
        with db.transaction(tenant_id) as connection:
            service.settle(connection, tenant_id, attempt, calls)
    return len(overdue)

"""Holding what a call may cost, before it is made."""

from __future__ import annotations

from uuid import UUID

from nyxcore import clock
from nyxcore.budgets import service
from nyxcore.budgets.models import Amount, Attempt, Limit
from nyxcore.db.connection import Connection
from nyxcore.llm import prices
from nyxcore.llm.models import ModelCall


def hold(
    connection: Connection,
    tenant_id: UUID,
    attempt: Attempt,
    call: ModelCall,
    *,
    project_id: UUID,
    run_limit: Limit | None = None,
    step_limit: Limit | None = None,
) -> ModelCall:
    """The call, limited to what is held for it now: the most that it may cost, as `service.reserve` takes it.

    Raises
    ------
    BudgetExceeded, Conflict : as `service.reserve`.
    """
    held = service.reserve(
        connection,
        tenant_id,
        attempt,
        project_id=project_id,
        most=Amount(*prices.most(call, clock.now())),
        run_limit=run_limit,
        step_limit=step_limit,
    ).amount
    return call.model_copy(update={"limit_usd": held.usd, "limit_tokens": held.tokens})

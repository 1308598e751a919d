"""Holding what a call may cost, before it is made."""

from __future__ import annotations

from uuid import UUID

from nyxcore import clock
from nyxcore.budgets import service
from nyxcore.budgets.models import Attempt, Limit
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
    """The call, limited to what is held for it now: as `nyxcore.llm.prices.spans` says, as far as budgets allow.

    Where they have no room for the whole chain, but for models of it that cost less, only these can be asked: the
    caller passes over the others, and the ledger says so. But where others hold the room, it is waited for: a
    cheaper model is for what cannot be paid, not for what cannot be paid yet.

    Raises
    ------
    BudgetHeld : models of the chain would fit, if others gave back what they hold.
    BudgetExceeded : not even the cheapest fit; what is said is of the whole chain.
    Conflict : as `service.reserve`.
    """
    refused: list[service.BudgetExceeded] = []
    for wanted in prices.spans(call, clock.now()):
        try:
            held = service.reserve(
                connection,
                tenant_id,
                attempt,
                project_id=project_id,
                least=wanted.least,
                most=wanted.most,
                run_limit=run_limit,
                step_limit=step_limit,
            ).amount
        except service.BudgetHeld:
            raise
        except service.BudgetExceeded as error:
            refused.append(error)
        else:
            return call.model_copy(update={"limit_usd": held.usd, "limit_tokens": held.tokens})
    raise refused[0]

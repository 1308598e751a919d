"""/budgets."""

from __future__ import annotations

from fastapi import APIRouter

from api.caller import Admin
from api.openapi import problems
from nyxcore.budgets import service
from nyxcore.budgets.models import Budget, BudgetDraft, BudgetList
from nyxcore.db.connection import database

router = APIRouter(prefix="/budgets", tags=["budgets"])


@router.get("", operation_id="listBudgets", summary="List budgets")
def list_budgets(caller: Admin) -> BudgetList:
    """Limits on what models may cost, with what this month has cost and what is held for attempts under way."""
    with database().transaction(caller.tenant_id) as connection:
        return BudgetList(items=service.list_budgets(connection, caller))


@router.put("", operation_id="putBudget", summary="Set a budget", responses=problems(404))
def put_budget(caller: Admin, body: BudgetDraft) -> Budget:
    """The limits of the tenant (`projectId` null) or of one project; what is left out is no limit afterwards.

    The most that an attempt may cost is held before a model is called, so a limit is never passed.
    """
    with database().transaction(caller.tenant_id) as connection:
        return service.put_budget(connection, caller, body)

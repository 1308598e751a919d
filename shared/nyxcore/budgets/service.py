"""Budgets: reserved before an attempt, settled after it, shown and set.

`reserve` and `settle` lock the tenant's month to the end of the transaction: keep it short.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import ClassVar, Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from nyxcore import clock
from nyxcore.budgets import repository
from nyxcore.budgets.models import Attempt, Budget, BudgetDraft, Limit, Reservation
from nyxcore.db.connection import Connection
from nyxcore.errors import Conflict, Forbidden, NotFound, NyxError
from nyxcore.llm.models import Amount, LedgerEntry, spent_tokens, spent_usd
from nyxcore.tenancy import service as tenancy
from nyxcore.tenancy.models import Principal

LIFETIME: Final = timedelta(hours=1)
"""How long a reservation is held for a record that does not come; longer than any attempt may take."""


_SHARES: Final = 1000  # twice as many as a step may have parts, so that they find room side by side
_NANO: Final = Decimal("0.000000001")


class BudgetExceeded(NyxError):
    """What an attempt may cost at the most does not fit into a budget any more."""

    code: ClassVar[str] = "budget_exceeded"
    status: ClassVar[int] = 402


class BudgetHeld(BudgetExceeded):
    """It does not fit because of what is held for other attempts, of which most may be given back."""

    code: ClassVar[str] = "budget_held"
    retryable: ClassVar[bool] = True


def reserve(
    connection: Connection,
    tenant_id: UUID,
    attempt: Attempt,
    *,
    project_id: UUID,
    least: Amount,
    most: Amount,
    run_limit: Limit | None = None,
    step_limit: Limit | None = None,
    lifetime: timedelta = LIFETIME,
) -> Reservation:
    """Hold what the attempt may cost, against the step's, the run's, the project's and the tenant's limits.

    That is `most` where no limit holds. Where one does, it is `least`, or a thousandth of what is still free if that
    is more: what one attempt holds, those that go on beside it lack.

    Repeated for the same attempt it returns what is held already, and holds nothing more.

    Parameters
    ----------
    least, most : as `nyxcore.llm.prices.span` says; what is held becomes the call's `limit_usd` and `limit_tokens`.
    run_limit : the workflow's own for its run, if it has one; the tightest of all holds.
    step_limit : for all that the step of the run spends; its calls are named `<step>.<part>`.

    Raises
    ------
    BudgetHeld : `least` does not fit now, but would if all that is held were given back.
    BudgetExceeded : it does not fit at all. Both name whose limit it is, what is spent and what is held.
    Conflict : the attempt was settled or its reservation was given back; a new attempt is needed.
    """
    now = clock.now()
    month = month_of(now)
    spent: dict[UUID | None, Amount] = {None: repository.lock_month(connection, tenant_id, month, None)}
    found = repository.reservation(connection, tenant_id, attempt)
    if found is not None:
        if found.closed:
            raise Conflict(f"attempt {attempt.attempt} of step {attempt.step} is over: make another attempt")
        return found
    spent[project_id] = repository.lock_month(connection, tenant_id, month, project_id)
    free = Limit()
    run_limits = run_limit or Limit()
    for row in repository.limits(connection, tenant_id, project_id):
        owner: UUID | None = row["project_id"]
        held = repository.held(connection, tenant_id, month=month, project_id=owner)
        limit = Limit(row["monthly_usd"], row["monthly_tokens"])
        whose = "the tenant's month" if owner is None else "the project's month"
        free = free.least(_room(whose, limit, spent[owner], held, least))
        run_limits = run_limits.least(Limit(row["run_usd"], row["run_tokens"]))
    if run_limits != Limit():
        held = repository.held(connection, tenant_id, run_id=attempt.run_id)
        spent_by_run = repository.spent_by_run(connection, tenant_id, attempt.run_id)
        free = free.least(_room("the run", run_limits, spent_by_run, held, least))
    if step_limit is not None and step_limit != Limit():
        step = attempt.step.split(".")[0]
        held = repository.held(connection, tenant_id, run_id=attempt.run_id, step=step)
        spent_by_step = repository.spent_by_run(connection, tenant_id, attempt.run_id, step=step)
        free = free.least(_room(f"step {step}", step_limit, spent_by_step, held, least))
    made = Reservation(attempt, project_id, month, _share(free, least, most), closed=False)
    repository.insert_reservation(connection, tenant_id, made, now + lifetime)
    return made


def settle(connection: Connection, tenant_id: UUID, attempt: Attempt, calls: Sequence[LedgerEntry]) -> Amount:
    """Enter the attempt's calls into the ledger, count them as spent and give back the rest of what was held.

    Repeating it enters nothing twice. It also takes a record that comes after its reservation was given back:
    what was spent, was spent. Returns what was counted now, which is what to add to the run's cost.

    Raises
    ------
    NotFound : nothing was ever reserved for the attempt.
    """
    found = repository.reservation(connection, tenant_id, attempt)
    if found is None:
        raise NotFound(f"nothing was reserved for attempt {attempt.attempt} of step {attempt.step}")
    repository.lock_month(connection, tenant_id, found.month, None)
    entered = tuple(repository.insert_calls(connection, tenant_id, attempt, found.project_id, calls))
    counted = Amount(spent_usd(entered), spent_tokens(entered))
    if counted != Amount():
        repository.add_spent(connection, tenant_id, found.month, found.project_id, counted)
    repository.close_reservation(connection, tenant_id, attempt, clock.now())
    return counted


def put_budget(connection: Connection, principal: Principal, draft: BudgetDraft) -> Budget:
    """Set the limits of the tenant or of a project; attempts under way are not touched.

    Raises
    ------
    Forbidden : a principal pinned to a project asks for the tenant's.
    NotFound : it sees no such project.
    """
    if draft.project_id is None and principal.project_id is not None:
        raise Forbidden(
            f"the token is pinned to a project: give projectId {principal.project_id}, or use another token"
        )
    if not principal.sees(draft.project_id):
        raise NotFound(f"there is no project {draft.project_id}")
    try:
        repository.put_budget(connection, principal.tenant_id, draft, by=principal.actor, at=clock.now())
    except ForeignKeyViolation as error:
        raise NotFound(f"there is no project {draft.project_id}") from error
    tenancy.audit(
        connection,
        principal.tenant_id,
        actor=principal.actor,
        action="budget.set",
        target=f"project:{draft.project_id}" if draft.project_id else f"tenant:{principal.tenant_id}",
        **draft.model_dump(mode="json", exclude={"project_id"}),
    )
    (budget,) = [one for one in _all(connection, principal) if one.project_id == draft.project_id]
    return budget


def list_budgets(connection: Connection, principal: Principal) -> list[Budget]:
    """The tenant's budget first, then the projects'; a pinned principal sees its project's alone."""
    return [one for one in _all(connection, principal) if principal.sees(one.project_id)]


def month_of(moment: datetime) -> date:
    """The first day of the moment's month, in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)


def _all(connection: Connection, principal: Principal) -> list[Budget]:
    month = month_of(clock.now())
    rows = repository.list_budgets(connection, principal.tenant_id, month)
    return [Budget(**row, month=f"{month:%Y-%m}") for row in rows]


def _room(whose: str, limit: Limit, spent: Amount, held: Amount, wanted: Amount) -> Limit:
    """What is free below the limit. Raises BudgetExceeded, BudgetHeld where that is less than is wanted."""
    for unit, allowed, used, kept, needed in (
        ("USD", limit.usd, spent.usd, held.usd, wanted.usd),
        ("tokens", limit.tokens, spent.tokens, held.tokens, wanted.tokens),
    ):
        if allowed is not None and needed and used + kept + needed > allowed:
            refused = BudgetExceeded if used + needed > allowed else BudgetHeld
            raise refused(
                f"the budget of {whose} is {_plain(allowed)} {unit}: {_plain(used)} are spent, {_plain(kept)} are held"
                f" for attempts under way, and this one may cost up to {_plain(needed)}."
                " Raise the budget, or ask for less"
            )
    return Limit(
        None if limit.usd is None else limit.usd - spent.usd - held.usd,
        None if limit.tokens is None else limit.tokens - spent.tokens - held.tokens,
    )


def _share(free: Limit, least: Amount, most: Amount) -> Amount:
    """What to hold of what is free."""
    usd, tokens = most.usd, most.tokens
    if free.usd is not None:
        usd = min(usd, max(least.usd, (free.usd / _SHARES).quantize(_NANO, ROUND_DOWN)))
    if free.tokens is not None:
        tokens = min(tokens, max(least.tokens, free.tokens // _SHARES))
    return Amount(usd, tokens)


def _plain(number: Decimal | int) -> str:
    return f"{number.normalize():f}" if isinstance(number, Decimal) else str(number)

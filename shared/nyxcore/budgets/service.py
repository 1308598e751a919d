"""Budgets: reserved before an attempt, settled after it, shown and set.

`reserve` and `settle` lock the tenant's month to the end of the transaction: keep it short.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import ClassVar, Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from nyxcore import clock
from nyxcore.budgets import repository
from nyxcore.budgets.models import Attempt, Budget, BudgetDraft, Limit, Reservation, Room
from nyxcore.db.connection import Connection
from nyxcore.errors import Conflict, Forbidden, NotFound, NyxError
from nyxcore.llm.models import Amount, LedgerEntry, spent_tokens, spent_usd
from nyxcore.tenancy import service as tenancy
from nyxcore.tenancy.models import Principal

LIFETIME: Final = timedelta(hours=1)
"""How long a reservation is held for a record that does not come; longer than any attempt may take."""


_SHARES: Final = 1000  # twice as many as a step may have parts, so that they find room side by side
_NANO: Final = Decimal("0.000000001")


@dataclass(frozen=True)
class Asked:
    """Whose limits an attempt has to keep."""

    run_id: UUID
    step: str
    project_id: UUID
    run_limit: Limit | None = None
    step_limit: Limit | None = None


class BudgetExceeded(NyxError):
    """What an attempt may cost at the most does not fit into a budget any more."""

    code: ClassVar[str] = "budget_exceeded"
    status: ClassVar[int] = 402


class BudgetHeld(BudgetExceeded):
    """It does not fit because of what is held for other attempts, of which most may be given back.

    Attributes
    ----------
    wanted : what there has to be room for.
    """

    code: ClassVar[str] = "budget_held"
    retryable: ClassVar[bool] = True

    def __init__(self, message: str, wanted: Amount) -> None:
        super().__init__(message)
        self.wanted = wanted


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
    asked = Asked(attempt.run_id, attempt.step.split(".")[0], project_id, run_limit, step_limit)
    limits = [
        *_shared(connection, tenant_id, asked, month, spent),
        *_of_step(connection, tenant_id, asked),
    ]
    _require_room(limits, least)
    free = _room(limits).free
    made = Reservation(attempt, project_id, month, _share(free, least, most), closed=False)
    repository.insert_reservation(connection, tenant_id, made, now + lifetime)
    return made


def room(connection: Connection, tenant_id: UUID, asked: Asked) -> Room:
    """What the limits of tenant, project and run leave at this moment; who reserves next may find less."""
    month = month_of(clock.now())
    spent = repository.spent_in_month(connection, tenant_id, month, asked.project_id)
    return _room(_shared(connection, tenant_id, asked, month, spent))


def room_of_step(connection: Connection, tenant_id: UUID, asked: Asked) -> Room:
    """What the step's own limit leaves."""
    return _room(_of_step(connection, tenant_id, asked))


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


@dataclass(frozen=True)
class _Used:
    """One limit: whose it is, what it allows, and how much of that is spent and held."""

    whose: str
    limit: Limit
    spent: Amount
    held: Amount

    @property
    def left(self) -> Limit:
        """What it allows beyond what is spent."""
        return self.limit.less(self.spent)

    @property
    def free(self) -> Limit:
        """What nobody holds of that."""
        return self.left.less(self.held)


def _shared(
    connection: Connection,
    tenant_id: UUID,
    asked: Asked,
    month: date,
    spent: Mapping[UUID | None, Amount],
) -> Iterator[_Used]:
    """The limits that are set for the tenant, the project and the run."""
    run_limits = asked.run_limit or Limit()
    for row in repository.limits(connection, tenant_id, asked.project_id):
        owner: UUID | None = row["project_id"]
        held = repository.held(connection, tenant_id, month=month, project_id=owner)
        limit = Limit(row["monthly_usd"], row["monthly_tokens"])
        whose = "the tenant's month" if owner is None else "the project's month"
        yield _Used(whose, limit, spent.get(owner, Amount()), held)
        run_limits = run_limits.least(Limit(row["run_usd"], row["run_tokens"]))
    if run_limits != Limit():
        held = repository.held(connection, tenant_id, run_id=asked.run_id)
        used = repository.spent_by_run(connection, tenant_id, asked.run_id)
        yield _Used("the run", run_limits, used, held)


def _of_step(connection: Connection, tenant_id: UUID, asked: Asked) -> Iterator[_Used]:
    """The limit of the step, if it has one."""
    if asked.step_limit is not None and asked.step_limit != Limit():
        held = repository.held(connection, tenant_id, run_id=asked.run_id, step=asked.step)
        used = repository.spent_by_run(connection, tenant_id, asked.run_id, step=asked.step)
        yield _Used(f"step {asked.step}", asked.step_limit, used, held)


def _room(limits: Iterable[_Used]) -> Room:
    found = Room(Limit(), Limit())
    for used in limits:
        found = found.within(Room(used.free, used.left))
    return found


def _require_room(limits: Sequence[_Used], wanted: Amount) -> None:
    """Raises BudgetExceeded where so much does not fit; BudgetHeld where all that is in the way is held."""
    held: BudgetHeld | None = None
    for used in limits:
        for unit, allowed, spent, kept, needed in (
            ("USD", used.limit.usd, used.spent.usd, used.held.usd, wanted.usd),
            ("tokens", used.limit.tokens, used.spent.tokens, used.held.tokens, wanted.tokens),
        ):
            if allowed is None or not needed or spent + kept + needed <= allowed:
                continue
            said = (
                f"the budget of {used.whose} is {_plain(allowed)} {unit}: {_plain(spent)} are spent,"
                f" {_plain(kept)} are held for attempts under way, and this one may cost up to {_plain(needed)}."
            )
            if spent + needed > allowed:
                raise BudgetExceeded(f"{said} Raise the budget, or ask for less")
            held = held or BudgetHeld(f"{said} It begins when enough of that is given back", wanted)
    if held is not None:
        raise held


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

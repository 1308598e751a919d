"""SQL of budgets, reservations and the ledger.

Whoever reserves, settles or releases takes the tenant's row of the month first (`lock_month`) and holds it to the
commit: so two who want the last cents come one after the other, and the second sees what the first has taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from nyxcore.budgets.models import Attempt, BudgetDraft, Reservation
from nyxcore.db.connection import Connection
from nyxcore.ids import uuid7
from nyxcore.llm.models import Amount, LedgerEntry

type Row = dict[str, Any]

_LOCK = """
insert into budget_months as m (tenant_id, month, subject, project_id)
values (%(tenant)s, %(month)s, coalesce(%(project)s, %(tenant)s), %(project)s)
on conflict (tenant_id, month, subject) do update set usd = m.usd
returning usd, tokens
"""

_SPEND = """
update budget_months set usd = usd + %(usd)s, tokens = tokens + %(tokens)s
where tenant_id = %(tenant)s and month = %(month)s and subject in (%(tenant)s, %(project)s)
"""

_HELD = """
select coalesce(sum(usd), 0) as usd, coalesce(sum(tokens), 0)::bigint as tokens from budget_reservations
where tenant_id = %(tenant)s and closed_at is null and (%(month)s::date is null or month = %(month)s)
  and (%(project)s::uuid is null or project_id = %(project)s) and (%(run)s::uuid is null or run_id = %(run)s)
  and (%(step)s::text is null or split_part(step, '.', 1) = %(step)s)
"""

_RESERVE = """
insert into budget_reservations (tenant_id, run_id, step, attempt, project_id, month, usd, tokens, expires_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_ENTER = """
insert into llm_calls (tenant_id, id, run_id, project_id, step, attempt, number, protocol, model, input_tokens,
                       output_tokens, cached_tokens, usd, price_version, latency_ms, outcome, error_code, upper_bound,
                       started_at)
values (%(tenant)s, %(id)s, %(run)s, %(project)s, %(step)s, %(attempt)s, %(number)s, %(protocol)s, %(model)s,
        %(input_tokens)s, %(output_tokens)s, %(cached_tokens)s, %(usd)s, %(price_version)s, %(latency_ms)s,
        %(outcome)s, %(error_code)s, %(upper_bound)s, %(started_at)s)
on conflict (tenant_id, run_id, step, attempt, number) do nothing
"""

_PUT = """
insert into budgets (tenant_id, subject, project_id, monthly_usd, monthly_tokens, run_usd, run_tokens, updated_by,
                     updated_at)
values (%(tenant)s, coalesce(%(project_id)s, %(tenant)s), %(project_id)s, %(monthly_usd)s, %(monthly_tokens)s,
        %(run_usd)s, %(run_tokens)s, %(by)s, %(at)s)
on conflict (tenant_id, subject) do update set
    monthly_usd = excluded.monthly_usd, monthly_tokens = excluded.monthly_tokens, run_usd = excluded.run_usd,
    run_tokens = excluded.run_tokens, updated_by = excluded.updated_by, updated_at = excluded.updated_at
"""

_LIST = """
with months as (
    select project_id, usd, tokens from budget_months where tenant_id = %(tenant)s and month = %(month)s
), held as (
    select project_id, sum(usd) as usd, sum(tokens)::bigint as tokens from budget_reservations
    where tenant_id = %(tenant)s and month = %(month)s and closed_at is null group by grouping sets ((), (project_id))
), set as (
    select project_id, monthly_usd, monthly_tokens, run_usd, run_tokens from budgets where tenant_id = %(tenant)s
), named as (
    select null::uuid as project_id union select project_id from months union select project_id from set
)
select named.project_id, monthly_usd, monthly_tokens, run_usd, run_tokens,
       coalesce(months.usd, 0) as spent_usd, coalesce(months.tokens, 0) as spent_tokens,
       coalesce(held.usd, 0) as held_usd, coalesce(held.tokens, 0) as held_tokens
from named
left join months on months.project_id is not distinct from named.project_id
left join held on held.project_id is not distinct from named.project_id
left join set on set.project_id is not distinct from named.project_id
order by named.project_id nulls first
"""


def lock_month(connection: Connection, tenant_id: UUID, month: date, project_id: UUID | None) -> Amount:
    """What the tenant (or its project) has spent in the month; the row stays locked to the commit."""
    row = connection.execute(_LOCK, {"tenant": tenant_id, "month": month, "project": project_id}).fetchone()
    assert row is not None  # noqa: S101 - an upsert returns its row
    return Amount(row["usd"], row["tokens"])


def spent_in_month(
    connection: Connection, tenant_id: UUID, month: date, project_id: UUID
) -> dict[UUID | None, Amount]:
    """What the tenant (under None) and the project have spent in the month; nothing is locked."""
    rows = connection.execute(
        "select project_id, usd, tokens from budget_months"
        " where tenant_id = %s and month = %s and subject in (%s, %s)",
        (tenant_id, month, tenant_id, project_id),
    ).fetchall()
    return {row["project_id"]: Amount(row["usd"], row["tokens"]) for row in rows}


def expire_all(connection: Connection, tenant_id: UUID, now: datetime) -> None:
    """Nobody is at work on an attempt: the next sweep settles all that is held."""
    connection.execute(
        "update budget_reservations set expires_at = least(expires_at, %s)"
        " where tenant_id = %s and closed_at is null",
        (now, tenant_id),
    )


def add_spent(connection: Connection, tenant_id: UUID, month: date, project_id: UUID, amount: Amount) -> None:
    """Count what was spent, for the project and for the tenant; their rows are there."""
    values = {"tenant": tenant_id, "month": month, "project": project_id}
    connection.execute(_SPEND, {**values, "usd": amount.usd, "tokens": amount.tokens})


def held(
    connection: Connection,
    tenant_id: UUID,
    *,
    month: date | None = None,
    project_id: UUID | None = None,
    run_id: UUID | None = None,
    step: str | None = None,
) -> Amount:
    """What open reservations hold, of all or of some; `step` is the name before the part."""
    values = {"tenant": tenant_id, "month": month, "project": project_id, "run": run_id, "step": step}
    row = connection.execute(_HELD, values).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has a row
    return Amount(row["usd"], row["tokens"])


def spent_by_run(connection: Connection, tenant_id: UUID, run_id: UUID, *, step: str | None = None) -> Amount:
    """What the run has spent, or one step of it."""
    row = connection.execute(
        "select coalesce(sum(usd), 0) as usd, coalesce(sum(input_tokens + output_tokens), 0)::bigint as tokens"
        " from llm_calls where tenant_id = %(tenant)s and run_id = %(run)s"
        " and (%(step)s::text is null or split_part(step, '.', 1) = %(step)s)",
        {"tenant": tenant_id, "run": run_id, "step": step},
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has a row
    return Amount(row["usd"], row["tokens"])


def limits(connection: Connection, tenant_id: UUID, project_id: UUID) -> list[Row]:
    """The limits of the tenant and of the project, as far as they are set; the tenant's first."""
    return connection.execute(
        "select * from budgets where tenant_id = %s and subject in (%s, %s) order by project_id nulls first",
        (tenant_id, tenant_id, project_id),
    ).fetchall()


def reservation(connection: Connection, tenant_id: UUID, attempt: Attempt) -> Reservation | None:
    """What is or was held for the attempt, or None."""
    row = connection.execute(
        "select * from budget_reservations where tenant_id = %s and run_id = %s and step = %s and attempt = %s",
        (tenant_id, attempt.run_id, attempt.step, attempt.attempt),
    ).fetchone()
    if row is None:
        return None
    amount = Amount(row["usd"], row["tokens"])
    return Reservation(attempt, row["project_id"], row["month"], amount, row["closed_at"] is not None)


def insert_reservation(
    connection: Connection, tenant_id: UUID, made: Reservation, expires_at: datetime
) -> None:
    """Hold the amount."""
    key = made.attempt
    connection.execute(
        _RESERVE,
        (
            tenant_id,
            key.run_id,
            key.step,
            key.attempt,
            made.project_id,
            made.month,
            made.amount.usd,
            made.amount.tokens,
            expires_at,
        ),
    )


def close_reservation(connection: Connection, tenant_id: UUID, attempt: Attempt, at: datetime) -> None:
    """Hold nothing more for the attempt."""
    connection.execute(
        "update budget_reservations set closed_at = coalesce(closed_at, %s)"
        " where tenant_id = %s and run_id = %s and step = %s and attempt = %s",
        (at, tenant_id, attempt.run_id, attempt.step, attempt.attempt),
    )


def expired(connection: Connection, tenant_id: UUID, now: datetime, *, limit: int) -> list[Attempt]:
    """Attempts whose record is overdue and for which something is held still, the oldest first."""
    rows = connection.execute(
        "select run_id, step, attempt from budget_reservations"
        " where tenant_id = %s and closed_at is null and expires_at <= %s order by expires_at limit %s",
        (tenant_id, now, limit),
    ).fetchall()
    return [Attempt(row["run_id"], row["step"], row["attempt"]) for row in rows]


def insert_calls(
    connection: Connection,
    tenant_id: UUID,
    attempt: Attempt,
    project_id: UUID,
    entries: Sequence[LedgerEntry],
) -> list[LedgerEntry]:
    """Enter these into the ledger; returns those that were not in it already."""
    key = {"run": attempt.run_id, "step": attempt.step, "attempt": attempt.attempt}
    owner = {"tenant": tenant_id, "project": project_id, **key}
    return [
        entry
        for entry in entries
        if connection.execute(_ENTER, {**entry.model_dump(mode="python"), **owner, "id": uuid7()}).rowcount
    ]


def put_budget(connection: Connection, tenant_id: UUID, draft: BudgetDraft, *, by: str, at: datetime) -> None:
    """Set the limits, over those that were set."""
    connection.execute(_PUT, {**draft.model_dump(), "tenant": tenant_id, "by": by, "at": at})


def list_budgets(connection: Connection, tenant_id: UUID, month: date) -> list[Row]:
    """Limits, spent and held: of the tenant first, then of each project that has a limit or has spent."""
    return connection.execute(_LIST, {"tenant": tenant_id, "month": month}).fetchall()

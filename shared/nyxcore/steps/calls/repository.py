"""SQL of the calls that a run's steps are made of.

Whoever changes them holds the run's row (`runs.repository.lock`), so that two changes of one run take turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.llm.models import Amount
from nyxcore.runs.repository import json_text, storable

type Row = dict[str, Any]

_CLAIM = (
    "update run_step_calls c set status = 'running', attempt = attempt + 1, started = false, error = null,"
    " claimed_at = clock_timestamp()"
)


def insert_calls(
    connection: Connection, tenant_id: UUID, run_id: UUID, key: str, calls: Sequence[Mapping[str, Any]]
) -> None:
    """The calls of a step that begins: each `{part, label, item, model}`; those taken over stay as they are."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into run_step_calls (tenant_id, run_id, key, part, label, item, model) values"
            " (%(tenant)s, %(run)s, %(key)s, %(part)s, %(label)s, %(item)s, %(model)s)"
            " on conflict (tenant_id, run_id, key, part) do nothing",
            [
                {**call, "item": storable(call["item"]), "tenant": tenant_id, "run": run_id, "key": key}
                for call in calls
            ],
        )


def answers(connection: Connection, tenant_id: UUID, run_id: UUID, keys: Sequence[str]) -> list[Row]:
    """What the calls of these steps have come to, `{key, part, label, status, output, data, error}`, in their order."""
    return connection.execute(
        "select key, part, label, status, output, data, error from run_step_calls"
        " where tenant_id = %s and run_id = %s and key = any(%s) order by key, part",
        (tenant_id, run_id, list(keys)),
    ).fetchall()


def has_open_calls(connection: Connection, tenant_id: UUID, run_id: UUID, key: str) -> bool:
    """Whether a call of the step has not ended."""
    row = connection.execute(
        "select exists (select from run_step_calls where tenant_id = %s and run_id = %s and key = %s"
        " and status in ('pending', 'running')) as found",
        (tenant_id, run_id, key),
    ).fetchone()
    return bool(row and row["found"])


def call(connection: Connection, tenant_id: UUID, run_id: UUID, key: str, part: int) -> Row | None:
    """One call, or None."""
    return connection.execute(
        "select key, part, label, item, model, status, attempt, waits from run_step_calls"
        " where tenant_id = %s and run_id = %s and key = %s and part = %s",
        (tenant_id, run_id, key, part),
    ).fetchone()


def claim(connection: Connection, tenant_id: UUID, run_id: UUID, limit: int) -> list[Row]:
    """pending → running of at most `limit` calls that wait for nothing, each as its next attempt.

    Each is `{key, part, attempt, waits, needs_usd}`.
    """
    return connection.execute(
        "with next as (select c.key, c.part from run_step_calls c"  # noqa: S608 - our own words
        " join run_steps s using (tenant_id, run_id, key)"
        " where c.tenant_id = %(tenant)s and c.run_id = %(run)s and c.status = 'pending'"
        " and c.needs_usd is null order by s.position, c.part limit %(limit)s)"
        f" {_CLAIM} from next"
        " where c.tenant_id = %(tenant)s and c.run_id = %(run)s and c.key = next.key and c.part = next.part"
        " returning c.key, c.part, c.attempt, c.waits, c.needs_usd",
        {"tenant": tenant_id, "run": run_id, "limit": limit},
    ).fetchall()


def claim_held_back(
    connection: Connection, tenant_id: UUID, run_id: UUID, chosen: Sequence[tuple[str, int]]
) -> list[Row]:
    """pending → running of these calls, `(key, part)` each, which have waited for their budget; as `claim`."""
    return connection.execute(
        f"{_CLAIM} from unnest(%s::text[], %s::integer[]) as chosen (key, part)"
        " where c.tenant_id = %s and c.run_id = %s and c.key = chosen.key and c.part = chosen.part"
        " and c.status = 'pending' returning c.key, c.part, c.attempt, c.waits, c.needs_usd",
        ([key for key, _ in chosen], [part for _, part in chosen], tenant_id, run_id),
    ).fetchall()


def hold_back(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    claimed: tuple[str, int, int],
    *,
    needs: Amount,
    error: Mapping[str, Any],
) -> bool:
    """running → pending: this attempt of a call finds no room for what it needs. Whether it is its step's first."""
    key, part, attempt = claimed
    row = connection.execute(
        "with before as (select exists (select from run_step_calls where tenant_id = %(tenant)s"
        " and run_id = %(run)s and key = %(key)s and waits > 0) as found)"
        " update run_step_calls set status = 'pending', waits = waits + 1, error = %(error)s::jsonb,"
        " needs_usd = %(usd)s, needs_tokens = %(tokens)s"
        " where tenant_id = %(tenant)s and run_id = %(run)s and key = %(key)s and part = %(part)s"
        " and attempt = %(attempt)s and status = 'running' returning (select not found from before) as first",
        {
            "tenant": tenant_id,
            "run": run_id,
            "key": key,
            "part": part,
            "attempt": attempt,
            "usd": needs.usd,
            "tokens": needs.tokens,
            "error": _json(error),
        },
    ).fetchone()
    return row is not None and bool(row["first"])


def left_over(connection: Connection, tenant_id: UUID, run_id: UUID, *, older_than: float) -> list[Row]:
    """Calls that somebody has to go on with: `{key, part, attempt, waits, status, lost, needs_usd, needs_tokens}`.

    `lost` are those that were claimed so many seconds ago and whose execution nobody is known to have started. The
    others need room in a budget: `pending` ones wait for it, `running` ones were claimed for it and hold none yet.
    """
    return connection.execute(
        "select * from (select c.key, c.part, c.attempt, c.waits, c.status, c.needs_usd, c.needs_tokens, s.position,"
        " c.status = 'running' and not c.started"
        " and c.claimed_at <= clock_timestamp() - make_interval(secs => %s) as lost"
        " from run_step_calls c join run_steps s using (tenant_id, run_id, key)"
        " where c.tenant_id = %s and c.run_id = %s and c.status in ('pending', 'running')) as open"
        " where lost or needs_usd is not null order by position, part",
        (older_than, tenant_id, run_id),
    ).fetchall()


def running_calls(connection: Connection, tenant_id: UUID, run_id: UUID) -> list[Row]:
    """Calls whose execution may be going on, `{key, part, attempt}`."""
    return connection.execute(
        "select key, part, attempt from run_step_calls where tenant_id = %s and run_id = %s"
        " and status = 'running' order by key, part",
        (tenant_id, run_id),
    ).fetchall()


def mark_started(
    connection: Connection, tenant_id: UUID, run_id: UUID, claimed: Sequence[tuple[str, int, int]]
) -> None:
    """The executions of these claims have been started."""
    connection.execute(
        "update run_step_calls c set started = true"
        " from unnest(%s::text[], %s::integer[], %s::integer[]) as done (key, part, attempt)"
        " where c.tenant_id = %s and c.run_id = %s and c.key = done.key and c.part = done.part"
        " and c.attempt = done.attempt",
        (
            [key for key, _, _ in claimed],
            [part for _, part, _ in claimed],
            [attempt for _, _, attempt in claimed],
            tenant_id,
            run_id,
        ),
    )


def keep_prompt(  # noqa: PLR0917 - the key of a call, and what is kept of it
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    key: str,
    part: int,
    prompt: str,
    provenance: object,
) -> None:
    """The prompt of a call as it is sent, and where its parts came from; its budget is held, it waits for none."""
    connection.execute(
        "update run_step_calls set prompt = %s, provenance = %s::jsonb, needs_usd = null, needs_tokens = null"
        " where tenant_id = %s and run_id = %s and key = %s and part = %s",
        (storable(prompt), _json(provenance), tenant_id, run_id, key, part),
    )


def end_call(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    claimed: tuple[str, int, int],
    *,
    status: str,
    output: str | None = None,
    data: object = None,
    error: Mapping[str, Any] | None = None,
    tokens: int = 0,
    usd: Decimal = Decimal(0),
) -> bool:
    """End this attempt of a call, `claimed` being `(key, part, attempt)`; False when it has ended before.

    `status` `pending` lets the next attempt begin. Tokens and dollars are added to those of earlier attempts.
    """
    key, part, attempt = claimed
    return (
        connection.execute(
            "update run_step_calls set status = %(status)s, output = %(output)s, data = %(data)s::jsonb,"
            " error = %(error)s::jsonb, tokens = tokens + %(tokens)s, usd = usd + %(usd)s, needs_usd = null,"
            " needs_tokens = null"
            " where tenant_id = %(tenant)s and run_id = %(run)s and key = %(key)s and part = %(part)s"
            " and attempt = %(attempt)s and status = 'running'",
            {
                "status": status,
                "output": None if output is None else storable(output),
                "data": _json(data),
                "error": _json(error),
                "tokens": tokens,
                "usd": usd,
                "tenant": tenant_id,
                "run": run_id,
                "key": key,
                "part": part,
                "attempt": attempt,
            },
        ).rowcount
        == 1
    )


def models(connection: Connection, tenant_id: UUID, run_id: UUID) -> list[str]:
    """The models that have answered in a run, by the ledger; of a call that was taken over, the one it names."""
    rows = connection.execute(
        "select distinct coalesce(l.model, c.model) as model from run_step_calls c"
        " left join llm_calls l on l.tenant_id = c.tenant_id and l.run_id = c.run_id"
        " and l.step = c.key || '.' || c.part and l.attempt = c.attempt and l.outcome = 'succeeded'"
        " where c.tenant_id = %s and c.run_id = %s and c.status = 'succeeded' order by model",
        (tenant_id, run_id),
    ).fetchall()
    return [row["model"] for row in rows]


def spent(connection: Connection, tenant_id: UUID, run_id: UUID) -> tuple[int, Decimal]:
    """Tokens and US dollars of all calls of the run so far."""
    row = connection.execute(
        "select coalesce(sum(tokens), 0) as tokens, coalesce(sum(usd), 0) as usd from run_step_calls"
        " where tenant_id = %s and run_id = %s",
        (tenant_id, run_id),
    ).fetchone()
    return (int(row["tokens"]), row["usd"]) if row else (0, Decimal(0))


def _json(value: object) -> str | None:
    return None if value is None else json_text(storable(value))

"""SQL of what is shown of a run's steps.

`bytes` of a row is about what its texts come to: their lengths are known without reading them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection

type Row = dict[str, Any]

_STEPS = """
select s.key, s.position, s.type, s.status, s.attempt, s.decision, s.decided_by, s.error, s.child_run_id,
       s.expires_at, s.started_at, s.finished_at, r.texts_removed_at, c.tokens, c.usd,
       coalesce(octet_length(s.output), 0) * case when s.data is null then 1 else 2 end
           + coalesce(octet_length(s.prompt), 0) + c.bytes as bytes
from run_steps s join runs r on r.tenant_id = s.tenant_id and r.id = s.run_id cross join lateral (
    select coalesce(sum(tokens), 0) as tokens, coalesce(sum(usd), 0) as usd,
           count(*) * 200 + coalesce(sum(octet_length(prompt)) filter (where part = 0), 0) as bytes
    from run_step_calls c
    where c.tenant_id = s.tenant_id and c.run_id = s.run_id and c.key = s.key
) c
where s.tenant_id = %(tenant)s and s.run_id = %(run)s and s.position > %(after)s
  and (%(key)s::text is null or s.key = %(key)s)
order by s.position limit %(limit)s
"""

_TEXTS = """
select s.key, s.output, s.data, coalesce(s.prompt, c.prompt) as prompt,
       coalesce(s.provenance, c.provenance) as provenance
from run_steps s left join run_step_calls c
    on c.tenant_id = s.tenant_id and c.run_id = s.run_id and c.key = s.key and c.part = 0
where s.tenant_id = %s and s.run_id = %s and s.key = any(%s)
"""

_CALLS = """
select key, part, label, model, status, attempt, waits, error, tokens, usd,
       coalesce(octet_length(prompt), 0) + coalesce(octet_length(output), 0) as bytes
from run_step_calls
where tenant_id = %s and run_id = %s and key = any(%s) and part >= %s
order by key, part
"""

_CALL_TEXTS = """
select part, prompt, provenance, output
from run_step_calls
where tenant_id = %s and run_id = %s and key = %s and part = any(%s)
"""

_REMOVE = """
update runs set texts_removed_at = clock_timestamp()
where tenant_id = %(tenant)s and id in (
    select r.id from runs r join tenant_settings s using (tenant_id)
    where r.tenant_id = %(tenant)s and r.kind = 'workflow' and r.texts_removed_at is null
      and r.finished_at < clock_timestamp() - make_interval(days => s.text_retention_days)
    order by r.finished_at limit %(limit)s
)
returning id
"""

_REMOVE_OF_STEPS = """
update run_steps set prompt = null, provenance = null, output = null, data = null
where tenant_id = %s and run_id = any(%s)
"""

_REMOVE_OF_CALLS = """
update run_step_calls set item = null, prompt = null, provenance = null, output = null, data = null
where tenant_id = %s and run_id = any(%s)
"""


def steps(
    connection: Connection, tenant_id: UUID, run_id: UUID, *, after: int, limit: int, key: str | None = None
) -> list[Row]:
    """At most `limit` steps after a position, in their order; or the one that `key` names, if it is there."""
    names = {"tenant": tenant_id, "run": run_id, "after": after, "limit": limit, "key": key}
    return connection.execute(_STEPS, names).fetchall()


def texts(connection: Connection, tenant_id: UUID, run_id: UUID, keys: Sequence[str]) -> dict[str, Row]:
    """`{key: {output, data, prompt, provenance}}` of these steps: a review's own prompt, or the first call's."""
    rows = connection.execute(_TEXTS, (tenant_id, run_id, list(keys))).fetchall()
    return {row["key"]: row for row in rows}


def calls(
    connection: Connection, tenant_id: UUID, run_id: UUID, keys: Sequence[str], *, first: int = 0
) -> list[Row]:
    """The calls of these steps in their order, of each step from part `first` on; without texts."""
    return connection.execute(_CALLS, (tenant_id, run_id, list(keys), first)).fetchall()


def call_texts(
    connection: Connection, tenant_id: UUID, run_id: UUID, key: str, parts: Sequence[int]
) -> dict[int, Row]:
    """`{part: {prompt, provenance, output}}` of these calls of a step."""
    rows = connection.execute(_CALL_TEXTS, (tenant_id, run_id, key, list(parts))).fetchall()
    return {row["part"]: row for row in rows}


def remove_expired_texts(connection: Connection, tenant_id: UUID, limit: int) -> int:
    """Remove prompts, outputs and items of runs that ended longer ago than the tenant keeps them; of how many runs.

    At most `limit` runs, oldest first, so that no transaction grows large. Their steps and calls stay, with how they
    ended, their tokens and cost.
    """
    names = {"tenant": tenant_id, "limit": limit}
    expired = connection.execute(_REMOVE, names).fetchall()
    for statement in (_REMOVE_OF_STEPS, _REMOVE_OF_CALLS):
        connection.execute(statement, (tenant_id, [row["id"] for row in expired]))
    return len(expired)

"""SQL of personas, of what they were used for, and of teams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.personas.library import BuiltIn
from nyxcore.personas.models import PersonaRow, TeamRow


def _personas(prompt: str) -> str:
    """Both kinds as one relation `p`, with this tenant's progress; `prompt` is what to read as the prompt."""
    columns = f"name, category, summary, traits, specializations, {prompt} as prompt, portrait"
    return (
        "select p.*, coalesce(g.xp, 0) as xp, coalesce(g.uses, 0) as uses from ("  # noqa: S608 - ours
        f"select id, key, 'built-in' as origin, {columns}, null::uuid as based_on,"
        " null::timestamptz as created_at, updated_at, retired_at as gone_at from personas_builtin"
        f" union all select id, key, 'own', {columns}, based_on, created_at, updated_at,"
        " deleted_at from personas where tenant_id = %(tenant)s"
        ") p left join persona_progress g on g.tenant_id = %(tenant)s and g.persona_id = p.id"
    )


_PERSONAS = _personas("prompt")
_CARDS = _personas("''")  # 200 prompts are 4 MB
_TEAM = "id, name, description, pattern, persona_ids, created_at, updated_at"
_CHANGEABLE = ("name", "category", "summary", "traits", "specializations", "prompt", "portrait")


def write_built_in(connection: Connection, persona: BuiltIn, now: datetime) -> bool:
    """Keep a persona of the product as it is now; whether that was a change. Needs the owner's rights."""
    columns = ("key", *_CHANGEABLE)
    names, given = ", ".join(columns), ", ".join(f"excluded.{name}" for name in columns)
    row = connection.execute(
        f"insert into personas_builtin as p (id, {names}, updated_at)"  # noqa: S608 - names of columns, ours
        f" values (%(id)s, {', '.join(f'%({name})s' for name in columns)}, %(now)s)"
        f" on conflict (id) do update set ({names}, updated_at, retired_at) = ({given}, %(now)s, null)"
        f" where ({', '.join(f'p.{name}' for name in columns)}, p.retired_at)"
        f" is distinct from ({given}, null::timestamptz) returning key",
        persona.model_dump() | {"now": now},
    ).fetchone()
    return row is not None


def retire_built_in(connection: Connection, present: Sequence[UUID], now: datetime) -> list[str]:
    """Take what is not `present` any more off the picker; the keys. Needs the owner's rights."""
    rows = connection.execute(
        "update personas_builtin set retired_at = %s where retired_at is null and id <> all(%s) returning key",
        (now, list(present)),
    ).fetchall()
    return sorted(str(row["key"]) for row in rows)


def list_personas(connection: Connection, tenant_id: UUID) -> list[PersonaRow]:
    """Every persona that can be chosen, without its prompt."""
    rows = connection.execute(f"{_CARDS} where p.gone_at is null", {"tenant": tenant_id}).fetchall()
    return [PersonaRow(**row) for row in rows]


def get_personas(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, PersonaRow]:
    """The personas of these ids that there are, those that are gone included."""
    rows = connection.execute(
        f"{_PERSONAS} where p.id = any(%(ids)s)", {"tenant": tenant_id, "ids": list(ids)}
    ).fetchall()
    return {row["id"]: PersonaRow(**row) for row in rows}


def persona_of_key(
    connection: Connection, tenant_id: UUID, key: str, since: datetime | None = None
) -> PersonaRow | None:
    """The persona that can be chosen under this key, the tenant's own before the product's; or None.

    With `since`, one that could be chosen then and is gone now counts too, after those that are not.
    """
    row = connection.execute(
        f"{_PERSONAS} where p.key = %(key)s and (p.gone_at is null or p.gone_at >= %(since)s)"
        " order by p.gone_at is null desc, p.origin = 'own' desc, p.gone_at desc limit 1",
        {"tenant": tenant_id, "key": key, "since": since},
    ).fetchone()
    return None if row is None else PersonaRow(**row)


def hold_personas(connection: Connection, tenant_id: UUID) -> None:
    """Let no other transaction of this tenant add a persona until this one has ended."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"personas:{tenant_id}",))


def insert_persona(connection: Connection, tenant_id: UUID, row: PersonaRow) -> None:
    """Keep a new persona of the tenant."""
    connection.execute(
        "insert into personas (tenant_id, id, key, name, category, summary, traits, specializations, prompt,"
        " portrait, based_on, created_at, updated_at) values (%(tenant)s, %(id)s, %(key)s, %(name)s, %(category)s,"
        " %(summary)s, %(traits)s, %(specializations)s, %(prompt)s, %(portrait)s, %(based_on)s, %(created_at)s,"
        " %(updated_at)s)",
        vars(row) | {"tenant": tenant_id},
    )


def change_persona(
    connection: Connection, tenant_id: UUID, persona_id: UUID, changes: Mapping[str, Any], now: datetime
) -> bool:
    """Set these columns of a persona that is not deleted; whether there is one."""
    return _change(
        connection,
        "personas",
        tenant_id,
        persona_id,
        changes=changes,
        now=now,
        more=" and deleted_at is null",
    )


def delete_persona(connection: Connection, tenant_id: UUID, persona_id: UUID, now: datetime) -> bool:
    """Mark the persona as deleted; whether it was there."""
    changed = connection.execute(
        "update personas set deleted_at = %s where tenant_id = %s and id = %s and deleted_at is null",
        (now, tenant_id, persona_id),
    )
    return changed.rowcount == 1


def count_use(
    connection: Connection,
    tenant_id: UUID,
    persona_id: UUID,
    *,
    run_id: UUID,
    step: str,
    xp: int,
) -> int:
    """Add a use, and `xp` for it, unless the step's use is counted already. The XP afterwards."""
    use = {"tenant": tenant_id, "persona": persona_id, "run": run_id, "step": step, "xp": xp}
    row = connection.execute(
        "with new as (insert into persona_uses (tenant_id, run_id, step, attempt, persona_id)"
        " values (%(tenant)s, %(run)s, %(step)s, 1, %(persona)s) on conflict do nothing returning 1)"
        " insert into persona_progress as p (tenant_id, persona_id, xp, uses)"
        " select %(tenant)s, %(persona)s, %(xp)s, 1 from new"
        " on conflict (tenant_id, persona_id) do update set xp = p.xp + excluded.xp, uses = p.uses + 1"
        " returning xp",
        use,
    ).fetchone()
    if row is None:
        row = connection.execute(
            "select xp from persona_progress where tenant_id = %(tenant)s and persona_id = %(persona)s", use
        ).fetchone()
    return 0 if row is None else int(row["xp"])


def insert_team(connection: Connection, tenant_id: UUID, row: TeamRow) -> None:
    """Keep a new team."""
    connection.execute(
        "insert into teams (tenant_id, id, name, description, pattern, persona_ids, created_at, updated_at)"
        " values (%(tenant)s, %(id)s, %(name)s, %(description)s, %(pattern)s, %(persona_ids)s, %(created_at)s,"
        " %(updated_at)s)",
        vars(row) | {"tenant": tenant_id},
    )


def get_team(connection: Connection, tenant_id: UUID, team_id: UUID) -> TeamRow | None:
    """The team, or None."""
    row = connection.execute(
        f"select {_TEAM} from teams where tenant_id = %s and id = %s",  # noqa: S608 - our own names of columns
        (tenant_id, team_id),
    ).fetchone()
    return None if row is None else TeamRow(**row)


def list_teams(connection: Connection, tenant_id: UUID, *, after: UUID | None, limit: int) -> list[TeamRow]:
    """Teams, newest first."""
    rows = connection.execute(
        f"select {_TEAM} from teams where tenant_id = %(tenant)s"  # noqa: S608 - our own names of columns
        " and (%(after)s::uuid is null or id < %(after)s) order by id desc limit %(limit)s",
        {"tenant": tenant_id, "after": after, "limit": limit},
    ).fetchall()
    return [TeamRow(**row) for row in rows]


def change_team(
    connection: Connection, tenant_id: UUID, team_id: UUID, changes: Mapping[str, Any], now: datetime
) -> bool:
    """Set these columns of a team; whether there is one."""
    return _change(connection, "teams", tenant_id, team_id, changes=changes, now=now)


def delete_team(connection: Connection, tenant_id: UUID, team_id: UUID) -> bool:
    """Remove the team; whether it was there."""
    removed = connection.execute("delete from teams where tenant_id = %s and id = %s", (tenant_id, team_id))
    return removed.rowcount == 1


def _change(
    connection: Connection,
    table: str,
    tenant_id: UUID,
    row_id: UUID,
    *,
    changes: Mapping[str, Any],
    now: datetime,
    more: str = "",
) -> bool:
    """One statement that names what changes alone: of two changes at once neither undoes the other's columns."""
    columns = ", ".join(f"{name} = %({name})s" for name in changes)
    changed = connection.execute(
        f"update {table} set {columns}, updated_at = %(now)s"  # noqa: S608 - fields of our models, ours
        f" where tenant_id = %(tenant)s and id = %(row)s{more}",
        {**changes, "now": now, "tenant": tenant_id, "row": row_id},
    )
    return changed.rowcount == 1

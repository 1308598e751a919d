"""SQL of the leases of open streams.

A lease that is lost costs nobody an event, so neither taking nor giving back waits for the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from nyxcore.db.connection import Connection

_LOCKS = 0x6E79_7802  # the class of our advisory locks, a tenant each; any constant of our own will do
_IN_MEMORY = "set_config('synchronous_commit', 'off', true)"


def take(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    lease_id: UUID,
    *,
    seconds: float,
    per_tenant: int,
    per_run: int,
) -> bool:
    """A place for one more stream of this run, for so many seconds; False when run or tenant have no more.

    One round trip, and it must be the last of its transaction: who takes a place of the same tenant waits for the
    commit, 2 s at most, so that two at once count one after the other.

    Raises
    ------
    psycopg.errors.LockNotAvailable : whoever took a place before has not committed in time.
    psycopg.errors.ForeignKeyViolation : the run was deleted meanwhile.
    """
    with connection.pipeline():
        connection.execute(
            f"select {_IN_MEMORY}, set_config('lock_timeout', '2s', true),"
            " pg_advisory_xact_lock(%s, hashtext(%s))",
            (_LOCKS, str(tenant_id)),
        )
        # a statement of its own, for it must see what was committed while the lock was waited for
        taken = connection.execute(
            "insert into stream_leases (tenant_id, id, run_id, expires_at)"
            " select %(tenant)s, %(lease)s, %(run)s, clock_timestamp() + make_interval(secs => %(seconds)s)"
            " from (select count(*) as streams, count(*) filter (where run_id = %(run)s) as streams_of_run"
            " from stream_leases where tenant_id = %(tenant)s and expires_at > clock_timestamp()) held"
            " where streams < %(per_tenant)s and streams_of_run < %(per_run)s",
            {
                "tenant": tenant_id,
                "lease": lease_id,
                "run": run_id,
                "seconds": seconds,
                "per_tenant": per_tenant,
                "per_run": per_run,
            },
        )
    return taken.rowcount == 1


def give_back(connection: Connection, tenant_id: UUID, lease_ids: Sequence[UUID]) -> None:
    """End these leases; in a pipeline nothing is waited for."""
    connection.execute(f"select {_IN_MEMORY}")
    connection.execute(
        "delete from stream_leases where tenant_id = %s and id = any(%s)", (tenant_id, list(lease_ids))
    )


def delete_expired(connection: Connection, tenant_id: UUID) -> int:
    """Remove the leases that nobody gave back, their processes having been killed; how many."""
    return connection.execute(
        "delete from stream_leases where tenant_id = %s and expires_at < clock_timestamp()", (tenant_id,)
    ).rowcount

"""What a persona is used for is counted with the step that used it: once, and with it or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from nyxcore import clock
from nyxcore.errors import NotFound
from nyxcore.ids import uuid7
from nyxcore.personas import repository, service


@pytest.fixture
def tenant(new_tenant) -> UUID:
    return new_tenant()


@pytest.fixture
def run_id(db, tenant: UUID) -> UUID:
    return make_run(db, tenant)


def make_run(db, tenant: UUID) -> UUID:
    run_id, project_id = uuid7(), uuid7()
    with db.transaction(tenant) as connection:
        connection.execute(
            "insert into projects (tenant_id, id, name) values (%s, %s, 'demo')", (tenant, project_id)
        )
        connection.execute(
            "insert into runs (tenant_id, id, kind, project_id, created_by) values (%s, %s, 'workflow', %s, 'x')",
            (tenant, run_id, project_id),
        )
    return run_id


def persona(db, tenant: UUID, key: str = "architect"):
    with db.transaction(tenant) as connection:
        return service.by_key(connection, tenant, key)


def use(db, tenant: UUID, persona_id: UUID, run_id: UUID, step: str = "analyse") -> int:
    with db.transaction(tenant) as connection:
        return service.used(connection, tenant, persona_id, run_id=run_id, step=step)


def test_a_use_is_10_xp(db, tenant: UUID, run_id: UUID) -> None:
    assert use(db, tenant, persona(db, tenant).id, run_id) == 10
    assert (persona(db, tenant).xp, persona(db, tenant).uses) == (10, 1)


def test_a_step_that_is_recorded_again_counts_once_and_another_step_or_run_counts(
    db, tenant: UUID, run_id: UUID
) -> None:
    architect = persona(db, tenant).id
    assert [use(db, tenant, architect, run_id) for _ in range(3)] == [10, 10, 10]
    assert use(db, tenant, architect, run_id, step="report") == 20
    assert use(db, tenant, architect, make_run(db, tenant)) == 30
    assert persona(db, tenant, "reviewer").xp == 0


def test_a_step_that_is_not_recorded_counts_nothing(db, tenant: UUID, run_id: UUID) -> None:
    architect = persona(db, tenant).id
    with pytest.raises(RuntimeError, match="crash"), db.transaction(tenant) as connection:
        service.used(connection, tenant, architect, run_id=run_id, step="analyse")
        raise RuntimeError("crash")
    assert persona(db, tenant).xp == 0
    assert use(db, tenant, architect, run_id) == 10


def test_of_many_at_once_none_is_lost_and_none_is_counted_twice(
    tenant: UUID, run_id: UUID, db, more_databases
) -> None:
    architect = persona(db, tenant).id
    databases = [more_databases() for _ in range(4)]

    def record(number: int) -> int:  # each of 20 steps twice
        return use(databases[number % 4], tenant, architect, run_id, step=f"s{number // 2}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(record, range(40)))
    assert (persona(db, tenant).xp, persona(db, tenant).uses) == (200, 20)


def test_progress_is_a_tenant_s_own_and_outlives_the_run(db, tenant: UUID, run_id: UUID, new_tenant) -> None:
    use(db, tenant, persona(db, tenant).id, run_id)
    with db.transaction(tenant) as connection:
        connection.execute("delete from runs where id = %s", (run_id,))
    assert persona(db, tenant).xp == 10
    assert persona(db, new_tenant()).xp == 0


def test_a_persona_or_a_run_that_is_not_there_is_named(db, tenant: UUID, run_id: UUID, new_tenant) -> None:
    other = new_tenant()
    theirs, unknown = own(db, other), uuid7()
    for wrong in (theirs, unknown):
        with pytest.raises(NotFound, match=str(wrong)):
            use(db, tenant, wrong, run_id)
    for wrong in (make_run(db, other), unknown):
        with pytest.raises(NotFound, match=str(wrong)):
            use(db, tenant, persona(db, tenant).id, wrong)


def own(db, tenant: UUID, key: str = "ours") -> UUID:
    with db.transaction(tenant) as connection:
        base = service.by_key(connection, tenant, "architect")
        row = vars(base) | {"id": uuid7(), "key": key, "created_at": clock.now()}
        repository.insert_persona(connection, tenant, type(base)(**row))
        return row["id"]


def test_a_persona_that_was_deleted_while_the_run_went_on_is_counted_still(
    db, tenant: UUID, run_id: UUID
) -> None:
    ours = own(db, tenant)
    with db.transaction(tenant) as connection:
        assert repository.delete_persona(connection, tenant, ours, clock.now())
        assert service.by_id(connection, tenant, ours).gone
        with pytest.raises(NotFound, match="'ours': there are api-designer, architect"):
            service.by_key(connection, tenant, "ours")
    assert use(db, tenant, ours, run_id) == 10


def test_a_tenant_s_own_comes_before_a_built_in_one_that_a_later_version_calls_the_same(
    db, tenant: UUID
) -> None:
    ours = own(db, tenant, key="architect")
    assert persona(db, tenant).id == ours


def test_a_use_is_never_taken_back(db, tenant: UUID, run_id: UUID) -> None:
    use(db, tenant, persona(db, tenant).id, run_id)
    for statement in (
        "delete from persona_uses",
        "update persona_uses set attempt = 2",
        "delete from personas",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction(tenant) as connection:
            connection.execute(statement)

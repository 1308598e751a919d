"""The nearest neighbours of a tenant: found by the HNSW index, all of them, and never another tenant's."""

from __future__ import annotations

import psycopg
import pytest

from nyxcore.ids import uuid7

# one row in a hundred is the small tenant's: the case in which RLS alone gave 0.2 rows of 10
BIG, SMALL = 1_200, 12
NEAREST = (
    "select id, embedding <=> %(probe)s::vector as distance from workflow_insights"
    " where tenant_id = {tenant} order by embedding <=> %(probe)s::vector limit 10"
)
FILL = """
insert into workflow_insights (tenant_id, id, insight_type, title, detail, embedding, embedding_model)
select %(tenant)s, gen_random_uuid(), 'pattern', 't', 'd',
    (select array_agg(case when d %% 50 = n %% 50 then random() else 0 end) from generate_series(1, 1536) d)::vector,
    'test'
from generate_series(1, %(count)s) n
"""
PROBE = str([1.0 if number % 50 == 7 else 0.0 for number in range(1536)])


@pytest.fixture(scope="module")
def filled(postgres):
    """A database with a big and a small tenant; yields a connection of nyx_app, and the two."""
    name = postgres.create()
    big, small = uuid7(), uuid7()
    with psycopg.connect(postgres.urls(name).owner_url) as owner:
        owner.execute("select setseed(0.5)")
        for tenant, count in ((big, BIG), (small, SMALL)):
            owner.execute("insert into tenants (id) values (%s)", (tenant,))
            owner.execute("select set_config('app.tenant_id', %s, true)", (str(tenant),))
            owner.execute(FILL, {"tenant": tenant, "count": count})
    with psycopg.connect(postgres.urls(name).superuser_url, autocommit=True) as superuser:
        superuser.execute("analyze workflow_insights")
    with psycopg.connect(postgres.urls(name).app_url, autocommit=True) as app:
        yield app, big, small
    postgres.drop(name)


def nearest(app: psycopg.Connection, tenant, prefix: str = "") -> list:
    with app.transaction():
        app.execute("select set_config('app.tenant_id', %s, true)", (str(tenant),))
        app.execute("set local hnsw.iterative_scan = relaxed_order")
        assert app.execute("show hnsw.iterative_scan").fetchone() == ("relaxed_order",)
        return app.execute(prefix + NEAREST.format(tenant=f"'{tenant}'"), {"probe": PROBE}).fetchall()


def test_the_nearest_rows_of_a_big_tenant_are_found_by_the_hnsw_index(filled) -> None:
    app, big, _ = filled
    plan = "\n".join(row[0] for row in nearest(app, big, "explain "))
    assert "Index Scan using workflow_insights_embedding on workflow_insights" in plan, plan
    assert "Order By: (embedding <=> " in plan
    assert len(nearest(app, big)) == 10


def test_a_small_tenant_gets_all_of_its_nearest_rows_and_nobody_elses(filled) -> None:
    app, _, small = filled
    found = nearest(app, small)
    with app.transaction():
        app.execute("select set_config('app.tenant_id', %s, true)", (str(small),))
        exact = app.execute(
            "select id, embedding <=> %(probe)s::vector as distance from workflow_insights"
            " order by (embedding <=> %(probe)s::vector) + 0 limit 10",
            {"probe": PROBE},
        ).fetchall()
    assert len(found) == 10
    assert sorted(distance for _, distance in found) == pytest.approx([distance for _, distance in exact])


def test_a_vector_of_another_length_is_refused(filled) -> None:
    app, big, _ = filled
    with (
        pytest.raises(psycopg.errors.DataException, match="expected 1536 dimensions, not 1024"),
        app.transaction(),
    ):
        app.execute("select set_config('app.tenant_id', %s, true)", (str(big),))
        app.execute("update workflow_insights set embedding = %s::vector", (str([0.5] * 1024),))

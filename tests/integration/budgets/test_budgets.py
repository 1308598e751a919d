"""Money is held before a model is called and settled afterwards: no limit is passed, nothing is paid twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from purse import Purse, entry

from nyxcore import clock
from nyxcore.budgets import service
from nyxcore.budgets.models import BudgetDraft, Limit
from nyxcore.budgets.service import BudgetExceeded
from nyxcore.credentials import sealing
from nyxcore.credentials import service as credentials
from nyxcore.credentials.models import CredentialDraft
from nyxcore.credentials.sealing import FileKeys
from nyxcore.db.connection import Database
from nyxcore.errors import Conflict, Forbidden, NotFound
from nyxcore.ids import uuid7
from nyxcore.llm.models import Amount, ModelAnswer
from nyxcore.llm.stored_calls import StoredCall
from nyxcore.runs.sweep import sweep
from nyxcore.storage import objects


def test_what_is_held_counts_until_it_is_settled_and_the_rest_comes_back(purse: Purse) -> None:
    purse.limit(monthlyUsd=10, monthlyTokens=5000)
    purse.reserve("1", 1000)
    budget = purse.budget()
    assert (budget.held_usd, budget.held_tokens, budget.spent_usd) == (1, 1000, 0)
    assert purse.settle(entry("0.25")) == Amount(Decimal("0.25"), 120)
    budget = purse.budget()
    assert (budget.held_usd, budget.held_tokens) == (0, 0)
    assert (budget.spent_usd, budget.spent_tokens) == (Decimal("0.25"), 120)
    assert purse.budget(purse.project_id).spent_usd == Decimal("0.25")


def test_without_a_limit_anything_may_be_spent_and_is_counted(purse: Purse) -> None:
    purse.reserve("1000000", 10**9)
    purse.settle(entry("3"))
    assert (purse.budget().monthly_usd, purse.budget().spent_usd) == (None, 3)


@pytest.mark.parametrize(
    ("limits", "whose"),
    [
        (
            {"monthlyUsd": 1.5},
            r"the tenant's month is 1\.5 USD: 0 are spent, 1 are held .* may cost up to 1\.",
        ),
        ({"monthlyTokens": 1500}, "the tenant's month is 1500 tokens"),
        ({"runUsd": 1.5}, r"the run is 1\.5 USD"),
        ({"runTokens": 1500}, "the run is 1500 tokens"),
    ],
)
def test_an_attempt_whose_most_does_not_fit_is_refused_with_the_reason(
    purse: Purse, limits, whose: str
) -> None:
    purse.limit(**limits)
    purse.reserve()
    with pytest.raises(BudgetExceeded, match=whose):
        purse.reserve(of=purse.attempt(2))
    purse.settle(entry("0.25"))  # what comes back makes room
    purse.reserve(of=purse.attempt(2))


def test_exactly_the_limit_may_be_spent(purse: Purse) -> None:
    purse.limit(monthlyUsd=1, monthlyTokens=1000)
    purse.reserve("1", 1000)


def test_a_project_s_limit_binds_the_project_and_the_tenant_s_binds_all(purse: Purse) -> None:
    other = purse.project()
    others_run = purse.attempt(run_id=purse.run(other))
    purse.limit(purse.project_id, monthlyUsd=1)
    purse.limit(monthlyUsd=2)
    purse.reserve("1")
    with pytest.raises(BudgetExceeded, match="the project's month"):
        purse.reserve("0.1", of=purse.attempt(2))
    purse.reserve("1", of=others_run, project_id=other)
    with pytest.raises(BudgetExceeded, match="the tenant's month"):
        purse.reserve("0.1", of=purse.attempt(2, run_id=others_run.run_id), project_id=other)


def test_the_tightest_limit_of_a_run_holds_and_other_runs_are_not_counted(purse: Purse) -> None:
    purse.limit(runUsd=5)
    purse.limit(purse.project_id, runUsd=3)
    with pytest.raises(BudgetExceeded, match="the run is 3 USD"):
        purse.reserve("4")
    with pytest.raises(BudgetExceeded, match="the run is 2 USD"):
        purse.reserve("2.5", run_limit=Limit(usd=Decimal(2)))
    purse.reserve("2.5", run_limit=Limit(tokens=5000))
    purse.settle(entry("2"))
    with pytest.raises(BudgetExceeded, match="the run is 3 USD: 2 are spent"):
        purse.reserve("1.5", of=purse.attempt(2))
    purse.reserve("3", of=purse.attempt(run_id=purse.run()))


def test_without_a_limit_the_most_is_held_and_below_one_no_more_than_leaves_room_for_a_thousand(
    purse: Purse,
) -> None:
    most = Amount(Decimal(3), 3000)
    assert purse.reserve("1", 1000, most=most).amount == most
    purse.limit(purse.project_id, monthlyUsd=1003)
    assert purse.reserve("1", 1000, most=most, of=purse.attempt(2)).amount == Amount(Decimal(1), 3000)
    purse.limit(purse.project_id, monthlyUsd=2004, runTokens=10**7)
    assert purse.reserve("1", 1000, most=most, of=purse.attempt(3)).amount == Amount(Decimal(2), 3000)
    purse.limit(purse.project_id, runUsd=7)
    assert purse.reserve("1", 1000, most=most, of=purse.attempt(4)).amount.usd == 1
    with pytest.raises(BudgetExceeded, match="the run is 7 USD: 0 are spent, 7 are held"):
        purse.reserve("1", 1000, most=most, of=purse.attempt(5))


def test_what_costs_nothing_may_be_done_when_everything_is_spent(purse: Purse) -> None:
    purse.limit(monthlyUsd=1)
    purse.reserve("1")
    purse.settle(entry("1.5"))
    assert purse.reserve("0", of=purse.attempt(2)).amount == Amount(Decimal(0), 1000)


def test_reserving_the_same_attempt_again_holds_it_once(purse: Purse) -> None:
    purse.limit(monthlyUsd=1)
    assert purse.reserve("1") == purse.reserve("1")
    assert purse.budget().held_usd == 1


def test_a_settled_attempt_is_over(purse: Purse) -> None:
    purse.reserve()
    purse.settle(entry())
    with pytest.raises(Conflict, match="make another attempt"):
        purse.reserve()


def test_settling_twice_enters_and_counts_once(purse: Purse) -> None:
    purse.reserve()
    purse.settle(entry("0.25"), entry("0.5", number=2))
    assert purse.settle(entry("0.25"), entry("0.5", number=2)) == Amount()
    assert [row["number"] for row in purse.ledger()] == [1, 2]
    assert purse.budget().spent_usd == Decimal("0.75")


def test_a_retried_record_that_knows_more_enters_only_the_new(purse: Purse) -> None:
    purse.reserve()
    purse.settle(entry("0.25"))
    assert purse.settle(entry("0.25"), entry("0.5", number=2)).usd == Decimal("0.5")


def test_the_ledger_keeps_every_attempt_as_it_was(purse: Purse) -> None:
    purse.reserve()
    purse.settle(
        entry("0.25", outcome="failed", error_code="model_answer_cut", upper_bound=True),
        entry("0.1", number=2, cached_tokens=40),
    )
    failed, succeeded = purse.ledger()
    assert (failed["outcome"], failed["error_code"], failed["upper_bound"]) == (
        "failed",
        "model_answer_cut",
        True,
    )
    assert (succeeded["cached_tokens"], succeeded["price_version"], succeeded["latency_ms"]) == (
        40,
        "tenant",
        900,
    )
    assert (succeeded["run_id"], succeeded["step"], succeeded["attempt"]) == (purse.run_id, "analyse", 1)


def test_nothing_can_be_settled_that_was_not_reserved(purse: Purse) -> None:
    with pytest.raises(NotFound, match="nothing was reserved for attempt 1 of step analyse"):
        purse.settle(entry())
    assert purse.ledger() == []


def test_more_than_was_held_is_counted_all_the_same(purse: Purse) -> None:
    purse.limit(monthlyUsd=1)
    purse.reserve("1")
    purse.settle(entry("1.5"))
    assert purse.budget().spent_usd == Decimal("1.5")
    with pytest.raises(BudgetExceeded):
        purse.reserve("0.01", of=purse.attempt(2))


# ---- the sweep ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("storage")
def test_what_never_was_recorded_comes_back_when_its_time_is_over(purse: Purse, monkeypatch) -> None:
    purse.limit(monthlyUsd=1)
    purse.reserve("1")
    assert purse.release() == 0
    later = clock.now() + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert purse.release() == 1
    assert purse.release() == 0
    purse.reserve("1", of=purse.attempt(2))


@pytest.mark.usefixtures("storage")
def test_what_the_caller_has_written_down_is_spent_though_its_record_never_came(purse: Purse) -> None:
    purse.reserve("1", lifetime=timedelta(0))
    purse.reserve("1", of=purse.attempt(2), lifetime=timedelta(0))
    answered, begun = (
        StoredCall.of(purse.tenant_id, attempt.run_id, attempt.step, attempt.attempt)
        for attempt in (purse.attempt(), purse.attempt(2))
    )
    answer = ModelAnswer(text="x", model="ours:m", calls=(entry("0.25"),))
    objects.put(answered.answer, answer.model_dump_json(by_alias=True).encode())
    unknown = entry("0.5", outcome="unknown").model_dump(mode="json", by_alias=True)
    objects.put(begun.attempts, json.dumps([unknown]).encode())
    assert purse.release() == 2
    assert [(row["usd"], row["outcome"]) for row in purse.ledger()] == [
        (Decimal("0.25"), "succeeded"),
        (Decimal("0.5"), "unknown"),
    ]
    assert purse.budget().spent_usd == Decimal("0.75") and purse.budget().held_usd == 0


@pytest.mark.usefixtures("storage")
def test_a_record_that_comes_after_all_is_counted_once(purse: Purse, monkeypatch) -> None:
    purse.reserve("1", lifetime=timedelta(0))
    assert purse.release() == 1
    assert purse.settle(entry("0.25")).usd == Decimal("0.25")
    assert purse.settle(entry("0.25")) == Amount()
    assert purse.budget().spent_usd == Decimal("0.25")
    with pytest.raises(Conflict):
        purse.reserve("1")


# ---- months -------------------------------------------------------------------------------------------


def test_a_new_month_begins_with_nothing_spent_and_is_utc_s(purse: Purse, monkeypatch) -> None:
    purse.limit(monthlyUsd=1)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    purse.reserve("1")
    assert purse.budget().month == "2026-11"
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 1, 0, 0, tzinfo=UTC))
    purse.reserve("1", of=purse.attempt(2))
    purse.settle(entry("0.75"))  # was reserved in November, and counts there
    assert (purse.budget().month, purse.budget().spent_usd, purse.budget().held_usd) == ("2026-12", 0, 1)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert purse.budget().spent_usd == Decimal("0.75")


# ---- two at once --------------------------------------------------------------------------------------


def test_of_many_who_want_the_last_cents_at_once_exactly_as_many_get_them_as_there_are(
    purse: Purse, more_databases: Callable[[], Database]
) -> None:
    purse.limit(monthlyUsd=0.03)
    outcomes: list[bool] = []
    start = threading.Barrier(8)

    def one(number: int, database: Database) -> None:
        start.wait()
        try:
            purse.reserve("0.01", of=purse.attempt(number), db=database)
        except BudgetExceeded:
            outcomes.append(False)
        else:
            outcomes.append(True)

    threads = [threading.Thread(target=one, args=(number, more_databases())) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 5 + [True] * 3
    assert purse.budget().held_usd == Decimal("0.03")


def test_the_same_record_from_two_at_once_is_counted_once(
    purse: Purse, more_databases: Callable[[], Database]
) -> None:
    purse.reserve("1")
    counted: list[Decimal] = []
    start = threading.Barrier(4)

    def one(database: Database) -> None:
        start.wait()
        counted.append(purse.settle(entry("0.25"), db=database).usd)

    threads = [threading.Thread(target=one, args=(more_databases(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counted) == [0, 0, 0, Decimal("0.25")]
    assert purse.budget().spent_usd == Decimal("0.25")


# ---- who may see and set -------------------------------------------------------------------------------


def test_setting_a_budget_replaces_it_and_leaves_a_trace(purse: Purse) -> None:
    purse.limit(monthlyUsd=10, runTokens=7)
    budget = purse.limit(monthlyUsd=2.5)
    assert (budget.monthly_usd, budget.run_tokens) == (Decimal("2.5"), None)
    with purse.db.transaction(purse.tenant_id) as connection:
        rows = connection.execute("select action, target, details from audit_log order by id").fetchall()
    assert [row["action"] for row in rows] == ["budget.set"] * 2
    assert rows[-1]["target"] == f"tenant:{purse.tenant_id}"
    assert Decimal(rows[-1]["details"]["monthly_usd"]) == Decimal("2.5")


def test_a_principal_pinned_to_a_project_sees_and_sets_that_alone(purse: Purse) -> None:
    other = purse.project()
    purse.limit(other, monthlyUsd=1)
    pinned = purse.principal(purse.project_id)
    with purse.db.transaction(purse.tenant_id) as connection:
        assert service.put_budget(connection, pinned, BudgetDraft(projectId=purse.project_id)).project_id
        with pytest.raises(Forbidden, match="pinned to a project"):
            service.put_budget(connection, pinned, BudgetDraft())
        with pytest.raises(NotFound):
            service.put_budget(connection, pinned, BudgetDraft(projectId=other))
    assert [one.project_id for one in purse.budgets(pinned)] == [purse.project_id]


def test_a_project_that_is_not_there_has_no_budget(purse: Purse) -> None:
    with pytest.raises(NotFound):
        purse.limit(uuid7(), monthlyUsd=1)


def test_the_ledger_outlives_the_project_and_is_never_rewritten(purse: Purse) -> None:
    purse.limit(purse.project_id, monthlyUsd=5)
    purse.reserve()
    purse.settle(entry("0.25"))
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        purse.db.transaction(purse.tenant_id) as connection,
    ):
        connection.execute("update llm_calls set usd = 0")
    with purse.db.transaction(purse.tenant_id) as connection:
        connection.execute("delete from projects where id = %s", (purse.project_id,))
    (row,) = purse.ledger()
    assert (row["project_id"], row["run_id"], row["usd"]) == (None, None, Decimal("0.25"))
    assert [one.project_id for one in purse.budgets()] == [None]
    assert purse.budget().spent_usd == Decimal("0.25")


def test_another_tenant_s_budget_is_its_own(
    purse: Purse, db: Database, new_tenant: Callable[[], UUID]
) -> None:
    other = Purse(db, new_tenant())
    purse.limit(monthlyUsd=0)
    other.reserve("1")
    with pytest.raises(BudgetExceeded):
        purse.reserve("1")


def sealed_secret(purse: Purse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileKeys:
    """The keys under which the tenant has a secret."""
    keys = FileKeys(tmp_path / "keys.json")
    monkeypatch.setattr(sealing, "keys", lambda: keys)
    draft = CredentialDraft(name="ours", protocol="openai", secret="a-secret-of-many-letters")
    with purse.db.transaction(purse.tenant_id) as connection:
        credentials.put_credential(connection, purse.principal(), draft)
    return keys


@pytest.mark.usefixtures("storage")
def test_the_sweep_gives_back_and_re_encrypts(
    purse: Purse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = sealed_secret(purse, tmp_path, monkeypatch)
    new = keys.add()
    purse.reserve("1", lifetime=timedelta(0))
    result = sweep(purse.db)
    assert (result.reservations, result.credentials, result.failed) == (1, 1, [])
    assert sweep(purse.db).credentials == 0
    with purse.db.transaction(purse.tenant_id) as connection:
        (row,) = connection.execute("select key_id from credentials").fetchall()
    assert row["key_id"] == new


@pytest.mark.usefixtures("storage")
def test_a_tenant_whose_secrets_cannot_be_re_encrypted_stops_no_other_part_of_the_sweep(
    purse: Purse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sealed_secret(purse, tmp_path, monkeypatch)
    (tmp_path / "keys.json").chmod(0o644)
    purse.reserve("1", lifetime=timedelta(0))
    result = sweep(purse.db)
    assert (result.reservations, result.credentials, result.failed) == (1, 0, [purse.tenant_id])

"""A tenant with a project and runs that spend."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.budgets import service
from nyxcore.budgets.models import Attempt, Budget, BudgetDraft, Reservation
from nyxcore.budgets.overdue import settle_overdue
from nyxcore.db.connection import Database
from nyxcore.ids import uuid7
from nyxcore.llm.models import Amount, LedgerEntry
from nyxcore.tenancy.models import Principal


def entry(usd: str = "0.25", *, number: int = 1, **changes: Any) -> LedgerEntry:
    values: dict[str, Any] = {
        "number": number, "protocol": "openai", "model": "openai:gpt-5", "input_tokens": 100, "output_tokens": 20,
        "cached_tokens": 0, "usd": Decimal(usd), "price_version": "tenant", "latency_ms": 900,
        "outcome": "succeeded", "started_at": clock.now(),
    }  # fmt: skip
    return LedgerEntry(**(values | changes))


class Purse:
    """Short words for what a tenant's money goes through."""

    def __init__(self, db: Database, tenant_id: UUID) -> None:
        self.db, self.tenant_id = db, tenant_id
        self.project_id = self.project()
        self.run_id = self.run()

    def project(self) -> UUID:
        return self._insert("insert into projects (tenant_id, id, name) values (%s, %s, 'demo')")

    def run(self, project_id: UUID | None = None) -> UUID:
        return self._insert(
            "insert into runs (tenant_id, id, kind, project_id, created_by)"
            f" values (%s, %s, 'workflow', '{project_id or self.project_id}', 'test')"
        )

    def _insert(self, statement: str) -> UUID:
        new = uuid7()
        with self.db.transaction(self.tenant_id) as connection:
            connection.execute(statement, (self.tenant_id, new))
        return new

    def limit(self, project_id: UUID | None = None, **limits: Any) -> Budget:
        with self.db.transaction(self.tenant_id) as connection:
            draft = BudgetDraft(projectId=project_id, **limits)
            return service.put_budget(connection, self.principal(), draft)

    def principal(self, project_id: UUID | None = None) -> Principal:
        return Principal(self.tenant_id, "token:test", frozenset({"admin"}), project_id=project_id)

    def attempt(self, number: int = 1, *, step: str = "analyse", run_id: UUID | None = None) -> Attempt:
        return Attempt(run_id or self.run_id, step, number)

    def reserve(
        self,
        usd: str = "1",
        tokens: int = 1000,
        *,
        of: Attempt | None = None,
        db: Database | None = None,
        most: Amount | None = None,
        **more: Any,
    ) -> Reservation:
        options: dict[str, Any] = {"project_id": self.project_id} | more
        least = Amount(Decimal(usd), tokens)
        with (db or self.db).transaction(self.tenant_id) as connection:
            return service.reserve(
                connection, self.tenant_id, of or self.attempt(), least=least, most=most or least, **options
            )

    def settle(self, *entries: LedgerEntry, of: Attempt | None = None, db: Database | None = None) -> Amount:
        with (db or self.db).transaction(self.tenant_id) as connection:
            return service.settle(connection, self.tenant_id, of or self.attempt(), entries)

    def release(self) -> int:
        return settle_overdue(self.db, self.tenant_id)

    def budget(self, project_id: UUID | None = None) -> Budget:
        (found,) = [one for one in self.budgets() if one.project_id == project_id]
        return found

    def budgets(self, principal: Principal | None = None) -> Sequence[Budget]:
        with self.db.transaction(self.tenant_id) as connection:
            return service.list_budgets(connection, principal or self.principal())

    def ledger(self) -> list[dict[str, Any]]:
        with self.db.transaction(self.tenant_id) as connection:
            return connection.execute("select * from llm_calls order by step, attempt, number").fetchall()

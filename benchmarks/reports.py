"""Reports of a run with 13,000 findings: how long each style takes to make, and how long the reports are."""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from moto import mock_aws

from nyx.postgres import Postgres, bundled_binaries, free_port
from nyxcore.analysis import wording
from nyxcore.analysis.models import Finding as EngineFinding
from nyxcore.analysis.models import Options
from nyxcore.analysis.rulebook import rules
from nyxcore.db import roles
from nyxcore.db.connection import Connection, Database
from nyxcore.db.migrate import migrate
from nyxcore.findings import repository as findings
from nyxcore.findings.models import Evidence, FindingRow, FixRow, Settlement
from nyxcore.ids import uuid7
from nyxcore.reports import generator
from nyxcore.reports.models import Report, Style
from nyxcore.runs import repository, service
from nyxcore.settings import settings
from nyxcore.storage import objects
from nyxcore.tenancy import service as tenancy

FINDINGS, FILES, FIXED_EVERY = 13_000, 2_600, 4
TIMES = 3

_BEFORE = " def value_of(values, key, default):\n" * 3
_DIFF = "--- a/{0}\n+++ b/{0}\n@@ -{1},7 +{1},7 @@\n" + f"{_BEFORE}-    old = 1\n+    new = 1\n{_BEFORE}"
_CHECKS = (
    "finding_gone",
    "nothing_new",
    "parses",
    "other_files",
    "combined",
    "patch_applies",
    "tests_not_run",
)
_EVIDENCE = [Evidence(check=check, ok=True, detail="a sentence on what was done") for check in _CHECKS]


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, figure, target)."""
    with _database() as (owner, db):
        tenant_id, project_id, repository_id = _tenant(owner)
        earlier = _run(db, tenant_id, project_id, repository_id, first=500)
        run_id = _run(db, tenant_id, project_id, repository_id, first=0)
        assert earlier < run_id  # ids are in the order of time: the second is compared with the first
        return [_style(db, tenant_id, run_id, style) for style in get_args(Style)]


def _style(db: Database, tenant_id: UUID, run_id: UUID, style: Style) -> tuple[str, str, str]:
    seconds, cpu = [], []
    for _ in range(TIMES):
        started, used = time.perf_counter(), time.process_time()
        made = _make(db, tenant_id, run_id, style)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    took = f"{statistics.median(seconds):.2f} s, {statistics.median(cpu):.2f} s of CPU"
    size = f"{made.content.count(chr(10)):,} lines, {len(made.content.encode()) / 1000:,.0f} kB"
    figure = f"{took}: {size}"
    return f"{style} report of a run with {FINDINGS:,} findings", figure, "≤ 1 s"


def _make(db: Database, tenant_id: UUID, run_id: UUID, style: Style) -> Report:
    with db.transaction(tenant_id) as connection:
        return generator.create(connection, tenant_id, run_id, style=style)


@contextmanager
def _database() -> Iterator[tuple[Database, Database]]:
    """A fresh database, as its owner and as functions see it, and an S3 in this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        os.environ.setdefault(name, "us-east-1")
    with tempfile.TemporaryDirectory(prefix="nyxcore-bench-") as folder, mock_aws():
        Path(folder).chmod(0o755)  # root hands the data to another user, who has to get there
        objects.client().create_bucket(Bucket=settings().bucket)
        server = Postgres(bundled_binaries(), Path(folder) / "data", free_port())
        try:
            server.initdb()
            server.start()
            roles.bootstrap(server.superuser_url, owner_password="owner", app_password="app")
            migrate(server.url(roles.OWNER, "owner", roles.DATABASE))
            owner, app = (
                Database(server.url(role, password, roles.DATABASE))
                for role, password in ((roles.OWNER, "owner"), (roles.APP, "app"))
            )
            yield owner, app
            owner.close()
            app.close()
        finally:
            server.stop()


def _tenant(owner: Database) -> tuple[UUID, UUID, UUID]:
    tenant_id, project_id, repository_id = uuid7(), uuid7(), uuid7()
    with owner.tenantless() as connection:
        tenancy.create_tenant(connection, tenant_id, "bench")
        connection.execute(
            "insert into projects (tenant_id, id, name) values (%s, %s, 'bench')", (tenant_id, project_id)
        )
        connection.execute(
            "insert into repositories (tenant_id, id, project_id, source, name)"
            " values (%s, %s, %s, 'archive', 'bench')",
            (tenant_id, repository_id, project_id),
        )
    return tenant_id, project_id, repository_id


def _run(db: Database, tenant_id: UUID, project_id: UUID, repository_id: UUID, *, first: int) -> UUID:
    """A finished run with `FINDINGS` findings, of which every fourth is fixed; those from `first` on are told apart."""
    run_id = uuid7()
    values: dict[str, Any] = {"kind": "auto-fix", "project_id": project_id, "repository_id": repository_id}
    values |= {"retry_of": None, "source": {}, "input": None, "options": {}, "created_by": "bench"}
    with db.transaction(tenant_id) as connection:
        repository.insert(connection, tenant_id, run_id, values)
        repository.start(connection, tenant_id, run_id, 3600)
    with db.transaction(tenant_id) as connection:
        _fill(connection, tenant_id, run_id, first)
        service.append(connection, tenant_id, run_id, [], counts={"files": FILES, "findings": FINDINGS})
    with db.transaction(tenant_id) as connection:
        service.finish_run(connection, tenant_id, run_id, "succeeded")
    return run_id


def _fill(connection: Connection, tenant_id: UUID, run_id: UUID, first: int) -> None:
    known = itertools.cycle(sorted(rules().values(), key=lambda rule: rule.id))
    rows = [
        FindingRow(
            id=uuid7(), position=place, category=rule.category, severity=rule.severity, rule=rule.id,
            title=rule.title, message=f"`name{place}` is used where something else was meant",
            file=f"package/part{place % 40}/module{place % FILES}.py", start_line=place // FILES * 7 + 1,
            end_line=place // FILES * 7 + 1, source="ruff", fingerprint=f"{first + place:040x}",
        )
        for place, rule in zip(range(FINDINGS), known, strict=False)
    ]  # fmt: skip
    fixes = [
        FixRow(
            id=uuid7(), position=place, file=row.file, base_sha256=b"\1" * 32, edits=[],
            diff=_DIFF.format(row.file, row.start_line), explanation="What the fix does and why.", safe=True,
            evidence=_EVIDENCE,
        )
        for place, row in enumerate(rows[::FIXED_EVERY])
    ]  # fmt: skip
    options = Options()
    reasons = [
        wording.no_offer(EngineFinding(row.rule, "", 0, 1, 1, 1, None), options, parses=True, too_many=False)
        for row in rows
    ]
    settlements = [
        Settlement(row.id, "fixed", None, fixes[place // FIXED_EVERY].id)
        if place % FIXED_EVERY == 0
        else Settlement(row.id, "no_fix", reason)
        for place, (row, reason) in enumerate(zip(rows, reasons, strict=True))
    ]
    findings.insert_findings(connection, tenant_id, run_id, rows)
    findings.insert_fixes(connection, tenant_id, run_id, fixes)
    findings.settle_findings(connection, tenant_id, run_id, settlements)

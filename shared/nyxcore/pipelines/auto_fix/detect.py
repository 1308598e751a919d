"""Detect: the findings of one pack, written as they come."""

from __future__ import annotations

from nyxcore.analysis import service as analysis
from nyxcore.analysis.models import Progress
from nyxcore.db.connection import Database
from nyxcore.findings import repository as findings_repository
from nyxcore.findings.models import finding_event_item
from nyxcore.pipelines.auto_fix.progress import PackProgress
from nyxcore.pipelines.auto_fix.records import PACK_STRIDE, Record, finding_row
from nyxcore.pipelines.auto_fix.scan import options_of, settings_of
from nyxcore.pipelines.auto_fix.workfolder import known_records, work_folder
from nyxcore.pipelines.task import TaskInput
from nyxcore.runs import repository as runs_repository
from nyxcore.runs import service as runs
from nyxcore.runs.models import item_events


def detect(db: Database, task: TaskInput) -> None:
    """Scan one pack; its records go to S3, its findings to Postgres and into the run's events.

    Raises
    ------
    RunFinished : the run ended meanwhile; the scan is stopped.
    ToolFailed : a tool broke down.
    """
    progress = PackProgress(db, task, phase="detecting", unit="files")
    position = task.pack * PACK_STRIDE

    def on_progress(report: Progress) -> None:
        nonlocal position
        if report.items:
            _record(db, task, report.items, position)
            position += len(report.items)
        progress.report(report.done, report.total)

    with work_folder(task) as work:
        plan = work.plan()
        files = work.unpack(work.manifest(), task.pack)
        detected, words = work.root / "detected", work.root / "words"
        analysis.detect(
            work.tree,
            files=files,
            settings=settings_of(plan),
            options=options_of(plan),
            out=detected,
            words=words,
            known=[*known_records(work, plan, task, "detected"), *known_records(work, plan, task, "words")],
            on_progress=on_progress,
        )
        for path in (detected, words):
            work.keep(path, plan.known_key(task.tenant_id, task.run_id, f"{path.name}-{task.pack:04d}"))


def _record(db: Database, task: TaskInput, items: tuple[Record, ...], position: int) -> None:
    rows = [finding_row(task.run_id, item, position + index) for index, item in enumerate(items)]
    with db.transaction(task.tenant_id) as connection:
        new = findings_repository.insert_findings(connection, task.tenant_id, task.run_id, rows)
        fresh = [finding_event_item(task.run_id, row) for row in rows if row.id in new]
        # under the run's lock, since other packs count into the same number
        row = runs_repository.lock(connection, task.tenant_id, task.run_id)
        before = row["counts"].get("findings", 0) if row else 0
        counts = {"findings": before + len(new)}
        runs.append(connection, task.tenant_id, task.run_id, item_events("findings", fresh), counts=counts)

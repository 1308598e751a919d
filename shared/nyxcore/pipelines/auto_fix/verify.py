"""Verify: every fix of one pack, applied by itself and scanned again."""

from __future__ import annotations

from nyxcore.analysis import service as analysis
from nyxcore.analysis.models import Progress
from nyxcore.db.connection import Database
from nyxcore.pipelines.auto_fix.progress import PackProgress
from nyxcore.pipelines.auto_fix.scan import options_of, settings_of
from nyxcore.pipelines.auto_fix.workfolder import known_records, own_record, work_folder
from nyxcore.pipelines.task import TaskInput
from nyxcore.runs import service as runs


def verify(db: Database, task: TaskInput) -> None:
    """Judge the fixes of one pack; the verdicts go to S3.

    Raises
    ------
    RunFinished : the run ended meanwhile; the work is stopped.
    ToolFailed : a tool broke down.
    """
    with db.transaction(task.tenant_id) as connection:
        runs.phase_started(connection, task.tenant_id, task.run_id, "fixing", 0, "fixes")
    progress = PackProgress(db, task, phase="fixing", unit="fixes")

    def on_progress(report: Progress) -> None:
        progress.report(report.done, report.total)

    with work_folder(task) as work:
        plan = work.plan()
        work.unpack(work.manifest(), task.pack)
        detected = own_record(work, plan, task, "detected", task.pack)
        verified = work.root / "verified"
        analysis.verify(
            work.tree,
            detected=detected,
            settings=settings_of(plan),
            options=options_of(plan),
            out=verified,
            known=known_records(work, plan, task, "verified"),
            on_progress=on_progress,
        )
        work.keep(verified, plan.known_key(task.tenant_id, task.run_id, f"verified-{task.pack:04d}"))

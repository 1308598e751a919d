"""Combine: all fixes together over the whole tree; every finding is settled and the patch is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from nyxcore.analysis import service as analysis
from nyxcore.analysis.models import Progress
from nyxcore.db.connection import Database
from nyxcore.findings import repository as findings_repository
from nyxcore.findings.models import finding_event_item, fix_event_item
from nyxcore.pipelines.auto_fix.keys import (
    OUTCOME,
    OUTCOME_PATCH,
    Known,
    Plan,
    known_index_key,
)
from nyxcore.pipelines.auto_fix.progress import PackProgress
from nyxcore.pipelines.auto_fix.records import finding_row, fix_row, settlement
from nyxcore.pipelines.auto_fix.scan import options_of, settings_of, write_summary
from nyxcore.pipelines.auto_fix.workfolder import WorkFolder, own_record, work_folder
from nyxcore.pipelines.task import TaskInput
from nyxcore.reports.reading import PATCH
from nyxcore.runs import service as runs
from nyxcore.runs.models import Event, item_events
from nyxcore.storage import objects


@dataclass(frozen=True)
class Outcome:
    """What the engine came to: its records of findings, fixes, and files that could not be looked at."""

    findings: list[dict[str, Any]]
    fixes: list[dict[str, Any]]
    skipped: list[dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """Read what `analysis.combine` wrote."""
        of_kind: dict[str, list[dict[str, Any]]] = {"finding": [], "fix": [], "skipped": [], "summary": []}
        for row in analysis.outcome_rows(path):
            [(kind, record)] = row.items()
            of_kind[kind].append(cast("dict[str, Any]", record))
        return cls(of_kind["finding"], of_kind["fix"], of_kind["skipped"])


def combine(db: Database, task: TaskInput) -> None:
    """Settle every finding of the run, write fixes and patch, and keep what was learned for the next run.

    Raises
    ------
    RunFinished : the run ended meanwhile; the work is stopped.
    ToolFailed : a tool broke down.
    """
    with db.transaction(task.tenant_id) as connection:
        runs.phase_started(connection, task.tenant_id, task.run_id, "verifying", 0, "files")
    with work_folder(task) as work:
        plan = work.plan()
        outcome, patch = _known(work, plan, task) if plan.unchanged else _combined(db, work, plan, task)
        came_to = Outcome.read(outcome)
        _settle(db, task, came_to, detected=not plan.unchanged)
        objects.put_file(task.key(PATCH), patch)  # after the rows: a run that has ended meanwhile gets none
        write_summary(task, work.manifest(), plan, came_to.skipped)
        if not plan.unchanged:
            for path, name in ((outcome, OUTCOME), (patch, OUTCOME_PATCH)):
                work.keep(path, plan.known_key(task.tenant_id, task.run_id, name))
            _publish(plan, task)


def _settle(db: Database, task: TaskInput, outcome: Outcome, *, detected: bool) -> None:
    """Write an outcome into the run's rows and events, in one transaction; twice gives the same rows.

    `detected`: the findings were written when they were found. Otherwise they are written here, settled.
    """
    run_id, records = task.run_id, outcome.findings
    rows = [] if detected else [finding_row(run_id, record, place) for place, record in enumerate(records)]
    settlements = [settlement(run_id, record) for record in records]
    fixes = [fix_row(run_id, record, place) for place, record in enumerate(outcome.fixes)]
    states = Counter(str(record["state"]) for record in records)
    counts = {
        "findings": len(records),
        "fixed": states["fixed"],
        "noFix": states["no_fix"],
        "notABug": states["not_a_bug"],
        "failed": states["failed"],
        "fixes": len(fixes),
    }
    with db.transaction(task.tenant_id) as connection:
        new = findings_repository.insert_findings(connection, task.tenant_id, run_id, rows)
        new_fixes = findings_repository.insert_fixes(connection, task.tenant_id, run_id, fixes)
        findings_repository.settle_findings(connection, task.tenant_id, run_id, settlements)
        of = {one.finding_id: one for one in settlements}
        events: list[Event] = [
            *item_events(
                "findings", [finding_event_item(run_id, row, of[row.id]) for row in rows if row.id in new]
            ),
            *item_events("fixes", [fix_event_item(row) for row in fixes if row.id in new_fixes]),
        ]
        runs.append(connection, task.tenant_id, run_id, events, counts=counts)


def _combined(db: Database, work: WorkFolder, plan: Plan, task: TaskInput) -> tuple[Path, Path]:
    progress = PackProgress(db, task, phase="verifying", unit="files")

    def on_progress(report: Progress) -> None:
        progress.report(report.done, report.total)

    manifest = work.manifest()
    for pack in plan.packs:
        work.unpack(manifest, pack)
    outcome, patch = work.root / OUTCOME, work.root / OUTCOME_PATCH
    analysis.combine(
        work.tree,
        detected=[own_record(work, plan, task, "detected", pack) for pack in plan.packs],
        verified=[own_record(work, plan, task, "verified", pack) for pack in plan.packs],
        tree_words=[own_record(work, plan, task, "words", pack) for pack in plan.packs],
        settings=settings_of(plan),
        options=options_of(plan),
        out=outcome,
        patch=patch,
        on_progress=on_progress,
    )
    return outcome, patch


def _known(work: WorkFolder, plan: Plan, task: TaskInput) -> tuple[Path, Path]:
    """What the earlier run on the same tree came to."""
    assert plan.known_run is not None  # noqa: S101 - unchanged means known
    return (
        work.bring(plan.known_key(task.tenant_id, plan.known_run, OUTCOME), OUTCOME),
        work.bring(plan.known_key(task.tenant_id, plan.known_run, OUTCOME_PATCH), OUTCOME_PATCH),
    )


def _publish(plan: Plan, task: TaskInput) -> None:
    """From now on the next run builds on this one's records."""
    known = Known(run_id=task.run_id, tree_sha256=plan.tree_sha256, packs=len(plan.packs))
    index = known_index_key(task.tenant_id, plan.repository_id, plan.fingerprint)
    objects.put(index, known.model_dump_json().encode(), tag=objects.MONTH_TAG)

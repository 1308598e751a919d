"""Scan: record the files, say what was left out, and plan the work; the first task on the database's side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from nyxcore.analysis.models import Options
from nyxcore.analysis.project import SETTINGS_FILES, ProjectSettings, read_settings
from nyxcore.analysis.service import rules_fingerprint
from nyxcore.db.connection import Database
from nyxcore.pipelines.auto_fix.keys import (
    OUTCOME,
    OUTCOME_PATCH,
    PLAN,
    Known,
    Plan,
    Retried,
    known_index_key,
    known_key,
)
from nyxcore.pipelines.auto_fix.workfolder import WorkFolder, work_folder
from nyxcore.pipelines.task import TaskInput
from nyxcore.reports.reading import SCAN_SUMMARY
from nyxcore.runs import repository as runs_repository
from nyxcore.runs import service as runs
from nyxcore.runs.models import Event, RunOptions
from nyxcore.runs.repository import Row
from nyxcore.sources.models import MAX_EXAMPLES, Entry, Kind, Manifest
from nyxcore.sources.repository import replace_files
from nyxcore.storage import objects
from nyxcore.storage.objects import run_key

_MOST_RETRIED = 4  # runs whose records are looked through; each takes over from the one before it


def scan(db: Database, task: TaskInput) -> dict[str, list[int]]:
    """Write the plan to S3 and the files to Postgres; `{"packs": [...]}` is what the Maps go over.

    Raises
    ------
    RunFinished : the run was cancelled or ended meanwhile.
    """
    with db.transaction(task.tenant_id) as connection:
        run = runs_repository.get(connection, task.tenant_id, task.run_id)
        runs.phase_started(connection, task.tenant_id, task.run_id, "scanning", 0, "files")
    assert run is not None  # noqa: S101 - phase_started raised NotFound
    with work_folder(task) as work:
        manifest = work.manifest()
        entries = [entry for pack in range(len(manifest.packs)) for entry in work.entries(manifest, pack)]
        settings = _settings(work, manifest, entries)
        plan = _plan(task, run, manifest, entries, settings)
    write_summary(task, manifest, plan, [])
    objects.put(task.key(PLAN), plan.model_dump_json().encode(), tag=objects.MONTH_TAG)
    _record(db, task, manifest, plan, entries)
    return {"packs": list(plan.packs)}


def options_of(plan: Plan) -> Options:
    """The engine's options of a plan."""
    return Options(unsafe=plan.unsafe, categories=plan.categories)


def settings_of(plan: Plan) -> ProjectSettings:
    """The project's settings of a plan."""
    return ProjectSettings.from_json(plan.settings)


def write_summary(
    task: TaskInput, manifest: Manifest, plan: Plan, skipped: Sequence[Mapping[str, str]]
) -> None:
    """What was left out and why, for the report; `skipped` are `{file, reason}` of the engine's own."""
    left_out = {str(reason): asdict(left) for reason, left in manifest.skipped.items()}
    for one in skipped:
        entry = left_out.setdefault(one["reason"], {"count": 0, "examples": []})
        entry["count"] += 1
        entry["examples"] = [*entry["examples"], one["file"]][:MAX_EXAMPLES]
    summary = {
        "skipped": left_out,
        "notes": [*manifest.notes, *settings_of(plan).notes],
        "tree": manifest.tree_sha256,
    }
    objects.put(task.key(SCAN_SUMMARY), json.dumps(summary).encode(), content_type="application/json")


def _settings(work: WorkFolder, manifest: Manifest, entries: list[Entry]) -> ProjectSettings:
    """The settings that the repository's own files make."""
    wanted: dict[int, set[str]] = {}
    for entry in entries:
        if entry.path in SETTINGS_FILES:
            wanted.setdefault(entry.pack, set()).add(entry.path)
    found = {
        path: content
        for pack, paths in wanted.items()
        for path, content in work.read(manifest, pack)
        if path in paths
    }
    return read_settings(found)


def _plan(
    task: TaskInput,
    run: Row,
    manifest: Manifest,
    entries: list[Entry],
    settings: ProjectSettings,
) -> Plan:
    repository_id: UUID = run["repository_id"]
    options = RunOptions.model_validate(run["options"])
    categories = tuple(sorted(options.categories)) if options.categories is not None else None
    engine = Options(unsafe=options.unsafe, categories=categories)
    made_by = [rules_fingerprint(), asdict(engine), settings.to_json()]
    fingerprint = hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()[:32]
    known = None if options.force else _known(task, repository_id, fingerprint)
    unchanged = (
        known is not None
        and known.tree_sha256 == manifest.tree_sha256
        and _outcome_is_kept(task, repository_id, fingerprint, known.run_id)
    )
    return Plan(
        repository_id=repository_id,
        tree_sha256=manifest.tree_sha256,
        fingerprint=fingerprint,
        settings=settings.to_json(),
        unsafe=options.unsafe,
        categories=categories,
        packs=() if unchanged else tuple(range(len(manifest.packs))),
        source_files=sum(entry.kind is Kind.SOURCE for entry in entries),
        known_packs=known.packs if known else 0,
        known_run=known.run_id if known else None,
        retried=_retried(task, run["retry_of"], fingerprint),
        unchanged=unchanged,
    )


def _known(task: TaskInput, repository_id: UUID, fingerprint: str) -> Known | None:
    try:
        return Known.model_validate_json(
            objects.get(known_index_key(task.tenant_id, repository_id, fingerprint))
        )
    except KeyError:
        return None


def _retried(task: TaskInput, retry_of: UUID | None, fingerprint: str) -> tuple[Retried, ...]:
    """The run that this one retries, and those that it went on from itself, if they worked by the same rules.

    Not a matter of the option `force`: what they did anew need not be done anew again.
    """
    if retry_of is None:
        return ()
    try:
        plan = Plan.model_validate_json(objects.get(run_key(task.tenant_id, retry_of, PLAN)))
    except KeyError:  # it never came as far as its plan, or storage has let it go
        return ()
    if plan.fingerprint != fingerprint:
        return ()
    return (Retried(run_id=retry_of, packs=len(plan.packs)), *plan.retried)[:_MOST_RETRIED]


def _outcome_is_kept(task: TaskInput, repository_id: UUID, fingerprint: str, run_id: UUID) -> bool:
    """Whether the earlier run's end is still in storage: it may be let go some hours before its index is."""
    return all(
        objects.size(known_key(task.tenant_id, repository_id, fingerprint, run_id, name)) is not None
        for name in (OUTCOME, OUTCOME_PATCH)
    )


def _notes(manifest: Manifest, plan: Plan) -> list[str]:
    notes = [*manifest.notes, *settings_of(plan).notes]
    skipped = sum(left_out.count for left_out in manifest.skipped.values())
    if skipped:
        reasons = ", ".join(
            f"{left.count:,} {reason.replace('_', ' ')}" for reason, left in manifest.skipped.items()
        )
        notes.append(f"{skipped:,} files and folders left out: {reasons}")
    if plan.unchanged:
        notes.append("nothing has changed since the last run: its findings and fixes are used again")
    return notes


def _record(db: Database, task: TaskInput, manifest: Manifest, plan: Plan, entries: list[Entry]) -> None:
    """Write the files and enter the next phase, once: a second run of the task finds the phase left."""
    files = {"done": plan.source_files, "total": plan.source_files, "unit": "files"}
    events = [
        Event("progress", files),
        *(Event("log", {"level": "info", "message": text}) for text in _notes(manifest, plan)),
    ]
    phase, progress = None, None
    if not plan.unchanged:
        # The size of every pack is known from here on, so that the bar never runs backwards.
        packs = {str(pack): (0, 0) for pack in plan.packs}
        for entry in entries:
            packs[str(entry.pack)] = (0, packs[str(entry.pack)][1] + (entry.kind is Kind.SOURCE))
        started = files | {"done": 0}
        phase, progress = "detecting", {**started, "phase": "detecting", "packs": packs}
        events += [Event("phase", {"phase": phase}), Event("progress", started)]
    with db.transaction(task.tenant_id) as connection:
        row = runs_repository.lock(connection, task.tenant_id, task.run_id)
        if row is None or (row["phase"], row["progress"]["done"]) != ("scanning", 0):
            return
        replace_files(connection, task.tenant_id, plan.repository_id, entries)
        if manifest.commit is not None:
            runs_repository.set_commit(connection, task.tenant_id, task.run_id, manifest.commit)
        counts = {"files": plan.source_files}
        runs.append(
            connection,
            task.tenant_id,
            task.run_id,
            events,
            phase=phase,
            progress=progress or files,
            counts=counts,
        )

"""Progress of a phase whose packs are worked on side by side."""

from __future__ import annotations

import time

from nyxcore.db.connection import Connection, Database
from nyxcore.pipelines.task import TaskInput
from nyxcore.runs import repository as runs_repository
from nyxcore.runs import service as runs
from nyxcore.runs.models import Event

EVERY_SECONDS = 0.25


class PackProgress:
    """Adds up what each pack has done, so that a task that runs twice is not counted twice.

    A pack is as far as it has ever been: a task that begins anew tells nothing until it has come further than the
    one before it, so that nothing is told twice and the bar never runs backwards.

    Also the place where a task learns that its run has ended: `report` raises RunFinished, which stops the
    work within a quarter of a second.
    """

    def __init__(self, db: Database, task: TaskInput, *, phase: str, unit: str) -> None:
        self._db = db
        self._task = task
        self._phase = phase
        self._unit = unit
        self._looked = 0.0
        self._told = (0, 0)

    def report(self, done: int, total: int) -> None:
        """Say how far this pack is; written at most four times a second, and at its end.

        Raises
        ------
        RunFinished : the run was cancelled, or ended by the sweep.
        """
        now = time.monotonic()
        if done < total and now - self._looked < EVERY_SECONDS:
            return
        self._looked = now
        tenant_id, run_id = self._task.tenant_id, self._task.run_id
        with self._db.transaction(tenant_id) as connection:
            packs = self._gone_on(connection, done, total)
            if packs is None:
                runs.require_unfinished(connection, tenant_id, run_id)
                return
            progress = {
                "done": sum(pack[0] for pack in packs.values()),
                "total": sum(pack[1] for pack in packs.values()),
                "unit": self._unit,
            }
            event = Event("progress", progress)
            kept = {**progress, "phase": self._phase, "packs": packs}
            runs.append(connection, tenant_id, run_id, [event], progress=kept)

    def _gone_on(self, connection: Connection, done: int, total: int) -> dict[str, tuple[int, int]] | None:
        """`{pack: (done, total)}`, the run's row being locked; None when there is nothing new to tell."""
        if not total or (done, total) == self._told:  # no total: the engine has not counted yet, scan has
            return None
        self._told = (done, total)
        task, pack = self._task, str(self._task.pack)
        packs = runs_repository.lock_pack_progress(connection, task.tenant_id, task.run_id, self._phase)
        if packs is None:  # a second run of this task, after the pipeline has gone on
            return None
        before = packs.get(pack, (0, 0))
        if done <= before[0] and total <= before[1]:
            return None
        return packs | {pack: (max(done, before[0]), max(total, before[1]))}

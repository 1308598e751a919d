"""Progress of a phase whose packs are worked on side by side."""

from __future__ import annotations

import time
from uuid import UUID

from nyxcore.db.connection import Database
from nyxcore.runs import repository as runs_repository
from nyxcore.runs import service as runs
from nyxcore.runs.models import Event

EVERY_SECONDS = 0.25


class PackProgress:
    """Adds up what each pack has done, so that a task that runs twice is not counted twice.

    Also the place where a task learns that its run has ended: `append` raises RunFinished, which stops
    the work within one report.
    """

    def __init__(
        self, db: Database, tenant_id: UUID, run_id: UUID, *, phase: str, pack: int, unit: str
    ) -> None:
        self._db = db
        self._tenant_id = tenant_id
        self._run_id = run_id
        self._phase = phase
        self._pack = pack
        self._unit = unit
        self._last = 0.0

    def report(self, done: int, total: int) -> None:
        """Say how far this pack is; written at most four times a second, and at its end."""
        now = time.monotonic()
        if done < total and now - self._last < EVERY_SECONDS:
            return
        self._last = now
        with self._db.transaction(self._tenant_id) as connection:
            packs = runs_repository.lock_pack_progress(connection, self._tenant_id, self._run_id, self._phase)
            packs[str(self._pack)] = (done, total)
            progress = {
                "done": sum(pack[0] for pack in packs.values()),
                "total": sum(pack[1] for pack in packs.values()),
                "unit": self._unit,
            }
            runs.append(
                connection,
                self._tenant_id,
                self._run_id,
                [Event(type="progress", data=progress)],
                progress={**progress, "phase": self._phase, "packs": packs},
            )

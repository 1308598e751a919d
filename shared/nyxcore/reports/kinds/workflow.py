"""Reports on runs of workflows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import TextsRemoved
from nyxcore.reports import workflow
from nyxcore.reports.facts import Spoken
from nyxcore.reports.kinds import Draft
from nyxcore.reports.language import Language
from nyxcore.reports.models import Style
from nyxcore.steps import repository as steps
from nyxcore.steps.pinned import pinned
from nyxcore.workflows.dependencies import needs_of


class WorkflowReport:
    """The goal, how the steps ended, and what they wrote: all of them, or those that nothing else builds upon."""

    def write(
        self,
        connection: Connection,
        tenant_id: UUID,
        run: dict[str, Any],
        style: Style,
        language: Language,
        *,
        spoken: Spoken | None,
    ) -> Draft:
        """The report on `run`.

        Raises
        ------
        NotFound : its project was deleted meanwhile.
        TextsRemoved : nothing of what its steps wrote is there any more.
        """
        if run["texts_removed_at"] is not None:
            removed = clock.rfc3339(run["texts_removed_at"])
            raise TextsRemoved(f"what run {run['id']} wrote was removed on {removed}: start a new run")
        found = pinned(connection, tenant_id, run)
        rows = steps.summaries(connection, tenant_id, found.id)
        heading = workflow.title(connection, tenant_id, run, language)
        needed = {name for names in needs_of(found.workflow).values() for name in names}
        keys = [row["key"] for row in rows]
        content = workflow.render(
            heading,
            run,
            name=found.workflow.name,
            goal=found.workflow.goal,
            steps=rows,
            shown=keys if style == "technical" else [key for key in keys if key not in needed],
            spent=workflow.spent_so_far(connection, tenant_id, found.id),
            spoken=spoken,
            language=language,
        )
        return Draft(heading, content)


TYPE = WorkflowReport()

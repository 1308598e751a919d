"""Findings and fixes as one principal sees them, and what a person says of a finding."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound, RunNotFinished
from nyxcore.findings import repository
from nyxcore.findings.models import Dismissal, Finding, Fix, Reopening
from nyxcore.findings.repository import FindingFilter, FoundIn, Placed
from nyxcore.paging import Page, PageRequest, cut
from nyxcore.tenancy.models import Principal
from nyxcore.tenancy.service import audit

PAGE_CHARACTERS = 2_000_000
"""Most characters of diffs in one page of fixes: an answer of Lambda ends at 6 MB."""


def list_findings(
    connection: Connection, principal: Principal, run_id: UUID, wanted: FindingFilter, page: PageRequest
) -> Page[Finding]:
    """Findings of the run, in its order. That the run may be seen, the caller has checked."""
    after = page.after_position("findings")
    rows = repository.list_findings(
        connection,
        principal.tenant_id,
        run_id,
        wanted=wanted,
        after=-1 if after is None else after,
        limit=page.limit + 1,
    )
    return _page(rows, page.limit, "findings")


def list_fixes(connection: Connection, principal: Principal, run_id: UUID, page: PageRequest) -> Page[Fix]:
    """Fixes of the run, in its order; fewer than asked for where their diffs are long."""
    after = page.after_position("fixes")
    rows = repository.list_fixes(
        connection,
        principal.tenant_id,
        run_id,
        after=-1 if after is None else after,
        limit=page.limit + 1,
    )
    return _page(rows, _fitting(rows, page.limit), "fixes")


def get_finding(connection: Connection, principal: Principal, finding_id: UUID) -> Finding:
    """The finding. Raises NotFound."""
    return _find(connection, principal, finding_id).finding


def judge(
    connection: Connection, principal: Principal, finding_id: UUID, judgement: Dismissal | Reopening
) -> Finding:
    """The finding after a person dismissed it, or took the dismissal back.

    Raises
    ------
    NotFound : there is none.
    RunNotFinished : its run may still change it.
    """
    found = _find(connection, principal, finding_id)
    if not found.run_finished:
        raise RunNotFinished(
            f"run {found.finding.run_id} has not finished: judge finding {finding_id} once it has"
        )
    if isinstance(judgement, Dismissal):
        repository.dismiss(connection, principal.tenant_id, finding_id, judgement.reason)
    else:
        repository.reopen(connection, principal.tenant_id, finding_id)
    audit(
        connection,
        principal.tenant_id,
        actor=principal.actor,
        action="finding.dismiss" if isinstance(judgement, Dismissal) else "finding.reopen",
        target=f"finding:{finding_id}",
        reason=judgement.reason,
    )
    return _find(connection, principal, finding_id).finding


def _find(connection: Connection, principal: Principal, finding_id: UUID) -> FoundIn:
    found = repository.get_finding(connection, principal.tenant_id, finding_id)
    if found is None or not principal.sees(found.project_id):
        raise NotFound(f"there is no finding {finding_id}")
    return found


def _page[T](rows: Sequence[Placed[T]], limit: int, list_name: str) -> Page[T]:
    page = cut(rows, limit, list_name, lambda placed: placed.position)
    return Page([placed.row for placed in page.items], page.next_cursor)


def _fitting(rows: Sequence[Placed[Fix]], limit: int) -> int:
    """How many of the first `limit` fixes go into one answer: at least one."""
    characters = 0
    for count, placed in enumerate(rows[:limit]):
        characters += len(placed.row.diff)
        if characters > PAGE_CHARACTERS and count:
            return count
    return limit

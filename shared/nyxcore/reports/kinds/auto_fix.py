"""Reports on auto-fix runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.reports import sections
from nyxcore.reports.auto_fix import executive, marketing, security, technical
from nyxcore.reports.facts import Facts, Spoken
from nyxcore.reports.kinds import Draft
from nyxcore.reports.language import Language
from nyxcore.reports.models import Style
from nyxcore.reports.reading import read

RENDERERS: Final[Mapping[Style, Callable[[Facts, Language], str]]] = {
    "executive": executive.render,
    "security": security.render,
    "technical": technical.render,
    "marketing": marketing.render,
}


class AutoFix:
    """What was found, what was fixed and how it was checked, and what is left."""

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
        """The report on `run`. Raises NotFound when its project was deleted meanwhile."""
        facts = read(connection, tenant_id, run, spoken)
        return Draft(sections.title(facts, language), RENDERERS[style](facts, language))


TYPE = AutoFix()

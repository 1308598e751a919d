"""The types of report, a module each: one more is one more module here, named as its runs' kind.

A module `code_analysis` holds `TYPE`, a `ReportType` for runs of kind `code-analysis`; its words stand in the tables
of `labels/`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Any, Protocol, cast
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.errors import InvalidInput
from nyxcore.reports.facts import Spoken
from nyxcore.reports.language import Language
from nyxcore.reports.models import Style


@dataclass(frozen=True)
class Draft:
    """A report that is written and not yet kept: its title, and its Markdown, which begins with the title."""

    title: str
    content: str


class ReportType(Protocol):
    """How runs of one kind are reported on."""

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
        """The report on `run`, a row of `runs`, whose footer tells what was `spoken`.

        Raises NotFound when its project was deleted meanwhile.
        """
        ...


def type_of(kind: str) -> ReportType:
    """The type for runs of this kind. Raises InvalidInput for one that has none."""
    known = {name.replace("_", "-"): name for _, name, _ in pkgutil.iter_modules(__path__)}
    if kind not in known:
        raise InvalidInput(
            f"there are no reports on runs of kind {kind!r}; there are for: {', '.join(sorted(known))}"
        )
    return cast("ReportType", importlib.import_module(f"{__name__}.{known[kind]}").TYPE)

"""What a report on a repository's findings is made from: values read from the rows of one run, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from nyxcore.analysis.rules.tables import Category, Severity
from nyxcore.findings.models import Finding, Fix
from nyxcore.runs.models import PipelineKind

SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "high", "medium", "low")
CATEGORIES: Final[tuple[Category, ...]] = ("security", "bug", "error-handling", "performance", "code-smell")
GRAVE: Final[frozenset[Severity]] = frozenset({"critical", "high"})

type Ending = Literal["complete", "failed", "cancelled"]


@dataclass(frozen=True)
class Skipped:
    """Files left out for one reason."""

    reason: str
    count: int
    examples: Sequence[str]


@dataclass(frozen=True)
class Phase:
    """A phase of the run, and how long it took."""

    name: str
    duration: timedelta


@dataclass(frozen=True)
class Earlier:
    """The run before this one on the same repository, and the severity of what it found by fingerprint."""

    date: datetime
    severities: Mapping[str, Severity]
    categories: Mapping[str, Category]


@dataclass(frozen=True)
class Source:
    """What was looked at, as far as it is known.

    Attributes
    ----------
    repository : its name.
    archive : file name of the uploaded archive, or None.
    tree : SHA-256 over paths and contents of all files, in hex, or None for a run that did not come so far.
    commit : what they were taken from, or None where it is not known.
    """

    repository: str
    archive: str | None
    tree: str | None
    commit: str | None


@dataclass(frozen=True)
class Spent:
    """The models that a run has asked, and what it has spent on them."""

    models: Sequence[str]
    tokens: int
    usd: Decimal


@dataclass(frozen=True)
class Spoken:
    """What was spent on a report's prose.

    Attributes
    ----------
    model : the one that wrote it; None where a model was asked and did not come to an answer.
    """

    model: str | None
    tokens: int
    usd: Decimal


@dataclass(frozen=True)
class Facts:
    """One run, ready to be reported on.

    Attributes
    ----------
    ending : how the run ended; a run that is writing its own report counts as complete.
    error : the message of a run that failed, or None.
    date : when the run started, in UTC.
    duration : from then to its end; or so far, where it is `under_way`, as one that writes its own report is.
    categories : the only categories that were asked for, or None for all.
    files : how many source files were scanned.
    phases : those that have ended, in their order; none once retention has removed the run's events.
    earlier : the last finished run of the same kind, repository and categories before this one, or None.
    explanations : why a rule matters, by rule.
    tools : version by tool.
    tokens, usd : what the run itself has spent.
    spoken : what its report's prose has; None for a report that no model was asked for.
    """

    project: str
    kind: PipelineKind
    run_id: UUID
    ending: Ending
    error: str | None
    date: datetime
    duration: timedelta
    under_way: bool
    unsafe: bool
    categories: Sequence[Category] | None
    source: Source
    files: int
    findings: Sequence[Finding]
    fixes: Sequence[Fix]
    skipped: Sequence[Skipped]
    notes: Sequence[str]
    phases: Sequence[Phase]
    earlier: Earlier | None
    explanations: Mapping[str, str]
    tools: Mapping[str, str]
    patch_bytes: int
    tokens: int
    usd: Decimal
    spoken: Spoken | None

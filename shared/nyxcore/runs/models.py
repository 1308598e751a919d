"""A run, its options and its events, as the API shows them and as the database keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args
from uuid import UUID

from pydantic import Field, StrictBool

from nyxcore.analysis.rules.tables import Category
from nyxcore.wire import Instant, RequestModel, WireModel

PipelineKind = Literal["auto-fix", "refactor", "code-analysis", "workflow"]
RunKind = Literal[PipelineKind, "pdf", "report"]
RunStatus = Literal["queued", "running", "waiting", "succeeded", "failed", "cancelled"]
FinalStatus = Literal["succeeded", "failed", "cancelled"]
EventType = Literal[
    "status", "phase", "progress", "findings", "fixes", "step", "usage", "report", "log", "done"
]

KINDS: tuple[RunKind, ...] = get_args(RunKind)
STATUSES: tuple[RunStatus, ...] = get_args(RunStatus)
FINISHED: frozenset[RunStatus] = frozenset(get_args(FinalStatus))
"""Statuses that a run never leaves."""

PHASES = ("fetching", "scanning", "detecting", "fixing", "verifying", "opening_pr", "reporting")
"""Phases of the pipelines that work on a repository, in their order."""

MAX_ITEMS = 100
"""Most findings or fixes in one event: what a client takes in one go, and about 50 kB."""

_EVENTS_PATH: dict[RunKind, str] = {
    "auto-fix": "auto-fix",
    "refactor": "refactor",
    "code-analysis": "code-analysis",
    "workflow": "workflows",
}


class RunOptions(RequestModel):
    """What may be chosen about a run.

    Attributes
    ----------
    unsafe : also apply fixes that may change behaviour.
    categories : findings of these categories alone; None for all.
    force : work everything anew, even what is known of an unchanged file.
    """

    unsafe: StrictBool = False
    categories: list[Category] | None = None
    force: StrictBool = False


class Progress(WireModel):
    """How far the present phase is."""

    done: int
    total: int
    unit: str = Field(examples=["fixes"])


class Counts(WireModel):
    """What a run has seen and done so far."""

    files: int = 0
    findings: int = 0
    fixed: int = 0


class Cost(WireModel):
    """What the models that a run called have used: tokens, and US dollars."""

    tokens: int = 0
    usd: float = 0.0


class Failure(WireModel):
    """Why a run failed."""

    code: str = Field(examples=["deadline_exceeded"])
    message: str


class Links(WireModel):
    """Where the run and its stream are."""

    self: str
    events: str


class Run(WireModel):
    """A run, as `GET /runs/{id}`, the event `snapshot` and the event `done` give it."""

    id: UUID
    kind: RunKind
    project_id: UUID | None = Field(description="null for a PDF of Markdown that somebody sent")
    repository_id: UUID | None
    commit: str | None = Field(
        description="what the source was taken from, once it is read and where it says so: HEAD of a folder,"
        " the comment of an archive that git made",
    )
    workflow_id: UUID | None = None
    retry_of: UUID | None
    status: RunStatus
    phase: str | None
    progress: Progress | None
    counts: Counts
    last_seq: int = Field(description="number of the newest event")
    cost: Cost
    error: Failure | None
    result: dict[str, Any] | None
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    links: Links


def links(run_id: object, kind: RunKind, base_url: str) -> Links:
    """The links of a run below `base_url`, an origin without a path."""
    root = f"{base_url.rstrip('/')}/api/v1"
    return Links(
        self=f"{root}/runs/{run_id}", events=f"{root}/events/{_EVENTS_PATH.get(kind, 'runs')}/{run_id}"
    )


def run_of(row: Mapping[str, Any], base_url: str) -> Run:
    """The run that a row of the table `runs` describes."""
    names = ("id", "kind", "project_id", "repository_id", "workflow_id", "retry_of", "status", "phase")
    later = ("progress", "counts", "last_seq", "error", "result", "created_at", "started_at", "finished_at")
    return Run(
        **{name: row[name] for name in names + later},
        commit=row["source"].get("commit"),
        cost=Cost(tokens=row["cost_tokens"], usd=float(row["cost_usd"])),
        links=links(row["id"], row["kind"], base_url),
    )


def without_link(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a run that has made a PDF, without the link to it: that is for who may read reports."""
    return {name: value for name, value in result.items() if name not in {"url", "expiresAt"}}


def kind_of_path(name: str) -> RunKind | None:
    """The kind of the runs below `/events/<name>/`, or None when there is no such path."""
    return next((kind for kind, path in _EVENTS_PATH.items() if path == name), None)


@dataclass(frozen=True)
class Event:
    """One entry of a run's log, before it has its number.

    Raises
    ------
    ValueError : more than `MAX_ITEMS` findings or fixes; `item_events` cuts them.
    """

    type: EventType
    data: Mapping[str, Any]

    def __post_init__(self) -> None:
        items = self.data.get("items", ())
        if self.type in {"findings", "fixes"} and len(items) > MAX_ITEMS:
            raise ValueError(f"{len(items)} {self.type} in one event, at most {MAX_ITEMS}: use item_events")


def item_events(type: Literal["findings", "fixes"], items: Sequence[Any]) -> list[Event]:
    """Events that carry `items`, in order, at most `MAX_ITEMS` in each; none for no items."""
    return [
        Event(type, {"items": list(items[start : start + MAX_ITEMS])})
        for start in range(0, len(items), MAX_ITEMS)
    ]


@dataclass(frozen=True)
class CostSoFar:
    """What a run has used up to now, as totals: writing them twice changes nothing."""

    tokens: int
    usd: Decimal

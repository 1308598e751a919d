"""Pages of a run's steps and of a step's calls, as long as one answer may be; and each of them whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.paging import Page, PageRequest, cut
from nyxcore.runs.models import FINISHED, Run
from nyxcore.steps.models import CallState, RunStep, StepCall
from nyxcore.steps.shown import repository
from nyxcore.steps.shown.repository import Row
from nyxcore.wire import WireModel

PAGE_BYTES: Final = 2_900_000
"""Most JSON in a page. Lambda's answer ends at 6 MB, and holds the JSON as a string: at worst twice as long."""
_CUT_CHARACTERS: Final = 100_000  # of each text of an item that is longer than a page
_OPEN = frozenset({"pending", "running", "waiting"})


def list_steps(connection: Connection, tenant_id: UUID, run: Run, page: PageRequest) -> Page[RunStep]:
    """Steps of the run in its order, fewer than asked for where they are long.

    There are none for a run that is no workflow or has not begun. Raises BadCursor.
    """
    after = page.after_position("steps")
    rows = repository.steps(
        connection, tenant_id, run.id, after=-1 if after is None else after, limit=page.limit + 1
    )
    items = _fitting(_steps(connection, tenant_id, run, rows[: _roughly_fitting(rows, page.limit)]))
    return Page(items, cut(rows, len(items), "steps", lambda row: int(row["position"])).next_cursor)


def get_step(connection: Connection, tenant_id: UUID, run: Run, key: str) -> RunStep:
    """One step, whole. Raises NotFound."""
    return _steps(connection, tenant_id, run, [_row(connection, tenant_id, run, key)])[0]


def list_calls(
    connection: Connection, tenant_id: UUID, run: Run, key: str, page: PageRequest
) -> Page[StepCall]:
    """Calls of a step in their order, fewer than asked for where they are long.

    There are none for a step that asks no model or has not begun. Raises BadCursor, NotFound.
    """
    after = page.after_position("calls")
    _row(connection, tenant_id, run, key)
    first = 0 if after is None else after + 1
    rows = repository.calls(connection, tenant_id, run.id, [key], first=first)
    chosen = rows[: _roughly_fitting(rows, page.limit)]
    items = _fitting(_calls(connection, tenant_id, run, key, chosen))
    return Page(items, cut(rows, len(items), "calls", lambda row: int(row["part"])).next_cursor)


def get_call(connection: Connection, tenant_id: UUID, run: Run, key: str, part: int) -> StepCall:
    """One call of a step, whole. Raises NotFound."""
    rows = repository.calls(connection, tenant_id, run.id, [key], first=part)
    if not rows or rows[0]["part"] != part:
        raise NotFound(f"step {key} of run {run.id} has no call {part}")
    return _calls(connection, tenant_id, run, key, rows[:1])[0]


def as_listed[Item: (RunStep, StepCall)](item: Item) -> Item:
    """The step or call as it stands in a page of its own: as it is, or truncated where it is too long for that."""
    if _bytes(item) <= PAGE_BYTES:
        return item
    short: dict[str, Any] = {"prompt": _start(item.prompt), "output": _start(item.output), "truncated": True}
    return item.model_copy(update=short | ({"data": None} if isinstance(item, RunStep) else {}))


def _roughly_fitting(rows: Sequence[Row], limit: int) -> int:
    """How many of the first `limit` rows may go into one page, by what is known without reading their texts."""
    total = 0
    for count, row in enumerate(rows[:limit]):
        total += row["bytes"]
        if total > PAGE_BYTES and count:
            return count
    return limit


def _fitting[Item: (RunStep, StepCall)](items: Sequence[Item]) -> list[Item]:
    """The first of the items, as many as one page holds: at least one, if there is any."""
    total, fitting = 0, list[Item]()
    for item in map(as_listed, items):
        total += _bytes(item)
        if total > PAGE_BYTES and fitting:
            break
        fitting.append(item)
    return fitting


def _bytes(item: RunStep | StepCall) -> int:
    return len(item.model_dump_json(by_alias=True).encode())


def _start(text: str | None) -> str | None:
    return text and text[:_CUT_CHARACTERS]


def _row(connection: Connection, tenant_id: UUID, run: Run, key: str) -> Row:
    rows = repository.steps(connection, tenant_id, run.id, after=-1, limit=1, key=key)
    if not rows:
        raise NotFound(f"run {run.id} has no step {key}")
    return rows[0]


def _steps(connection: Connection, tenant_id: UUID, run: Run, rows: Sequence[Row]) -> list[RunStep]:
    keys = [row["key"] for row in rows]
    texts = repository.texts(connection, tenant_id, run.id, keys)
    calls = defaultdict[str, list[CallState]](list)
    for call in repository.calls(connection, tenant_id, run.id, keys):
        calls[call["key"]].append(CallState(**_known(CallState, run, call)))
    return [RunStep(**_known(RunStep, run, row | texts[row["key"]]), calls=calls[row["key"]]) for row in rows]


def _calls(
    connection: Connection, tenant_id: UUID, run: Run, key: str, rows: Sequence[Row]
) -> list[StepCall]:
    texts = repository.call_texts(connection, tenant_id, run.id, key, [row["part"] for row in rows])
    return [StepCall(**_known(StepCall, run, row | texts[row["part"]])) for row in rows]


def _known(model: type[WireModel], run: Run, row: Row) -> dict[str, Any]:
    """What `model` takes of a row. What was open when the run ended has ended with it."""
    ended = run.status in FINISHED and row["status"] in _OPEN
    told = {name: row[name] for name in model.model_fields if name in row}
    return told | {"usd": float(row["usd"])} | ({"status": "cancelled"} if ended else {})

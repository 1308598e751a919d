"""Steps and their calls over HTTP: paged, bounded in bytes, whole one by one. The database holds what engines write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from api_stack import Caller, Stack

from nyxcore.storage import objects

LAMBDA_BYTES = 6 * 1024 * 1024 - 100_000  # what an answer of Lambda may have, less its headers
COUNT = 120
LONG, LONGEST, QUOTES = "long", "longest", "quotes"
TEXTS = {LONG: "ä" * 1_000_000, LONGEST: "文" * 2_000_000, QUOTES: '"' * 1_400_000}


@pytest.fixture(scope="module")
def run(stack: Stack) -> Iterator[tuple[Caller, str]]:
    """A run of 120 steps, a few of which have said as much as a model may, and one of which asked five times."""
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "demo"})
    keys = [f"s{number}" for number in range(COUNT - len(TEXTS))]
    keys[5:5] = list(TEXTS)
    steps = [{"key": key, "prompt": "{{input}}"} for key in keys]
    workflow = caller.made("/workflows", {"name": "w", "goal": "g", "steps": steps})
    draft = {"kind": "workflow", "projectId": project["id"], "workflowId": workflow["id"], "input": "x"}
    run_id = caller.made("/runs", draft)["id"]
    stack.open(caller.tenant_id, UUID(run_id))
    for key, text in TEXTS.items():
        stack.execute(
            caller.tenant_id,
            "update run_steps set status = 'succeeded', output = %s where run_id = %s and key = %s",
            text,
            run_id,
            key,
        )
    stack.execute(caller.tenant_id, "update run_step_calls set prompt = 'p' where run_id = %s", run_id)
    for part in range(1, 5):
        stack.execute(
            caller.tenant_id,
            "insert into run_step_calls (tenant_id, run_id, key, part, label, model, status, prompt, output)"
            " values (%s, %s, 's0', %s, 'item', 'offline', 'succeeded', 'asked', %s)",
            caller.tenant_id,
            run_id,
            part,
            TEXTS[LONG] if part < 4 else TEXTS[LONGEST],
        )
    yield caller, run_id


def pages(caller: Caller, path: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of a list, each of which Lambda can answer."""
    cursor: dict[str, str] = {}
    while True:
        response = caller.get(path, params=params | cursor)
        assert response.status_code == 200, response.text[:500]
        assert len(json.dumps(response.text, ensure_ascii=False).encode()) < LAMBDA_BYTES
        yield response.json()["items"]
        if response.json()["nextCursor"] is None:
            return
        cursor = {"cursor": response.json()["nextCursor"]}


def linked(caller: Caller, path: str) -> Any:
    """What a presigned link leads to."""
    response = caller.get(path)
    assert response.status_code == 303, response.text[:500]
    key = urlsplit(response.headers["location"]).path.removeprefix("/nyxcore-test").lstrip("/")
    assert key.startswith(f"{caller.tenant_id}/")
    return json.loads(objects.get(key))


def test_every_step_comes_once_in_its_order_however_long_the_others_are(run: tuple[Caller, str]) -> None:
    caller, run_id = run
    found = list(pages(caller, f"/runs/{run_id}/steps"))
    keys = [step["key"] for page in found for step in page]
    assert len(found) > 1 and len(set(keys)) == len(keys) == COUNT
    assert keys[:6] == ["s0", "s1", "s2", "s3", "s4", LONG]
    by_key = {step["key"]: step for page in found for step in page}
    assert [by_key[key]["output"] for key in (LONG, QUOTES)] == [TEXTS[LONG], TEXTS[QUOTES]]
    assert by_key["s1"]["prompt"] == "p"


def test_a_limit_makes_pages_of_so_many_steps(run: tuple[Caller, str]) -> None:
    caller, run_id = run
    sizes = [len(page) for page in pages(caller, f"/runs/{run_id}/steps", limit=50)]
    assert max(sizes) == 50 and sum(sizes) == COUNT


def test_a_step_too_long_for_a_page_is_truncated_there_and_whole_by_itself(run: tuple[Caller, str]) -> None:
    caller, run_id = run
    steps = [step for page in pages(caller, f"/runs/{run_id}/steps") for step in page]
    assert [step["key"] for step in steps if step["truncated"]] == [LONGEST]
    listed = next(step for step in steps if step["key"] == LONGEST)
    assert TEXTS[LONGEST].startswith(listed["output"]) and len(listed["output"]) >= 10_000
    whole = linked(caller, f"/runs/{run_id}/steps/{LONGEST}")
    assert (whole["output"], whole["truncated"]) == (TEXTS[LONGEST], False)


def test_a_step_by_itself_has_its_calls_without_their_texts(run: tuple[Caller, str]) -> None:
    caller, run_id = run
    step = caller.get(f"/runs/{run_id}/steps/s0").json()
    assert [call["part"] for call in step["calls"]] == [0, 1, 2, 3, 4]
    assert "output" not in step["calls"][1]


def test_the_calls_of_a_step_are_paged_and_each_is_whole_by_itself(run: tuple[Caller, str]) -> None:
    caller, run_id = run
    path = f"/runs/{run_id}/steps/s0/calls"
    found = list(pages(caller, path))
    calls = [call for page in found for call in page]
    assert len(found) > 2 and [call["part"] for call in calls] == [0, 1, 2, 3, 4]
    assert [call["truncated"] for call in calls] == [False] * 4 + [True]
    assert calls[1]["output"] == TEXTS[LONG]
    assert caller.get(f"{path}/1").json()["output"] == TEXTS[LONG]
    assert linked(caller, f"{path}/4")["output"] == TEXTS[LONGEST]


@pytest.mark.parametrize("path", ["nobody", "nobody/calls", "s0/calls/5", "nobody/calls/0"])
def test_what_is_not_there_is_404(run: tuple[Caller, str], path: str) -> None:
    caller, run_id = run
    response = caller.get(f"/runs/{run_id}/steps/{path}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_cursor_of_another_list_is_refused(run: tuple[Caller, str]) -> None:
    caller, run_id = run
    cursor = caller.get(f"/runs/{run_id}/steps", params={"limit": 1}).json()["nextCursor"]
    response = caller.get(f"/runs/{run_id}/steps/s0/calls", params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (400, "bad_cursor")

"""A cancel of a run on the real stack, while the report, the model or the printer is at work."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from model_server import Behaviour, Exchange, ModelServer, says
from stack_bench import PATIENCE, eventually, start_nyx
from stack_runs import api_of, events, numbers, start, until_phase

from nyx.api import Api, ApiRefused
from nyx.events import StreamEvent

ASKS = {"name": "Asks", "goal": "Ask.", "steps": [{"key": "ask", "model": "slow:m", "prompt": "{{input}}"}]}


@dataclass
class Bench:
    """A running stack, its API, and a model of its tenant that answers when it is told to."""

    ready: dict[str, str]
    home: Path
    api: Api
    model: ModelServer

    def events(self, run_id: str, after: int = 0) -> Iterator[StreamEvent]:
        return events(self.ready, run_id, after)

    def waiting_for_locks(self) -> int:
        """How many statements of the stack wait for a lock."""
        with psycopg.connect(self.ready["databaseUrl"]) as connection:
            query = "select count(distinct pid) from pg_locks where not granted"
            [number] = connection.execute(query).fetchone() or (0,)
            return int(number)

    def ends_cancelled(
        self, run_id: str, seen: Sequence[StreamEvent], cancelled: dict[str, Any]
    ) -> list[str]:
        """What came after the events that were seen, up to `done`, which is the last for good."""
        assert cancelled["status"] == "cancelled"
        rest = list(self.events(run_id, after=seen[-1].id))
        assert numbers([*seen, *rest]) == list(range(1, cancelled["lastSeq"] + 1))
        assert rest[-1].data["run"] == cancelled == self.api.get(f"/runs/{run_id}")
        return [event.type for event in rest]

    def nothing_was_added(self, run_id: str, cancelled: dict[str, Any]) -> None:
        assert self.api.get(f"/runs/{run_id}") == cancelled
        assert list(self.events(run_id))[-1].type == "done"


class Held:
    """A model's answer that comes when it is let go."""

    def __init__(self) -> None:
        self.asked, self._go = threading.Event(), threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        self.asked.set()
        self._go.wait(PATIENCE)
        says("too late")(exchange)

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, kept_home: Path) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("cancels")
    home = folder / "home"
    shutil.copytree(kept_home, home)
    dev = start_nyx("dev", "--json", "--port", "0", home=home, cwd=folder)
    model = ModelServer()
    try:
        ready = dev.wait_ready().ready
        with api_of(ready) as api:
            credential = {"name": "slow", "protocol": "openai", "secret": None, "baseUrl": model.url}
            api.put("/credentials", credential)
            yield Bench(ready, home, api, model)
    finally:
        dev.end()
        model.close()


@pytest.fixture
def bench(stack: Bench) -> Bench:
    stack.model.script.clear()
    return stack


def asking(bench: Bench, *answers: Behaviour) -> str:
    """A run of a workflow with one step, whose model answers so; its id."""
    bench.model.script += answers
    workflow = bench.api.post("/workflows", ASKS)
    project = bench.api.post("/projects", {"name": "asks"})
    draft = {"kind": "workflow", "projectId": project["id"], "workflowId": workflow["id"], "input": "x"}
    return str(bench.api.post("/runs", draft)["id"])


def test_a_cancel_while_a_report_is_written_waits_for_that_transaction_alone(
    bench: Bench, tree: Path
) -> None:
    """The report's transaction holds the run's row; the cancel is next, before the task that ends the run well."""
    with psycopg.connect(bench.ready["databaseUrl"]) as blocking, ThreadPoolExecutor(1) as executor:
        blocking.execute("lock table reports in share mode")
        run_id = start(bench.api, tree)
        seen = until_phase(bench.ready, run_id, "reporting")
        eventually(lambda: bench.waiting_for_locks() == 1, "the report is about to be kept")
        cancelling = executor.submit(bench.api.post, f"/runs/{run_id}/cancel")
        eventually(lambda: bench.waiting_for_locks() == 2, "the cancel waits for it")
        blocking.rollback()
        cancelled = cancelling.result()
    assert bench.ends_cancelled(run_id, seen, cancelled) == ["progress", "progress", "report", "done"]
    assert cancelled["phase"] == "reporting"
    bench.nothing_was_added(run_id, cancelled)


def test_a_cancel_ends_workflows_whose_models_are_being_asked_and_frees_the_workers(bench: Bench) -> None:
    """As many as there are workers that may ask; none of the models ever answers."""
    held = [Held(), Held()]
    runs = [asking(bench, each) for each in held]
    assert all(each.asked.wait(PATIENCE) for each in held)
    ended = {run_id: bench.api.post(f"/runs/{run_id}/cancel") for run_id in runs}
    for run_id, cancelled in ended.items():
        seen = [event for event in bench.events(run_id) if event.type != "done"]
        assert bench.ends_cancelled(run_id, seen, cancelled) == ["done"]
        [step] = bench.api.get(f"/runs/{run_id}/steps")["items"]
        assert (step["status"], step["output"]) == ("cancelled", None)
    *_, done = bench.events(asking(bench, says("yes")))
    assert done.data["run"]["status"] == "succeeded"
    for each in held:
        each.let_go()
    for run_id, cancelled in ended.items():
        bench.nothing_was_added(run_id, cancelled)


def test_a_cancel_ends_a_report_whose_prose_is_being_written(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\n")
    on = start(bench.api, tmp_path)
    assert [event.type for event in bench.events(on)][-1] == "done"
    held = Held()
    bench.model.script.append(held)
    before = len(list(bench.api.items("/reports")))
    draft = {"style": "executive", "model": "slow:m"}
    run_id = bench.api.post(f"/runs/{on}/reports", draft)["id"]
    seen = until_phase(bench.ready, run_id, "writing")
    assert held.asked.wait(PATIENCE)
    cancelled = bench.api.post(f"/runs/{run_id}/cancel")
    assert bench.ends_cancelled(run_id, seen, cancelled) == ["progress", "done"]
    *_, done = bench.events(asking(bench, says("yes")))
    assert done.data["run"]["status"] == "succeeded"
    held.let_go()
    bench.nothing_was_added(run_id, cancelled)
    assert len(list(bench.api.items("/reports"))) == before


def test_a_cancel_ends_a_pdf_that_is_being_printed(bench: Bench) -> None:
    text = "".join(f"\n## Chapter {number}\n\n{'Much is said here. ' * 200}\n" for number in range(200))
    with ThreadPoolExecutor(1) as executor:
        printing = executor.submit(bench.api.post, "/reports/pdf", {"markdown": text, "title": "Long"})
        run_id = eventually(lambda: next(iter(bench.api.items("/runs", kind="pdf")), None), "it prints")["id"]
        seen = until_phase(bench.ready, run_id, "rendering")
        cancelled = bench.api.post(f"/runs/{run_id}/cancel")
        assert bench.ends_cancelled(run_id, seen, cancelled) == ["progress", "done"]
        with pytest.raises(ApiRefused, match="was cancelled: ask again"):
            printing.result()
    assert bench.api.post("/reports/pdf", {"markdown": "# Short", "title": "Short"})["pages"] > 0
    bench.nothing_was_added(run_id, cancelled)


def test_ctrl_c_in_nyx_workflow_cancels_the_run_whose_model_is_being_asked(
    bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "w.yaml").write_text(json.dumps(ASKS | {"name": "Asks by hand"}))
    held = Held()
    bench.model.script.append(held)
    command = start_nyx("workflow", "run", "w.yaml", "--input", "x", "--json", home=bench.home, cwd=tmp_path)
    with closing(command.process.stdout), closing(command.process.stderr):
        assert held.asked.wait(PATIENCE)
        command.process.send_signal(signal.SIGINT)
        out, errors = command.process.communicate(timeout=PATIENCE)
    held.let_go()
    assert command.process.returncode == 130, errors
    told = json.loads(out)
    assert told["error"]["code"] == "interrupted"
    assert (told["run"]["status"], [step["status"] for step in told["steps"]]) == ("cancelled", ["cancelled"])
    bench.nothing_was_added(told["run"]["id"], told["run"])

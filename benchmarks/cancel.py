"""Cancel: from the request to `done` on a stream that was open before it, and until nothing works on the run any more.

Runs of each kind through an embedded stack with an empty home; a run is cancelled some instants after it has come to
the phase, which is looked for every few milliseconds.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.processes import commands_below
from nyx.api import Api, ApiRefused
from nyx.events import follow
from nyx.stack import Stack, open_stack

_ROUNDS, _COLD_ROUNDS = (
    3,
    2,
)  # the second where each cancel costs a worker, and the next run waits for another
_MODULES = 100
_PATIENCE = 20.0  # seconds; what works on for longer counts as never ended
_CHAPTERS = 150
_SHORT = frozenset({"fetching", "scanning", "reporting"})  # phases that a pause might outlast
_MODULE = """\
import os
import json


def total(values, limit=[]):
    if values == None:
        return 0
    if not limit is None:
        print(f"limit")
    try:
        return sum(values)
    except:
        return -{number}
"""

type Row = tuple[str, str, str]
type Took = tuple[float, float]
"""Seconds from the request to `done`, and until nothing works on the run."""


class _SilentModel(ThreadingHTTPServer):
    """Speaks OpenAI's protocol as far as taking a question; `held` is how many wait for their answer."""

    daemon_threads = True

    def __init__(self) -> None:
        owner = self
        self.held = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                owner.held += 1
                with suppress(OSError):
                    self.connection.recv(1)  # it ends when whoever has asked does
                owner.held -= 1
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """The figures are all that is printed."""

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@dataclass(frozen=True)
class _Case:
    """A kind of run and the phase in which it is cancelled; `begin` gives its id, `works` whether something does."""

    name: str
    begin: Callable[[], str]
    reached: Callable[[dict[str, Any]], bool]
    works: Callable[[], bool]
    pause: bool = True
    rounds: int = _COLD_ROUNDS


class _Bench:
    def __init__(self, stack: Stack, api: Api, model: _SilentModel, folder: Path) -> None:
        self._stack, self._api, self._model = stack, api, model
        self._project = api.post("/projects", {"name": "bench"})["id"]
        self._large, self._small = (
            self._repository(_tree(folder / str(modules), modules)) for modules in (_MODULES, 1)
        )
        credential = {"name": "slow", "protocol": "openai", "secret": None, "baseUrl": model.url}
        api.put("/credentials", credential)
        steps = [{"key": "ask", "model": "slow:m", "prompt": "{{input}}"}]
        workflow = {"name": "bench", "goal": "Measure.", "steps": steps}
        self._workflow = api.post("/workflows", workflow)["id"]
        self._documents = 0

    def cases(self) -> Iterator[_Case]:
        def in_phase(phase: str) -> Callable[[dict[str, Any]], bool]:
            return lambda run: run["phase"] == phase

        def asked(_: dict[str, Any]) -> bool:
            return self._model.held > 0

        for phase in ("fetching", "scanning", "detecting", "fixing", "verifying", "reporting"):
            yield _Case(
                f"auto-fix, {phase}", lambda: self._fix(self._large), in_phase(phase), _tools_work,
                pause=phase not in _SHORT, rounds=_ROUNDS,
            )  # fmt: skip
        yield _Case("workflow, its model being asked", self._ask, asked, self._is_asked)
        finished = self._fix(self._small)
        for _ in follow(self._stack.url, self._stack.token, finished):
            continue
        yield _Case("report, its prose being written", lambda: self._report(finished), asked, self._is_asked)
        yield _Case("pdf, being printed", self._print, lambda _: _browser_works(), _browser_works)

    def measure(self, case: _Case) -> list[Took]:
        """Those of the cancels that hit the phase."""
        return [took for _ in range(case.rounds) if (took := self._cancel(case)) is not None]

    def _cancel(self, case: _Case) -> Took | None:
        run_id = case.begin()
        with ThreadPoolExecutor(1) as executor:
            done: Future[float] = executor.submit(self._done, run_id)
            while not case.reached(self._api.get(f"/runs/{run_id}")) and not done.done():
                time.sleep(0.002)
            if case.pause:
                time.sleep(random.uniform(0.0, 0.1))
            began = time.monotonic()
            try:
                self._api.post(f"/runs/{run_id}/cancel")
            except ApiRefused:
                return None  # it has ended by itself
            while case.works() and time.monotonic() - began < _PATIENCE:
                time.sleep(0.01)
            return done.result() - began, time.monotonic() - began

    def _done(self, run_id: str) -> float:
        for _ in follow(self._stack.url, self._stack.token, run_id):
            continue
        return time.monotonic()

    def _repository(self, tree: Path) -> str:
        repository = {"source": "path", "name": tree.name, "path": str(tree)}
        return str(self._api.post(f"/projects/{self._project}/repositories", repository)["id"])

    def _fix(self, repository: str) -> str:
        draft = {"kind": "auto-fix", "repositoryId": repository, "options": {"force": True}}
        return str(self._api.post("/runs", draft | {"projectId": self._project})["id"])

    def _ask(self) -> str:
        draft = {"kind": "workflow", "workflowId": self._workflow, "input": "x"}
        return str(self._api.post("/runs", draft | {"projectId": self._project})["id"])

    def _report(self, run_id: str) -> str:
        draft = {"style": "executive", "model": "slow:m"}
        return str(self._api.post(f"/runs/{run_id}/reports", draft)["id"])

    def _print(self) -> str:
        self._documents += 1
        chapters = (f"\n## Chapter {n}\n\n{'Much is said here. ' * 200}\n" for n in range(_CHAPTERS))
        body = {"markdown": "".join(chapters), "title": f"Long {self._documents}"}

        def post() -> None:
            api = Api(self._stack.url, self._stack.token)
            with suppress(ApiRefused):  # the run is cancelled, and so it says
                api.post("/reports/pdf", body)
            api.close()

        known = {run["id"] for run in self._api.items("/runs", kind="pdf")}
        threading.Thread(target=post).start()
        while not (new := {run["id"] for run in self._api.items("/runs", kind="pdf")} - known):
            time.sleep(0.002)
        return str(new.pop())

    def _is_asked(self) -> bool:
        return self._model.held > 0


def _tools_work() -> bool:
    return any("nyxcore.analysis" in each for each in commands_below(os.getpid()))


def _browser_works() -> bool:
    return any("headless_shell" in each for each in commands_below(os.getpid()))


def tables() -> Iterator[tuple[Row, list[Row]]]:
    """Two tables of (what, figure, target)."""
    with _bench() as bench:
        found = {case.name: bench.measure(case) for case in bench.cases()}
    for place, what in ((0, "from the cancel to `done` on an open stream"), (1, "until no tool works on it")):
        rows = [(name, _spread([took[place] for took in tooks]), "≤ 2 s") for name, tooks in found.items()]
        every = [took[place] for tooks in found.values() for took in tooks]
        yield (what, "measured", "target"), [*rows, ("all", _spread(every), "≤ 2 s")]


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "never hit"
    return f"p50 {statistics.median(seconds):.2f} s, max {max(seconds):.2f} s of {len(seconds)}"


def _tree(folder: Path, modules: int) -> Path:
    folder.mkdir()
    for number in range(modules):
        module = folder / f"module_{number:04d}.py"
        module.write_text(_MODULE.replace("{number}", str(number)))
    return folder


@contextmanager
def _bench() -> Iterator[_Bench]:
    with (
        tempfile.TemporaryDirectory() as folder,
        open_stack(Path(folder, "home"), on_status=lambda _: None) as stack,
    ):
        model, api = _SilentModel(), Api(stack.url, stack.token)
        try:
            yield _Bench(stack, api, model, Path(folder))
        finally:
            api.close()
            model.shutdown()
            model.server_close()

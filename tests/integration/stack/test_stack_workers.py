"""Worker processes: what a handler may do to them, and how each shows in Lambda's own words."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stack_bench import TRIAL, eventually

from nyx.aws.functions import Function
from nyx.aws.pool import Pool, WorkerSettings


@pytest.fixture
def settings(tmp_path: Path) -> WorkerSettings:
    return WorkerSettings({"PATH": os.defpath}, tmp_path, tmp_path / "workers.log", (str(TRIAL),))


@pytest.fixture
def pool(settings: WorkerSettings) -> Iterator[Pool]:
    pool = Pool(settings, 2)
    yield pool
    pool.close()


def function(name: str, timeout: float = 30.0) -> Function:
    return Function("Trial", f"stack_trial.{name}", timeout, 256, database=True)


def test_a_handler_gets_the_event_and_lambdas_context(pool: Pool) -> None:
    outcome = pool.invoke(function("remaining"), {"ü": [1, None]})
    assert not outcome.failed
    assert outcome.payload["event"] == {"ü": [1, None]}
    assert 0 < outcome.payload["ms"] <= 30_000
    assert outcome.payload["memory"] == 256
    assert outcome.payload["arn"].endswith(":function:Trial")


@pytest.mark.parametrize(
    ("name", "error_type", "message"),
    [
        ("unserialisable", "Runtime.MarshalError", "not JSON serializable"),
        ("leaves", "Runtime.ExitError", "exit status 4"),
        ("too_much", "Function.ResponseSizeTooLarge", "maximum allowed payload size"),
        ("missing", "Runtime.HandlerNotFound", "has no missing"),
    ],
)
def test_what_a_handler_does_wrong_reads_as_on_aws(
    pool: Pool, name: str, error_type: str, message: str
) -> None:
    outcome = pool.invoke(function(name), {})
    assert outcome.failed
    assert outcome.payload["errorType"] == error_type
    assert message in outcome.payload["errorMessage"]


def test_a_module_that_cannot_be_imported_is_named(pool: Pool) -> None:
    outcome = pool.invoke(Function("Trial", "no.such.handler", 5, 128, database=True), {})
    assert outcome.payload["errorType"] == "Runtime.ImportModuleError"
    assert "no.such" in outcome.payload["errorMessage"]


def test_a_worker_is_used_again_and_two_events_take_two(pool: Pool) -> None:
    first, second = (pool.invoke(function("remaining"), {}).payload["pid"] for _ in range(2))
    assert first == second
    pool.warm()
    assert len(pool.pids()) == 2
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: pool.invoke(function("remaining"), {}), range(40)))
    assert not any(outcome.failed for outcome in found)
    assert {outcome.payload["pid"] for outcome in found} <= set(pool.pids())


def test_the_end_of_a_worker_takes_the_processes_of_its_handler_with_it(pool: Pool, tmp_path: Path) -> None:
    outcome = pool.invoke(function("with_child", timeout=1.0), {"file": str(tmp_path / "pid")})
    assert outcome.payload["errorType"] == "Sandbox.Timedout"
    child = Path("/proc", (tmp_path / "pid").read_text(), "cmdline")
    eventually(lambda: not child.exists() or not child.read_bytes(), "the handler's process is gone")


def test_what_is_done_for_a_stopped_execution_ends_and_what_waits_is_not_begun(
    pool: Pool, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(3) as threads:
        calls = [
            threads.submit(
                pool.invoke, function("with_child"), {"file": str(tmp_path / f"{n}.pid")}, "stopped"
            )
            for n in range(3)
        ]
        eventually(
            lambda: len(begun := [*tmp_path.glob("*.pid")]) == 2 and all(path.read_text() for path in begun),
            "both workers are at it",
        )
        pool.stop("another")
        assert not any(call.done() for call in calls)
        pool.stop("stopped")
        outcomes = [call.result() for call in calls]
    assert {outcome.payload["errorType"] for outcome in outcomes} == {"Runtime.ExitError"}
    children = [Path("/proc", path.read_text(), "cmdline") for path in tmp_path.glob("*.pid")]
    assert len(children) == 2
    for child in children:
        eventually(lambda child=child: not child.exists() or not child.read_bytes(), "it is gone")
    assert not pool.invoke(function("remaining"), {}, "another").failed


def test_workers_end_when_their_owner_is_killed(settings: WorkerSettings, tmp_path: Path) -> None:
    owner = textwrap.dedent(f"""
        import os, signal
        from pathlib import Path
        from nyx.aws.functions import Function
        from nyx.aws.pool import Pool, WorkerSettings
        pool = Pool(WorkerSettings({{"PATH": os.defpath}}, Path({str(tmp_path)!r}),
            Path({str(settings.log)!r}), ({str(TRIAL)!r},)), 1)
        pool.warm()
        print(*pool.pids(), flush=True)
        pool.invoke(Function("Trial", "stack_trial.with_child", 60, 128, True),
            {{"file": {str(tmp_path / "pid")!r}}})
    """)
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = Path("/proc", process.stdout.readline().strip(), "cmdline")
        child = eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "it runs")
        process.kill()
    for path in (worker, Path("/proc", child, "cmdline")):
        eventually(lambda path=path: not path.exists() or not path.read_bytes(), "it is gone")


def test_a_closed_pool_leaves_no_process(settings: WorkerSettings) -> None:
    pool = Pool(settings, 2)
    pool.warm()
    pids = pool.pids()
    pool.close()
    assert pool.pids() == []
    assert not any(Path("/proc", str(pid)).exists() for pid in pids)

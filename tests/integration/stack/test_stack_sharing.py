"""Several commands on one home, and what becomes of runs when the stack ends or is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest
from stack_bench import PATIENCE, Dev, add_run, processes_of, stream

type Hold = Callable[[], Dev]


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    """Starts commands that open the stack of one home and hold it until they are told to leave."""
    started: list[Dev] = []

    def start() -> Dev:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("hold_stack.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "NYX_HOME": str(tmp_path / "home"), "NYX_TRIAL_FOLDER": str(tmp_path)},
        )  # fmt: skip
        started.append(Dev(process, tmp_path / "home"))
        return started[-1]

    yield start
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
        command.process.communicate(timeout=PATIENCE)


def leave(command: Dev) -> None:
    stream(command.process.stdin).write("leave\n")
    stream(command.process.stdin).flush()


def test_the_command_that_started_the_stack_waits_for_the_one_that_joined(hold: Hold) -> None:
    first, second = hold().wait_ready(), hold().wait_ready()
    assert [first.ready["joined"], second.ready["joined"]] == [False, True]
    leave(first)
    told = iter(stream(first.process.stderr).readline, "")
    assert any("waiting for it to end" in line for line in told)
    assert httpx.get(second.ready["url"]).text == "embedded"
    leave(second)
    assert second.process.wait(PATIENCE) == 0
    assert first.process.wait(PATIENCE) == 0
    assert processes_of(first.home) == {}


def test_a_killed_guest_is_not_waited_for(hold: Hold) -> None:
    first, second = hold().wait_ready(), hold().wait_ready()
    second.end(signal.SIGKILL)
    leave(first)
    assert first.process.wait(PATIENCE) == 0


def test_ctrl_c_stops_the_stack_at_once_and_the_guest_hears_why(hold: Hold) -> None:
    first, second = hold().wait_ready(), hold().wait_ready()
    assert "stopped by Ctrl-C" in first.end(signal.SIGINT)[2]
    code, _, errors = second.end(0)
    assert code == 1
    assert "stopped by the command that had started it" in errors
    assert "Traceback" not in errors


def test_an_open_stream_does_not_hold_up_the_end(hold: Hold) -> None:
    command = hold().wait_ready()
    with httpx.stream("GET", f"{command.ready['url']}/stream", timeout=PATIENCE) as response:
        pieces = response.iter_raw()
        assert next(pieces).startswith(b": here")
        command.process.send_signal(signal.SIGINT)
        with suppress(httpx.RemoteProtocolError):  # cut off in the middle, as a client has to expect
            deque(pieces, maxlen=0)
    assert "stopped by Ctrl-C" in command.end(0)[2]
    assert processes_of(command.home) == {}


def test_a_guest_of_a_killed_stack_hears_why_and_the_next_command_starts_anew(hold: Hold) -> None:
    first, second = hold().wait_ready(), hold().wait_ready()
    first.end(signal.SIGKILL)
    assert "run this command again" in second.end(0)[2]
    assert hold().wait_ready().ready["joined"] is False


def test_commands_that_start_together_share_one_stack(hold: Hold) -> None:
    commands = [hold() for _ in range(3)]
    joined = [command.wait_ready().ready["joined"] for command in commands]
    assert sorted(joined) == [False, True, True]
    assert len({command.ready["url"] for command in commands}) == 1


def run_of(ready: dict[str, str], run_id: UUID) -> dict[str, object]:
    found: dict[str, object] = httpx.get(
        f"{ready['url']}/api/v1/runs/{run_id}", headers={"Authorization": f"Bearer {ready['token']}"}
    ).json()
    return found


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_runs_that_nobody_holds_end_as_interrupted_and_waiting_ones_stay(
    nyx: Callable[..., Dev], how: int
) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    running, waiting = add_run(dev.ready, "running"), add_run(dev.ready, "waiting")
    dev.end(how)
    again = nyx("dev", "--json", "--port", "0").wait_ready()
    ended = run_of(again.ready, running)
    assert ended["status"] == "failed"
    assert ended["error"] == {"code": "interrupted", "message": ended["error"]["message"]}  # type: ignore[index]
    assert run_of(again.ready, waiting)["status"] == "waiting"
    with psycopg.connect(again.ready["databaseUrl"]) as connection:
        connection.execute("select set_config('app.tenant_id', %s, true)", (again.ready["tenantId"],))
        last = connection.execute(
            "select type from run_events where run_id = %s order by seq desc limit 1", (running,)
        ).fetchone()
    assert last == ("done",)


def test_joining_does_not_end_runs(nyx: Callable[..., Dev]) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    running = add_run(dev.ready, "running")
    nyx("dev", "--json").wait_ready().end()
    assert run_of(dev.ready, running)["status"] == "running"

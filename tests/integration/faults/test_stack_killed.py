"""The real command, ended in the middle of a run: by `kill -9`, by a cancel, by Ctrl-C."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from stack_bench import PATIENCE, Dev, eventually, processes_of
from stack_runs import api_of, events, numbers, running, start, until_phase

type Nyx = Callable[..., Dev]

PHASES = ("fetching", "scanning", "detecting", "fixing", "verifying")


@pytest.fixture
def dev(nyx: Nyx) -> Dev:
    return nyx("dev", "--json", "--port", "0").wait_ready()


@pytest.mark.parametrize("phase", ["detecting", "verifying"])
def test_a_run_whose_stack_is_killed_is_ended_honestly_and_its_stream_replays_to_done(
    nyx: Nyx, dev: Dev, tree: Path, phase: str
) -> None:
    with api_of(dev.ready) as api:
        run_id = start(api, tree)
    seen = until_phase(dev.ready, run_id, phase)
    dev.end(signal.SIGKILL)

    again = nyx("dev", "--json", "--port", "0").wait_ready()
    with api_of(again.ready) as api:
        run = api.get(f"/runs/{run_id}")
        assert (run["status"], run["error"]["code"]) == ("failed", "interrupted")
        assert run["phase"] in PHASES[PHASES.index(phase) :]
        rest = list(events(again.ready, run_id, after=seen[-1].id))
        whole = list(events(again.ready, run_id))
        assert numbers(whole) == list(range(1, run["lastSeq"] + 1))
        assert whole == seen + rest
        assert whole[-1].type == "done" and whole[-1].data["run"] == run
        assert [f["state"] for f in api.items(f"/runs/{run_id}/findings") if f["state"] == "open"] == []

        retried = api.post(f"/runs/{run_id}/retry")
        last = list(events(again.ready, retried["id"]))[-1]
        assert (last.type, last.data["run"]["status"]) == ("done", "succeeded")
        assert last.data["run"]["retryOf"] == run_id


def test_a_cancel_over_the_api_ends_the_run_in_whatever_phase_and_the_next_one_starts(
    dev: Dev, tree: Path
) -> None:
    with api_of(dev.ready) as api:
        for phase in PHASES:
            run_id = start(api, tree)
            seen = until_phase(dev.ready, run_id, phase)
            cancelled = api.post(f"/runs/{run_id}/cancel")
            assert cancelled["status"] == "cancelled"
            rest = list(events(dev.ready, run_id, after=seen[-1].id))
            assert numbers(seen + rest) == list(range(1, cancelled["lastSeq"] + 1))
            assert rest[-1].type == "done" and rest[-1].data["run"] == cancelled
            assert api.get(f"/runs/{run_id}") == cancelled
        run_id = start(api, tree)
        *_, last = events(dev.ready, run_id)
        assert last.data["run"]["status"] == "succeeded"
        for run in api.items("/runs"):  # and nothing has come to those that were cancelled
            assert run["id"] == run_id or numbers(list(events(dev.ready, run["id"])))[-1] == run["lastSeq"]


@pytest.mark.parametrize("joined", [True, False])
def test_ctrl_c_in_nyx_fix_cancels_the_run_and_says_so(nyx: Nyx, tree: Path, joined: bool) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready() if joined else None
    for phase in ("fetching", "detecting", "fixing") if joined else ("detecting",):
        command = nyx("fix", str(tree), "--json")
        ready = dev.ready if dev else eventually(lambda home=command.home: announced(home), "it is ready")
        with api_of(ready) as api:
            run = eventually(lambda api=api: running(api), "the run is there")
        until_phase(ready, run["id"], phase)
        command.process.send_signal(signal.SIGINT)
        out, errors = command.process.communicate(timeout=PATIENCE)  # reading on: there are many findings
        assert command.process.returncode == 130, errors
        told = json.loads(out)
        assert told["error"]["code"] == "interrupted"
        assert (told["run"]["id"], told["run"]["status"]) == (run["id"], "cancelled")
        assert "open" not in {finding["state"] for finding in told["findings"]}
    if dev:
        assert dev.end()[0] == 0
    assert processes_of(command.home) == {}


def announced(home: Path) -> dict[str, str] | None:
    """What a command that holds the stack tells those who join."""
    path = home / "run" / "running.json"
    return json.loads(path.read_text()) if path.exists() else None

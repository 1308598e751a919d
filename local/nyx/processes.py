"""Processes of a stack, known by number and start time, so that no other one is ever ended by mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from nyx.home import Home, write_private

_TICK: Final = 0.02
_START_TIME: Final = 19  # of /proc/pid/stat, counted after the name: proc_pid_stat(5), field 22
_STATE: Final = 0


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number."""

    name: str
    pid: int
    started: str

    @classmethod
    def of(cls, name: str, pid: int) -> Process | None:
        """The process that has this number now, or None."""
        started = _start_time(pid)
        return cls(name, pid, started) if started else None

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _start_time(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def wait(self, seconds: float) -> bool:
        """Whether it ended within this time (it is no child of ours: there is nothing to wait on)."""
        until = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > until:
                return False
            time.sleep(_TICK)
        return True


def remember(home: Home, processes: list[Process]) -> None:
    """Write down which processes belong to this home, for whoever comes after a kill -9."""
    write_private(_file(home), json.dumps([asdict(process) for process in processes]))


def forget(home: Home) -> None:
    """Nothing of this home runs any more. Needs no room on the disk."""
    _file(home).unlink(missing_ok=True)


def end_leftovers(home: Home) -> list[str]:
    """End what an earlier, killed holder of this home left running; the names of what was found.

    Called by the holder of the lock. Only processes that are provably this home's are touched: those it
    wrote down, with their start times, and a PostgreSQL server that works in this home's data folder.
    """
    found = [process for process in _remembered(home) if process.alive()]
    server = _server_of(home.postgres)
    if server and server not in found:
        found.append(server)
    for process in found:
        for number in (signal.SIGINT, signal.SIGQUIT) if process.name == "postgres" else (signal.SIGTERM,):
            process.signal(number)
            process.signal(signal.SIGCONT)  # a stopped process hears nothing else
            if process.wait(3.0):
                break
        else:
            process.signal(signal.SIGKILL)
            process.wait(3.0)
    _unlock_from_zombie(home.postgres)
    forget(home)
    return [process.name for process in found]


def _file(home: Home) -> Path:
    return home.run / "processes.json"


def _remembered(home: Home) -> list[Process]:
    try:
        return [Process(**entry) for entry in json.loads(_file(home).read_text())]
    except (FileNotFoundError, ValueError, TypeError):
        return []  # killed while it was written, or never: the server's own file is asked below


def _server_of(data: Path) -> Process | None:
    pid = _server_pid(data)
    return Process.of("postgres", pid) if pid is not None and _works_in(pid, data) else None


def _server_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _unlock_from_zombie(data: Path) -> None:
    """Remove the lock file of a killed server that nobody has reaped (a container without an init).

    A new server would take the zombie for a running one. Its own children end when they notice that it is
    gone; until the last of them has, the lock file stays.
    """
    pid = _server_pid(data)
    if sys.platform != "linux" or pid is None or _state(pid) != "Z":
        return
    until = time.monotonic() + 3.0
    while any(_works_in(int(entry.name), data) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        if time.monotonic() > until:
            return
        time.sleep(_TICK)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _works_in(pid: int, data: Path) -> bool:
    """Whether the process is a PostgreSQL server of this folder: it has made it its working directory."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
        except OSError:
            return False
    return f"-D {data}" in _ps(pid, "command")


def _start_time(pid: int) -> str:
    """When the process started, in a form that is only good for comparing; empty when there is none."""
    if sys.platform != "linux":
        return _ps(pid, "lstart")
    fields = _stat(pid)
    if not fields or fields[_STATE] in {"Z", "X"}:
        return ""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {fields[_START_TIME]}"


def _state(pid: int) -> str:
    fields = _stat(pid)
    return fields[_STATE] if fields else ""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/pid/stat after the name; none when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _ps(pid: int, column: str) -> str:
    done = subprocess.run(
        ["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()

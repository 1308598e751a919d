"""What processes used: peak memory of a tree of processes, CPU of an import."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType


class PeakMemory:
    """Watches this process's descendants; `megabytes` is the largest resident size that any one had."""

    def __init__(self, root_pid: int) -> None:
        self._root = root_pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.megabytes = 0.0
        self.command = ""

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            for pid in _descendants(self._root):
                peak = _peak(pid)
                if peak > self.megabytes:
                    self.megabytes, self.command = peak, _command(pid)


def import_cpu_seconds(*modules: str, path: str = "") -> float:
    """Median of five: user and system time of a fresh interpreter that imports these, less an empty one.

    `path` is a folder to import from besides.
    """
    return _cpu(f"import {', '.join(modules)}", path) - _cpu("pass", path)


def _cpu(statement: str, path: str) -> float:
    program = f"{statement}\nimport resource as r; u=r.getrusage(r.RUSAGE_SELF); print(u.ru_utime+u.ru_stime)"
    command = [sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": path}
    times = [
        float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
        for _ in range(5)
    ]
    return sorted(times)[2]


def commands_below(root: int) -> list[str]:
    """The command line of each descendant of a process."""
    return [_command(pid) for pid in _descendants(root)]


def _descendants(root: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue  # it ended meanwhile
        children.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(int(stat.parent.name))
    found, queue = set[int](), [root]
    while queue:
        below = children.get(queue.pop(), [])
        found.update(below)
        queue.extend(below)
    return found


def _peak(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:100]
    except OSError:
        return ""

"""Holds a process to a share of one CPU, as Lambda does by the memory of a function.

Lambda gives one virtual CPU at 1,769 MB and less in proportion
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). The kernel's own means need root and a
control group; here the process is stopped for the rest of each period in which it has used up its share, as that
scheduler would do.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import TracebackType

FULL_CPU_MB = 1769
_PERIOD, _LOOK = 0.020, 0.0004  # seconds


def share_of(memory_mb: int) -> float:
    """Share of one CPU that a function of so much memory has, at most 1."""
    return min(1.0, memory_mb / FULL_CPU_MB)


class CpuShare:
    """Keeps `pid`, all its threads together, to `share` of one CPU while the block runs.

    CPU time that is not used within a period of 20 ms is lost; what was used beyond the share is made up for, so that
    the share holds on the average however late this process is scheduled.
    """

    def __init__(self, pid: int, share: float) -> None:
        self._pid = pid
        # the clock of that process's CPU time, as clock_getcpuclockid(3) makes it
        self._clock = (~pid << 3) | 2
        self._quota = share * _PERIOD
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)

    def __enter__(self) -> CpuShare:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _hold(self) -> None:
        with suppress(PermissionError):  # root alone may; otherwise other work takes some of the share
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            os.setpriority(os.PRIO_PROCESS, self._pid, -15)
        with suppress(OSError):  # the process has ended
            try:
                self._periods()
            finally:
                os.kill(self._pid, signal.SIGCONT)

    def _periods(self) -> None:
        used, left, stopped = time.clock_gettime(self._clock), 0.0, False
        ends = time.monotonic()
        while not self._over.is_set():
            now = time.monotonic()
            if now >= ends:
                periods = 1 + int((now - ends) / _PERIOD)
                ends += periods * _PERIOD
                left = min(left + periods * self._quota, self._quota)
            before, used = used, time.clock_gettime(self._clock)
            left -= used - before
            if stopped is not (left <= 0):
                stopped = not stopped
                os.kill(self._pid, signal.SIGSTOP if stopped else signal.SIGCONT)
            time.sleep(max(0.0, ends - time.monotonic()) if stopped else _LOOK)

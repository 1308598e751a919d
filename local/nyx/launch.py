"""Starts a program that ends with its parent: `python -I -S launch.py [options] -- program arguments`.

A file of its own, run without site-packages (12 ms), since what it does must happen in the child between
fork and exec, where Python code of a process with threads may hang (`preexec_fn`). The process id stays.

The kernel sends the death signal when the *thread* that started the child ends, not only its process:
start children from the main thread.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path

FAILED = 125  # exit status when the program itself was never reached
_PR_SET_PDEATHSIG = 1
_INNER_ID = 1000  # any id but 0: PostgreSQL refuses to run as root


def enter_user_namespace() -> None:
    """Let this process be an ordinary user inside, while files still belong to whoever started it.

    Raises OSError where the kernel or a container refuses it.
    """
    outer_user, outer_group = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_INNER_ID} {outer_user} 1")
    Path("/proc/self/gid_map").write_text(f"{_INNER_ID} {outer_group} 1")


def become(user: int, group: int) -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


def die_with(parent: int, number: int) -> None:
    """Ask the kernel for signal `number` (0: none) when the parent ends; Linux alone has that."""
    if sys.platform != "linux" or number == 0:
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), number)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--death-signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--user-namespace", action="store_true")
    parser.add_argument("--user", help="uid:gid")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    try:
        if options.user_namespace:
            enter_user_namespace()
        if options.user:
            user, group = options.user.split(":")
            become(int(user), int(group))
        die_with(options.parent, options.death_signal)  # last: a change of credentials clears it
        os.execv(options.program[0], options.program)  # noqa: S606 - a program given by our own code
    except OSError as error:
        sys.stderr.write(f"launch: {options.program[0]}: {error}\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()

"""The browser's processes, seen in /proc: how much memory they hold, and which folders of dead ones are left."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

PROFILE_PREFIX: Final = "nyx-chromium-"
_PROC: Final = Path("/proc")
# A page of a file counts for nobody: all processes share Chromium's 209 MB, and the kernel can drop them.
_OWN: Final = ("RssAnon:", "RssShmem:")
_SESSION_FIELD: Final = 3  # of /proc/<pid>/stat, counted after the name, which may hold anything


def memory(session: int) -> int:
    """Bytes of memory, pages of files not counted, of all processes of a session (setsid(2)).

    Chromium reserves terabytes of addresses, so RLIMIT_AS cannot bound it; what it really holds can be watched.
    """
    return sum(_own_memory(process) for process in _processes(session))


def _processes(session: int) -> list[Path]:
    found = []
    for process in _PROC.iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                fields = process.joinpath("stat").read_bytes().rpartition(b")")[2].split()
                if int(fields[_SESSION_FIELD]) == session:
                    found.append(process)
    return found


def _own_memory(process: Path) -> int:
    try:
        lines = process.joinpath("status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0  # it has ended meanwhile
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_OWN))


def new_profile() -> Path:
    """A new private folder, named after this process; what processes that were killed have left is removed."""
    for left in Path(tempfile.gettempdir()).glob(f"{PROFILE_PREFIX}*"):
        owner = left.name.removeprefix(PROFILE_PREFIX).partition("-")[0]
        if owner.isdigit() and not _PROC.joinpath(owner).exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PROFILE_PREFIX}{os.getpid()}-"))

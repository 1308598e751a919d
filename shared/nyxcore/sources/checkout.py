"""The commit that a folder or an archive was taken from, where it says so.

git is never run on what a stranger has written: its configuration names programs. HEAD, references and
packed references are read as the files that they are (gitrepository-layout(5)). What does not look like a
commit's id is none, so nothing else of a file can come out.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_POINTER_BYTES: Final = 8192
_PACKED_BYTES: Final = 32 << 20  # about 400,000 references
_LONGEST_CHAIN: Final = 5  # of references to references, as in git

_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# parts of a reference's name, as git-check-ref-format(1) takes them; none begins with a dot, so none leads up
_REFERENCE = re.compile(r"refs(?:/[^\x00-\x20\x7f/.~^:?*\[\\][^\x00-\x20\x7f/~^:?*\[\\]*)+")


def commit_of_folder(root: Path) -> str | None:
    """The commit that is checked out in `root`, by its `.git`; None where there is none, or it is not known.

    What has been changed since stands in the folder and in no commit.
    """
    marker = root / ".git"
    if marker.is_dir():
        folder = marker
    else:  # of a worktree or a submodule: the way to it
        way = _text(marker).removeprefix("gitdir: ")
        if not way or "\0" in way:
            return None
        folder = root / way
    shared = folder / (_text(folder / "commondir") or ".")
    found = _text(folder / "HEAD")
    for _ in range(_LONGEST_CHAIN):
        if (commit := commit_in(found)) is not None:
            return commit
        name = found.removeprefix("ref: ").strip()
        if _REFERENCE.fullmatch(name) is None:
            return None
        found = _text(folder / name) or _text(shared / name) or _packed(shared, name)
    return None


def commit_in(text: str) -> str | None:
    """`text`, where it is the id of a commit: SHA-1 or SHA-256 in lower-case hex."""
    return text if _ID.fullmatch(text) else None


def _packed(shared: Path, name: str) -> str:
    lines = _read(shared / "packed-refs", _PACKED_BYTES).decode(errors="replace").splitlines()
    return next((line.partition(" ")[0] for line in lines if line.partition(" ")[2] == name), "")


def _text(file: Path) -> str:
    return _read(file, _POINTER_BYTES).decode(errors="replace").rstrip("\r\n")


def _read(file: Path, limit: int) -> bytes:
    """The content of a regular file; nothing where there is none, or it is larger."""
    try:
        opened = os.open(file, _OPEN)
    except (OSError, ValueError):
        return b""
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return b""
        data = os.read(opened, limit + 1)
    except OSError:
        return b""
    finally:
        os.close(opened)
    return data if len(data) <= limit else b""

"""The folder that results are left in."""

from __future__ import annotations

import os
from pathlib import Path

from nyx.errors import BadUsage, DiskFull, LocalError


class OutputFolder:
    """`nyx-out/`, or what `--out` names; git ignores what is in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Make the folder and see that it can be written, before any work is done."""
        if self._folder.exists() and not self._folder.is_dir():
            raise BadUsage(f"--out {str(self._folder)!r} is a file. Give a folder, which may be new.")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        if not (self._folder / ".gitignore").exists():
            self.write(".gitignore", b"*\n")

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all."""
        part = self._folder / f".{name}.{os.getpid()}.part"
        try:
            part.write_bytes(content)
            part.replace(self._folder / name)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise self._unwritable(error) from error

    def remove(self, name: str) -> None:
        """Take away what an earlier run has left, where it has."""
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> LocalError:
        import errno

        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return DiskFull(
                f"The disk is full: {self._folder} could not be written. Free some room and run again."
            )
        return LocalError(
            f"Results cannot be written to {self._folder} ({error.strerror}). Name another folder with --out."
        )

"""The folder that holds the state: what is in it, and the refusal of one that cannot be used."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nyx.errors import DiskFull, HomeUnusable, LocalError

LAYOUT: Final = 1  # version of the layout; a newer nyx may raise it, an older one then refuses
_MARKER: Final = "nyx-home.json"
_PARTIAL: Final = f".{_MARKER}."  # how write_private names a file that is not whole yet
_FOLDERS: Final = ("keys", "logs", "objects", "tmp", "run")
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of mode 0700 in it, checked to be ours
_AMPLE: Final = 4 << 30
_REFUSED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


def home_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that `NYX_HOME` names, else `.nyx` in the current folder. It need not exist."""
    named = environment.get("NYX_HOME", "")
    return Path(named).expanduser().absolute() if named else Path.cwd() / ".nyx"


def is_new(home: Path, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether nothing can be kept there yet: its database was never made, and no other one is named."""
    return not environment.get("NYX_DATABASE_URL") and not Home(home).postgres.exists()


@dataclass(frozen=True)
class Home:
    """Paths in the home. `open` makes and checks it."""

    root: Path

    @property
    def postgres(self) -> Path:
        """Data folder of the embedded PostgreSQL."""
        return self.root / "postgres"

    @property
    def objects(self) -> Path:
        """Objects of the embedded S3."""
        return self.root / "objects"

    @property
    def logs(self) -> Path:
        """What the parts of the stack write, from their last start."""
        return self.root / "logs"

    @property
    def tmp(self) -> Path:
        """Work folders of the handlers; emptied at each start."""
        return self.root / "tmp"

    @property
    def run(self) -> Path:
        """Locks, and what the running stack tells other commands."""
        return self.root / "run"

    def key(self, name: str) -> Path:
        """File of a secret."""
        return self.root / "keys" / f"{name}.json"

    @classmethod
    def open(cls, root: Path) -> Home:
        """The home at `root`, made when there is nothing or an empty folder.

        Raises
        ------
        HomeUnusable : something else is there, it is damaged, of a newer version, or not writable.
        DiskFull : no space is left.
        """
        home = cls(root)
        with disk_errors(root):
            if not root.exists() or home._empty():
                home._make()
            home.check()
            for name in _FOLDERS:
                (root / name).mkdir(mode=0o700, exist_ok=True)
        return home

    def read_key(self, name: str) -> dict[str, str]:
        """A secret kept earlier, `{}` when there is none. Raises HomeUnusable when it is damaged."""
        try:
            found = json.loads(self.key(name).read_text())
        except FileNotFoundError:
            return {}
        except (ValueError, OSError) as error:
            raise self.broken(f"{self.key(name)} cannot be read ({type(error).__name__})") from error
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise self.broken(f"{self.key(name)} does not hold what nyx writes there")
        return found

    def write_key(self, name: str, values: Mapping[str, str]) -> None:
        """Keep a secret, readable by its owner alone."""
        write_private(self.key(name), json.dumps(values))

    def kept_key(self, name: str, *fields: str) -> dict[str, str]:
        """A secret of random fields, made at first use."""
        found = self.read_key(name)
        if not found:
            found = {field: secrets.token_urlsafe(24) for field in fields}
            self.write_key(name, found)
        if missing := set(fields) - set(found):
            raise self.broken(f"{self.key(name)} lacks {', '.join(sorted(missing))}")
        return found

    def scratch(self) -> Path:
        """Where handlers unpack what they work on: in memory where there is ample room, else in `tmp`.

        Thousands of small files are made and removed in a run, which takes a disk ten times as long.
        """
        folder = self._in_memory()
        try:
            if shutil.disk_usage(_MEMORY).free < _AMPLE:
                return self.tmp
            folder.mkdir(mode=0o700, exist_ok=True)
            status = folder.lstat()
        except OSError:
            return self.tmp
        # somebody else may have put a folder, or a link, of that name there
        ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
        return folder if ours else self.tmp

    def clear_tmp(self) -> None:
        """Remove what a killed stack left in the work folders."""
        shutil.rmtree(self._in_memory(), ignore_errors=True)
        shutil.rmtree(self.tmp, ignore_errors=True)
        self.tmp.mkdir(mode=0o700, exist_ok=True)

    def _in_memory(self) -> Path:
        return _MEMORY / f"nyx-{os.getuid()}-{hashlib.sha256(bytes(self.root.resolve())).hexdigest()[:16]}"

    def broken(self, what: str) -> HomeUnusable:
        """The error for a home that is damaged."""
        return HomeUnusable(
            f"the state in {self.root} is damaged: {what}. Move the folder away (its runs and reports are in"
            f" it), or set NYX_HOME to another one, and start again"
        )

    def check(self) -> None:
        """Refuse a folder that is not a home of this layout, or that cannot be written."""
        if not self.root.is_dir():
            raise HomeUnusable(f"{self.root} is a file; set NYX_HOME to an empty folder, or to a new one")
        marker = self.root / _MARKER
        if not marker.exists():
            raise HomeUnusable(
                f"{self.root} is not empty and was not made by nyx; set NYX_HOME to a folder that is empty or"
                f" does not exist"
            )
        try:
            layout = json.loads(marker.read_text())["layout"]
        except (ValueError, KeyError, TypeError) as error:
            raise self.broken(f"{marker} does not hold what nyx writes there") from error
        if layout != LAYOUT:
            raise HomeUnusable(
                f"{self.root} was made by another version of nyx (layout {layout!r}, this one reads {LAYOUT});"
                f" use that version, or set NYX_HOME to another folder"
            )
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise disk_error(OSError(errno.EACCES, "no right to write, or a read-only disk"), self.root)

    def _empty(self) -> bool:
        """Whether there is nothing here, or no more than another command's first step (or its failure)."""
        return self.root.is_dir() and all(entry.name.startswith(_PARTIAL) for entry in self.root.iterdir())

    def _make(self) -> None:
        # 0711: where PostgreSQL has to run as `nobody`, it must be able to pass; what is inside is 0700
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        write_private(self.root / _MARKER, json.dumps({"product": "nyxcore", "layout": LAYOUT}) + "\n")
        (self.root / ".gitignore").write_text("*\n")


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def disk_errors(root: Path) -> Iterator[None]:
    """Turn what the file system says about the home into a sentence."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, root) from error


def disk_error(error: OSError, root: Path) -> LocalError:
    """The sentence for an error of the file system under `root`."""
    if error.errno in _FULL:
        return DiskFull(
            f"no space is left on the disk of {root}; free 200 MB, or set NYX_HOME to a folder on another disk"
        )
    where = error.filename or root
    if error.errno in _REFUSED:
        return HomeUnusable(
            f"{where} cannot be written ({error.strerror}); set NYX_HOME to a folder of your own"
        )
    if isinstance(error, NotADirectoryError):
        return HomeUnusable(
            f"{where} is not a folder; set NYX_HOME to a folder that is empty or does not exist"
        )
    return HomeUnusable(f"{where} cannot be used ({error.strerror or error}); set NYX_HOME to another folder")

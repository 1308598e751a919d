"""One lock a home, and what its holder tells the commands that join it."""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass
from io import BufferedWriter
from pathlib import Path
from typing import Self

from nyx.errors import HomeUnusable
from nyx.home import Home, disk_errors, write_private


@dataclass(frozen=True)
class Running:
    """A stack that is ready, as its holder describes it to other commands."""

    url: str
    token: str
    tenant_id: str
    database_url: str
    holder: int  # process id, for messages


class Lock:
    """The lock of a home. The kernel takes it back when its holder ends, however it ends."""

    def __init__(self, home: Home) -> None:
        self._home = home
        with disk_errors(home.root):
            self._holders = (home.run / "lock").open("ab")
            self._guests = (home.run / "joined").open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give up what is held."""
        self._holders.close()
        self._guests.close()

    def take(self) -> bool:
        """Become the holder; False while another process is."""
        return _flock(self._holders, fcntl.LOCK_EX)

    def join(self) -> bool:
        """Ask the holder to wait for this process before it ends by itself; False when it is just ending."""
        return _flock(self._guests, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Take back `join`."""
        fcntl.flock(self._guests, fcntl.LOCK_UN)

    def alone(self) -> bool:
        """For the holder: whether nobody has joined. From True on nobody can."""
        return _flock(self._guests, fcntl.LOCK_EX)

    def free(self) -> bool:
        """For a guest: whether nobody holds the lock."""
        if not self.take():
            return False
        fcntl.flock(self._holders, fcntl.LOCK_UN)
        return True

    def announce(self, running: Running) -> None:
        """Tell other commands where the stack is (it holds a token: mode 0600)."""
        write_private(_port_file(self._home), json.dumps(asdict(running)))

    def withdraw(self) -> None:
        """The stack is there no longer."""
        _port_file(self._home).unlink(missing_ok=True)

    def announced(self) -> Running | None:
        """What the holder told, or None while it is starting or ending."""
        try:
            return Running(**json.loads(_port_file(self._home).read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise HomeUnusable(
                f"{_port_file(self._home)} cannot be read; stop the nyx command that runs, and start again"
            ) from error


def _port_file(home: Home) -> Path:
    return home.run / "running.json"


def _flock(file: BufferedWriter, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

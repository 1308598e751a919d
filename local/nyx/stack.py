"""The whole embedded stack: started by the command that takes the home's lock, joined by every other."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from nyx.environment import Shell
from nyx.errors import BadUsage, StackFailed, StackStopped
from nyx.home import Home, disk_errors
from nyx.lock import Lock, Running
from nyx.parts import Blueprint, Parts

type Say = Callable[[str], None]

_TICK: Final = 0.05  # seconds between two looks at the lock
_PATIENCE: Final = 60.0  # seconds that another command gets to become ready


@dataclass(frozen=True)
class Stack:
    """A stack that answers.

    Attributes
    ----------
    url : origin of the API, without a path.
    token : a token with every scope.
    tenant_id : its tenant.
    database_url : libpq URL of the role that owns the schema.
    joined : whether another command holds the stack.
    """

    url: str
    token: str
    tenant_id: str
    database_url: str
    joined: bool
    _lock: Lock
    _parts: Parts | None

    def check(self) -> None:
        """Raise when the stack has ended behind this command's back.

        Raises
        ------
        StackStopped : the command that held it has stopped it, or was killed.
        StackFailed : one of its parts ended by itself.
        """
        if self._parts is not None:
            self._parts.check()
        elif (now := self._lock.announced()) is None or now.url != self.url or self._lock.free():
            raise StackStopped(
                "the stack was stopped by the command that had started it; run this command again"
            )

    def wait(self) -> None:
        """Stay until something ends the stack; raises as `check` does, and KeyboardInterrupt on Ctrl-C."""
        while True:
            self.check()
            time.sleep(0.25)


@contextmanager
def open_stack(
    home: Path,
    *,
    on_status: Say,
    port: int | None = None,
    near: int = 0,
    guest: bool = True,
    blueprint: Blueprint | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Stack]:
    """The running stack of this home; started here when there is none. Call it from the main thread.

    When the block ends by itself, a stack that was started here waits for the commands that have joined it;
    when it ends with an error or Ctrl-C, it stops at once.

    Parameters
    ----------
    home : folder of the state (`nyx.home.home_folder()`).
    on_status : told in sentences what is being done.
    port : the API's port; any free one when not given.
    near : without `port`, the one to take when it is free.
    guest : whether the holder shall wait for this command when it joins.
    blueprint : what is run; the repository's own pipelines and API when not given.
    environment : the shell's variables.

    Raises
    ------
    LocalError : with the sentence to show.
    """
    shell = Shell.read(environment)
    if shell.real_aws:
        on_status("NYX_AWS=real: the AWS variables of this shell hold, and runs are started on AWS.")
    opened = Home.open(home)
    with ExitStack() as cleanup:
        lock = cleanup.enter_context(Lock(opened))
        running = _take_or_join(lock, opened, on_status, guest=guest)
        if running is not None:
            if shell.owner_url not in {None, running.database_url}:
                raise BadUsage(
                    f"the stack of {home} runs on another database than the one that NYX_DATABASE_URL names;"
                    " stop it first, or set NYX_HOME to another folder"
                )
            yield _joined(running, lock)
            return
        parts = Parts(opened, blueprint or Blueprint.of_repository(), shell)
        cleanup.push(lambda *_: _uninterrupted(lambda: _stop(lock, parts)))
        with disk_errors(home):
            stack = _started(parts, lock, on_status, port=port, near=near)
        yield stack
        _wait_for_guests(lock, stack, on_status)


@contextmanager
def open_database(
    home: Path, *, on_status: Say, environment: Mapping[str, str] = os.environ
) -> Iterator[str]:
    """libpq URL of the owner's role, for as long as the block lasts.

    Where no stack runs, PostgreSQL alone is started. The schema is left as it is. Raises as `open_stack` does.
    """
    shell, opened = Shell.read(environment), Home.open(home)
    with ExitStack() as cleanup:
        lock = cleanup.enter_context(Lock(opened))
        running = _take_or_join(lock, opened, on_status, guest=True)
        if running is not None:
            yield running.database_url
            return
        parts = Parts(opened, Blueprint.of_repository(), shell)
        cleanup.push(lambda *_: _uninterrupted(parts.stop))
        with disk_errors(home):
            url = parts.start_database(on_status).owner
        yield url


def _started(parts: Parts, lock: Lock, say: Say, *, port: int | None, near: int) -> Stack:
    ready = parts.start(say, port=port, near=near)
    running = Running(ready.url, ready.token, ready.tenant_id, ready.database_url, os.getpid())
    lock.announce(running)
    return Stack(ready.url, ready.token, ready.tenant_id, ready.database_url, False, lock, parts)


def _joined(running: Running, lock: Lock) -> Stack:
    return Stack(running.url, running.token, running.tenant_id, running.database_url, True, lock, None)


def _take_or_join(lock: Lock, home: Home, say: Say, *, guest: bool) -> Running | None:
    """None when the lock is ours now, else the stack of the command that holds it, once that is ready."""
    until, told = time.monotonic() + _PATIENCE, False
    while not lock.take():
        running = lock.announced()
        if running is not None and (not guest or lock.join()):
            if _answers(running.url):
                return running
            lock.leave()
        if time.monotonic() > until:
            raise StackFailed(
                f"another nyx command holds {home.root} and has not become ready within {_PATIENCE:.0f} s;"
                " stop it, or set NYX_HOME to another folder"
            )
        if not told:
            say("Waiting for another nyx command that is starting or stopping in the same folder.")
            told = True
        time.sleep(_TICK)
    lock.withdraw()  # what a killed holder left
    return None


def _answers(url: str) -> bool:
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=2.0):
            return True
    except OSError:
        return False


def _wait_for_guests(lock: Lock, stack: Stack, say: Say) -> None:
    told = False
    while not lock.alone():
        if not told:
            say("Another nyx command uses this stack; waiting for it to end (Ctrl-C stops both).")
            told = True
        stack.check()
        time.sleep(_TICK)


def _stop(lock: Lock, parts: Parts) -> None:
    lock.withdraw()
    parts.stop()


def _uninterrupted(stop: Callable[[], None]) -> None:
    """Stop without being stopped: a second Ctrl-C within these two seconds changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        stop()
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

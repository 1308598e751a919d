"""What can go wrong on this machine: one sentence that says what, and how to mend it; never a traceback."""

from __future__ import annotations

from typing import ClassVar

from nyxcore.errors import NyxError


class LocalError(NyxError):
    """Base of the command's own errors. `exit_code` is what the process ends with (design, section 7)."""

    code: ClassVar[str] = "local_error"
    exit_code: ClassVar[int] = 1


class BadUsage(LocalError):
    """The command line, or a variable of the environment, does not say anything that can be done."""

    code, exit_code = "bad_usage", 2


class HomeUnusable(LocalError):
    """The folder that should hold the state is not ours, broken, of a newer version, or cannot be written."""

    code = "home_unusable"


class DiskFull(LocalError):
    """There is no room left for the state."""

    code = "disk_full"


class PortInUse(LocalError):
    """Another program listens on the port that was asked for."""

    code = "port_in_use"


class ToolMissing(LocalError):
    """A part that `make setup` installs is not there."""

    code = "tool_missing"


class PostgresFailed(LocalError):
    """PostgreSQL could not be set up or started, or ended by itself."""

    code = "postgres_failed"


class StackFailed(LocalError):
    """A part of the embedded stack did not start, or ended by itself."""

    code = "stack_failed"


class StackStopped(LocalError):
    """The stack that this command had joined was stopped by the command that holds it."""

    code, retryable = "stack_stopped", True


def exit_code(error: NyxError) -> int:
    """What a command ends with that this error has ended."""
    return error.exit_code if isinstance(error, LocalError) else 1

"""Ports on 127.0.0.1: the same ones at each start where they are free, so that links stay good."""

from __future__ import annotations

import errno
import json
import socket
from typing import Final

from nyx.errors import PortInUse
from nyx.home import Home, write_private

HOST: Final = "127.0.0.1"
DEFAULT: Final = 8000
_STALLED_MS: Final = 30_000


def listen(port: int) -> socket.socket:
    """A listening socket; a child inherits it, so that nobody can take the port in between.

    Raises
    ------
    PortInUse : another program has it, or it needs rights that this user lacks.
    """
    taken = socket.socket()
    try:
        # without it, a port that was in use a minute ago counts as taken
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Its connections inherit it. A client that has stopped reading, and does not close, blocks whoever writes to
        # it; a stream would outlive its window for ever. Linux alone can tell such a client from a slow one.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
        taken.bind((HOST, port))
        taken.listen(128)
    except OSError as error:
        taken.close()
        if error.errno == errno.EACCES:
            raise PortInUse(
                f"port {port} needs the rights of root; choose one above 1023 with --port"
            ) from error
        raise PortInUse(
            f"port {port} is in use by another program; end that program, or choose another one with --port"
        ) from error
    except OverflowError as error:
        taken.close()
        raise PortInUse(f"{port} is no port; choose one from 1 to 65535 with --port") from error
    return taken


def listen_near(port: int) -> socket.socket:
    """A listening socket on this port, or on any free one."""
    try:
        return listen(port)
    except PortInUse:
        return listen(0)


def port_of(bound: socket.socket) -> int:
    """The port that a socket is bound to."""
    port: int = bound.getsockname()[1]
    return port


class KeptPorts:
    """The ports of the last start of a home."""

    def __init__(self, home: Home) -> None:
        self._file = home.run / "ports.json"
        try:
            kept = json.loads(self._file.read_text())
            self._ports = {str(name): int(port) for name, port in kept.items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            self._ports = {}  # nothing depends on them: any free port does

    def of(self, name: str) -> int:
        """The port of this part at the last start; 0 when there is none."""
        return self._ports.get(name, 0)

    def keep(self, **ports: int) -> None:
        """Write down the ports of this start."""
        self._ports |= ports
        write_private(self._file, json.dumps(self._ports))

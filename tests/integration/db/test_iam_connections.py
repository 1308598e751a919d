"""With IAM, whatever opens a connection sends a token that was signed for it."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from nyxcore import clock
from nyxcore.db import iam_token
from nyxcore.db.connection import Database, impatient
from nyxcore.errors import DatabaseUnavailable
from nyxcore.ids import uuid7

_ASK_FOR_PASSWORD = b"R" + struct.pack("!ii", 8, 3)  # AuthenticationCleartextPassword, as RDS Proxy asks
_REFUSAL = b"SFATAL\0VFATAL\0C28P01\0Mthe token was read\0\0"


class PasswordReader:
    """Speaks the start of PostgreSQL's protocol: asks each client for its password, keeps it, refuses it."""

    def __init__(self) -> None:
        self.passwords: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:  # closed
                return
            with client, client.makefile("rwb") as wire:
                (length,) = struct.unpack("!i", wire.read(4))
                wire.read(length - 4)
                wire.write(_ASK_FOR_PASSWORD)
                wire.flush()
                kind, length = struct.unpack("!ci", wire.read(5))
                assert kind == b"p"
                self.passwords.append(wire.read(length - 4).rstrip(b"\0").decode())
                wire.write(b"E" + struct.pack("!i", len(_REFUSAL) + 4) + _REFUSAL)


@pytest.fixture
def proxy() -> Iterator[PasswordReader]:
    reader = PasswordReader()
    yield reader
    reader.close()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda's credentials, and a clock that goes on by a second whenever it is read."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    seconds = itertools.count()
    start = datetime(2026, 11, 23, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(seconds=next(seconds)))


@pytest.mark.parametrize("pool_size", [0, 2], ids=["one connection", "pool"])
def test_each_new_connection_sends_a_token_of_its_own(
    proxy: PasswordReader, monkeypatch: pytest.MonkeyPatch, pool_size: int
) -> None:
    url = f"postgresql://nyx_app@127.0.0.1:{proxy.port}/nyxcore?sslmode=disable"
    database = Database(url, pool_size=pool_size, auth="iam")
    for _ in range(2):
        with impatient(0.5), pytest.raises(DatabaseUnavailable), database.transaction(uuid7()):
            pass
    with pytest.raises(DatabaseUnavailable, match="the token was read"):
        database.connect()
    database.close()

    assert len(proxy.passwords) >= 3
    assert len(set(proxy.passwords)) == len(proxy.passwords)
    for sent in proxy.passwords:
        written = sent.partition("X-Amz-Date=")[2][:16]
        signed_at = datetime.strptime(written, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        monkeypatch.setattr(clock, "now", lambda moment=signed_at: moment)
        assert sent == iam_token.token("127.0.0.1", proxy.port, "nyx_app")

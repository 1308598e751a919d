"""HTTP of the embedded S3: one connection for many requests, closed where nobody can tell where the next one begins."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest
from stack_bench import Trial
from test_stack_objects import presign


@contextmanager
def connected(url: str) -> Iterator[HTTPConnection]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.connect()
    try:
        yield connection
    finally:
        connection.close()


def path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def request(method: str, url: str, *headers: str) -> bytes:
    lines = [f"{method} {path(url)} HTTP/1.1", f"Host: {urlsplit(url).netloc}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def test_one_connection_serves_uploads_refusals_and_downloads(trial: Trial) -> None:
    put, get = (presign(trial, name, Key="t/kept") for name in ("put_object", "get_object"))
    with connected(put) as connection:
        for method, url, body, status in (
            ("PUT", put, b"x" * 3_000_000, 200),
            ("HEAD", get, None, 403),  # the link is for GET
        ):
            connection.request(method, path(url), body)
            response = connection.getresponse()
            response.read()
            assert response.status == status
        assert connection.sock is None, "a refusal closes the connection"
    with connected(get) as connection:
        first = connection.sock
        for _ in range(3):
            connection.request("GET", path(get))
            assert len(connection.getresponse().read()) == 3_000_000
            assert connection.sock is first


def test_two_requests_in_one_packet_are_answered_in_their_order(trial: Trial) -> None:
    for name in ("one", "two"):
        trial.aws("s3").put_object(Bucket="nyxcore", Key=f"t/{name}", Body=name.encode())
    links = [presign(trial, "get_object", Key=f"t/{name}") for name in ("one", "two")]
    where = urlsplit(links[0])
    with socket.create_connection((where.hostname, where.port), timeout=10) as client:
        client.sendall(b"".join(request("GET", link) for link in links))
        received = b""
        while received.count(b"HTTP/1.1 200") < 2 or not received.endswith(b"two"):
            received += client.recv(1 << 16)
    assert received.index(b"\r\n\r\none") < received.index(b"\r\n\r\ntwo")


def test_who_asks_before_sending_is_told_to_go_on(trial: Trial) -> None:
    put = presign(trial, "put_object", Key="t/asked")
    where = urlsplit(put)
    with socket.create_connection((where.hostname, where.port), timeout=10) as client:
        asked = ["Content-Length: 3", "Expect: 100-continue"]
        client.sendall(request("PUT", put, *asked))
        assert client.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"yes")
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("megabytes", [1, 30])
def test_a_client_that_is_refused_while_it_sends_hears_why(trial: Trial, megabytes: int) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(megabytes):
            yield b"x" * (1 << 20)

    answer = httpx.put(presign(trial, "put_object", Key="t/chunked"), content=pieces(), timeout=30)
    assert answer.status_code == 411
    assert "MissingContentLength" in answer.text


def test_an_upload_that_breaks_off_leaves_the_server_at_work(trial: Trial) -> None:
    put = presign(trial, "put_object", Key="t/broken")
    where = urlsplit(put)
    with socket.create_connection((where.hostname, where.port), timeout=10) as client:
        client.sendall(request("PUT", put, "Content-Length: 300") + b"x")
    assert httpx.put(put, content=b"whole").status_code == 200
    assert httpx.get(presign(trial, "get_object", Key="t/broken")).content == b"whole"

"""Base URLs of tenants lead to public addresses over https, whatever names resolve to; real servers on loopback."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from model_server import ModelServer, says, sends

from nyxcore.errors import InvalidInput
from nyxcore.llm import errors
from nyxcore.llm.addresses import base_url
from nyxcore.llm.transport import GuardedTransport
from nyxcore.settings import settings

LOOPBACK = ("127.0.0.0/8",)


class Resolver:
    """Answers with these addresses, and counts how often it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.addresses


def get(
    url: str, resolver: Any, *, times: int = 1, allowed: Sequence[str] = LOOPBACK, **options: Any
) -> bytes:
    async def run() -> bytes:
        transport = GuardedTransport(base_url(url, allowed), allowed, resolve=resolver, **options)
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            for _ in range(times):
                response = await client.post(url, json={})
            return response.content

    return asyncio.run(run())


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "169.254.169.254",
        "fd00:ec2::254",
        "::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
    ],
)
def test_a_name_that_resolves_into_a_private_network_is_refused_before_any_connection(address: str) -> None:
    with pytest.raises(
        errors.EndpointRefused, match=r"models\.example resolves to an address that is not public"
    ) as caught:
        get("https://models.example/v1", Resolver(address))
    assert address not in caught.value.message, "nobody learns what names of the inside resolve to"


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(errors.EndpointRefused, match="not public"):
        get("https://models.example/v1", Resolver("93.184.216.34", "10.0.0.1"))


def test_loopback_is_refused_where_no_exception_is_made(server: ModelServer) -> None:
    with pytest.raises(errors.EndpointRefused):
        get(f"https://localhost:{server.port}/", Resolver("127.0.0.1"), allowed=())
    assert server.seen == []


def test_plain_http_to_a_public_address_is_refused_though_there_are_exceptions() -> None:
    with pytest.raises(errors.EndpointRefused, match="must begin with https"):
        get("http://models.example/v1", Resolver("93.184.216.34"))


def test_the_name_is_resolved_once_and_goes_out_as_the_host(server: ModelServer) -> None:
    server.script = [sends(b"one"), sends(b"two")]
    resolver = Resolver("127.0.0.1")
    url = f"http://models.example:{server.port}/v1"
    assert get(url, resolver, times=2) == b"two"
    assert resolver.asked == 1
    assert [seen.headers["host"] for seen in server.seen] == [f"models.example:{server.port}"] * 2


def test_of_several_addresses_the_one_that_answers_is_taken(server: ModelServer) -> None:
    server.script = [sends(b"reached")]
    assert get(f"http://models.example:{server.port}/", Resolver("127.0.0.1", "127.9.9.9")) == b"reached"


def test_an_unknown_name_is_a_failed_connection() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such host")

    with pytest.raises(httpx2.ConnectError, match=r"models\.example cannot be resolved"):
        get("https://models.example/", unknown)


@pytest.mark.parametrize("port", [22, 25, 80, 465, 1023])
def test_a_port_of_another_service_is_not_tried(port: int) -> None:
    url = f"https://models.example:{port}/v1"
    with pytest.raises(InvalidInput, match=f"port {port} is not for HTTP"):
        base_url(url, ())
    with pytest.raises(errors.EndpointRefused, match=f"port {port} is not for HTTP"):
        get(url, Resolver("93.184.216.34"))
    assert base_url("https://models.example:8443/v1", ()).port == 8443


def test_a_resolver_that_hangs_does_not_outlive_the_deadline(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    hanging: list[bool] = []

    def hang(*_: Any, **__: Any) -> Any:
        hanging.append(released.wait(20))
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    endpoint = {"protocol": "openai", "base_url": "https://models.example/v1"}
    try:
        with pytest.raises(errors.DeadlineReached):
            ask(endpoints={"ours": endpoint}, deadline_seconds=0.3)
        assert hanging == [], "the call ended while the resolver was still hanging"
    finally:
        released.set()


def test_a_client_cannot_be_led_to_another_host() -> None:
    async def run() -> None:
        transport = GuardedTransport(base_url("https://models.example/", ()), ())
        async with httpx2.AsyncClient(transport=transport) as client:
            await client.get("https://other.example/")

    with pytest.raises(errors.EndpointRefused, match="another host"):
        asyncio.run(run())


def test_an_endpoint_whose_exception_is_gone_is_refused_when_it_is_called(ask, monkeypatch) -> None:
    monkeypatch.setenv("NYX_MODEL_ADDRESS_EXCEPTIONS", "[]")
    settings.cache_clear()
    with pytest.raises(errors.EndpointRefused, match="must begin with https"):
        ask()
    assert ask.server.seen == []


def test_proxies_of_the_environment_are_not_looked_at(ask, monkeypatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    ask.server.script = [says("directly")]
    assert ask().text == "directly"


def test_a_giant_answer_is_cut_off(server: ModelServer) -> None:
    server.script = [sends(b"x" * 5000)]
    with pytest.raises(errors.AnswerUnreadable, match="larger than any answer"):
        get(server.url, Resolver("127.0.0.1"), largest=4999)


def test_an_answer_that_would_unpack_to_more_is_refused(server: ModelServer) -> None:
    server.script = [sends(b"x", Content_Encoding="gzip")]
    with pytest.raises(errors.EndpointRefused, match="encoding"):
        get(server.url, Resolver("127.0.0.1"))


# ---- TLS: the certificate is the name's, though the connection goes to the address --------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of models.example, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "models.example")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("models.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "models.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + signed.public_bytes(pem)
    )
    return path


@pytest.fixture
def tls_port(certificate: Path) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers["Host"].encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] - clients here break handshakes off
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_tls_is_checked_against_the_name_and_not_the_address(tls_port: int, certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    url = f"https://models.example:{tls_port}/"
    assert get(url, Resolver("127.0.0.1"), tls=trusting) == f"models.example:{tls_port}".encode()


def test_another_name_s_certificate_is_not_taken(tls_port: int, certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get(f"https://other.example:{tls_port}/", Resolver("127.0.0.1"), tls=trusting)


def test_a_certificate_of_nobody_that_is_trusted_is_not_taken(tls_port: int) -> None:
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get(f"https://models.example:{tls_port}/", Resolver("127.0.0.1"))

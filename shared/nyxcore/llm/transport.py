"""The HTTP transport to an endpoint that a tenant chose: one host, resolved once, to an address that may be reached.

A name that resolves anew between the check and the connection (DNS rebinding) would undo the check, so the
connection goes to the very address that was judged; `Host` and the TLS server name stay the name's. Redirects are
errors, proxies of the environment are not looked at, and an answer has a largest size.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

import certifi
import httpx2

from nyxcore.llm.addresses import Address, BaseUrl, is_excepted, is_port, may_be_reached
from nyxcore.llm.errors import AnswerUnreadable, EndpointRefused

LARGEST_ANSWER: Final = 32 << 20
"""Bytes of one response, on the wire."""

_RESOLVE_SECONDS: Final = 10.0

type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Addresses of a host, as text."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Addresses of a host, by the system's resolver. Raises OSError, TimeoutError too.

    In a thread that nobody waits for at the end: those of the loop's own pool are, and a name server that does not
    answer would outlive every deadline.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def give(found: Sequence[str] | OSError) -> None:
        if answer.done():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def look_up() -> None:
        found: Sequence[str] | OSError
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = [str(entry[4][0]).partition("%")[0] for entry in entries]
        except (OSError, UnicodeError) as error:
            found = error if isinstance(error, OSError) else OSError(f"{host} is no name of a host")
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(give, found)

    threading.Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
    async with asyncio.timeout(_RESOLVE_SECONDS):
        return await answer


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Reaches one endpoint and nothing else. Raises EndpointRefused, or AnswerUnreadable for a giant answer."""

    def __init__(
        self,
        url: BaseUrl,
        exceptions: Sequence[str],
        *,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> None:
        self._url = url
        self._exceptions = exceptions
        self._resolve = resolve
        self._largest = largest
        self._addresses: list[Address] = []
        self._inner = httpx2.AsyncHTTPTransport(
            verify=tls or ssl.create_default_context(cafile=certifi.where()), trust_env=False, retries=0
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request to the address that was judged."""
        if (request.url.scheme == "https", request.url.host) != (self._url.tls, self._url.host):
            raise EndpointRefused("the model's client asked for another host than its endpoint's")
        request.headers["Accept-Encoding"] = "identity"  # what is counted is what is read
        failure: httpx2.ConnectError | None = None
        for address in await self._judged():
            try:
                response = await self._inner.handle_async_request(self._pinned(request, address))
            except httpx2.ConnectError as error:
                failure = error
            else:
                return await self._checked(response)
        raise failure or httpx2.ConnectError("no address")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _judged(self) -> list[Address]:
        """The host's addresses, IPv4 first; asked for once."""
        if not self._addresses:
            try:
                texts = await self._resolve(self._url.host, self._url.port)
            except OSError as error:
                raise httpx2.ConnectError(f"{self._url.host} cannot be resolved") from error
            found = sorted({ip_address(text) for text in texts}, key=lambda one: (one.version, int(one)))
            for address in found:
                self._judge(address)
            self._addresses = found
        return self._addresses

    def _judge(self, address: Address) -> None:
        if not may_be_reached(address, self._exceptions):
            raise EndpointRefused(f"{self._url.host} resolves to an address that is not public")
        if not self._url.tls and not is_excepted(address, self._exceptions):
            raise EndpointRefused(f"{self._url.host} is public: its base URL must begin with https://")
        if not is_port(self._url.port) and not is_excepted(address, self._exceptions):
            raise EndpointRefused(f"{self._url.host}: port {self._url.port} is not for HTTP")

    def _pinned(self, request: httpx2.Request, address: Address) -> httpx2.Request:
        return httpx2.Request(
            request.method,
            request.url.copy_with(host=str(address)),
            headers=request.headers,  # `Host` among them, which names the host as the URL did
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": self._url.host},
        )

    async def _checked(self, response: httpx2.Response) -> httpx2.Response:
        refused = ""
        if 300 <= response.status_code < 400:
            refused = (
                f"{self._url.host} answers with a redirect ({response.status_code}), which is not followed"
            )
        elif response.headers.get("Content-Encoding", "identity").lower() != "identity":
            refused = f"{self._url.host} answers in an encoding that was not asked for"
        if refused:
            await response.aclose()
            raise EndpointRefused(f"{refused}: give the base URL that answers itself")
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - by the transport's contract
        response.stream = _Bounded(response.stream, self._largest)
        return response


class _Bounded(httpx2.AsyncByteStream):
    """A response's bytes, up to a limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, largest: int) -> None:
        self._stream = stream
        self._left = largest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise AnswerUnreadable("the answer is larger than any answer of a model may be")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()

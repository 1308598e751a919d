"""Where a model may be reached: https, at a public address, unless the operator has made an exception.

A tenant chooses base URLs, so a URL must never lead into the network of the functions, to the metadata of the
machine or to the laptop that runs them. Names are judged by what they resolve to (`nyxcore.llm.transport`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from nyxcore.errors import InvalidInput

type Address = IPv4Address | IPv6Address

DEFAULT_URLS: Final = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
_LONGEST: Final = 500
_HTTPS, _UNPRIVILEGED = 443, 1024
# Public by the registries of IANA, and all the same no way to a server of somebody's: forms of IPv6 in which an
# IPv4 address is wrapped (mapped, compatible, NAT64, Teredo, 6to4), the relays of 6to4, Azure's own services.
_REFUSED: Final = tuple(
    ip_network(network)
    for network in (
        "::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10",
        "192.88.99.0/24", "168.63.129.16/32",
    )
)  # fmt: skip


@dataclass(frozen=True)
class BaseUrl:
    """A base URL that may be tried; `host` still has to be resolved and judged."""

    text: str
    host: str
    port: int
    tls: bool


def may_be_reached(address: Address, exceptions: Sequence[str]) -> bool:
    """Whether to connect to this address. `exceptions` are networks in CIDR form that the operator allows."""
    if is_excepted(address, exceptions):
        return True
    if any(address in network for network in _REFUSED if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_port(number: int) -> bool:
    """Whether a server of HTTP may be there: below 1024 are the doors of other services, which nobody shall try."""
    return number == _HTTPS or number >= _UNPRIVILEGED


def is_excepted(address: Address, exceptions: Sequence[str]) -> bool:
    """Whether the operator allows this address, over http as well."""
    networks = (ip_network(text) for text in exceptions)
    return any(address in network for network in networks if network.version == address.version)


def base_url(text: str, exceptions: Sequence[str]) -> BaseUrl:
    """The URL taken apart.

    Raises
    ------
    InvalidInput : no https (http and any port only where there are exceptions), another port than 443 below 1024,
        user or password, query, fragment, no host, or a host that is an address which may not be reached.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or (_HTTPS if parts.scheme == "https" else 80)
    except ValueError as error:
        raise InvalidInput(f"baseUrl {text[:_LONGEST]!r} is no URL: {error}") from error
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and exceptions):
        raise InvalidInput(f"baseUrl {text[:_LONGEST]!r} must begin with https://")
    if not host or len(text) > _LONGEST or not text.isascii() or any(c.isspace() for c in text):
        raise InvalidInput(
            f"baseUrl {text[:_LONGEST]!r} needs a host in ASCII, and at most {_LONGEST} characters"
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InvalidInput("baseUrl takes no user, password, query or fragment: the key goes into `secret`")
    if not exceptions and not is_port(port):
        raise InvalidInput(
            f"baseUrl {text!r}: port {port} is not for HTTP; use {_HTTPS}, or one from {_UNPRIVILEGED}"
        )
    literal = _literal(host)
    if literal is not None and not may_be_reached(literal, exceptions):
        raise InvalidInput(f"baseUrl {text!r}: {host} is no public address")
    return BaseUrl(text.rstrip("/"), host, port, parts.scheme == "https")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None

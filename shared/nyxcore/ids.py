"""Identifiers: UUID version 7 (RFC 9562 section 5.7), made in Python so that the SQL runs on 17 and 18."""

from __future__ import annotations

import hashlib
import secrets
from uuid import UUID

from nyxcore import clock

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62


def uuid7() -> UUID:
    """A new id: 48 bits of Unix milliseconds, 74 random bits."""
    return _compose(int(clock.now().timestamp() * 1000), secrets.randbits(74))


def derived(parent: UUID, name: str) -> UUID:
    """The id of the thing that `name` names under `parent`: the same for the same two, always.

    Its time bits are the parent's, so that children sort beside it. A task that runs twice makes the
    same ids and so the same rows.
    """
    digest = hashlib.sha256(parent.bytes + name.encode("utf-8", "surrogatepass")).digest()
    return _compose(parent.int >> 80, int.from_bytes(digest[:10]) & ((1 << 74) - 1))


def _compose(milliseconds: int, random_bits: int) -> UUID:
    high, low = random_bits >> 62, random_bits & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | _VERSION_7 | high << 64 | _VARIANT | low)

"""The written form of tokens and tickets: `nyx_<tenant>_<secret>` and `nyxt_<tenant>_<secret>`.

The tenant stands in the token because nothing bypasses row-level security: the row can be looked up
only inside that tenant's transaction. Only SHA-256 of the whole string is stored; the secret has 256
random bits, so that neither salt nor a slow hash would add anything.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Literal
from uuid import UUID

Kind = Literal["nyx", "nyxt"]

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 43  # 62 ** 43 > 2 ** 256
_FORM = re.compile(r"(nyxt?)_([0-9a-f]{32})_([0-9A-Za-z]{43})")


def mint(kind: Kind, tenant_id: UUID) -> str:
    """A new token (`nyx`) or ticket (`nyxt`) of this tenant."""
    secret = "".join(secrets.choice(_BASE62) for _ in range(_SECRET_LENGTH))
    return f"{kind}_{tenant_id.hex}_{secret}"


def tenant_of(kind: Kind, text: str) -> UUID | None:
    """The tenant that the token names, or None when it is not of this form."""
    match = _FORM.fullmatch(text)
    if match is None or match[1] != kind:
        return None
    return UUID(hex=match[2])


def digest(text: str) -> bytes:
    """What is stored of a token: SHA-256 of its ASCII form."""
    return hashlib.sha256(text.encode("ascii")).digest()

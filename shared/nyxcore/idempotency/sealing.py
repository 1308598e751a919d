"""Answers that contain a secret, kept so that only whoever sent the request can read them.

A new token is shown once and stored as a hash. Keeping the answer that shows it in clear for a day would
undo that, so it is kept under AES-256-GCM (NIST SP 800-38D) with a key made from the caller's own
credential, of which the database knows a hash alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

_CONTEXT = b"nyxcore idempotency answer v1"
_NONCE_BYTES = 12


def seal(credential: str, text: str) -> str:
    """`text` under a key made from `credential`, as base64."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(_key(credential)).encrypt(nonce, text.encode(), _CONTEXT)).decode()


def unseal(credential: str, sealed: str) -> str | None:
    """The text that was sealed with this credential, or None when it was sealed with another."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    raw = base64.b64decode(sealed)
    try:
        text = AESGCM(_key(credential)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _CONTEXT)
    except InvalidTag:
        return None
    return text.decode()


def _key(credential: str) -> bytes:
    return hmac.digest(credential.encode("utf-8", "surrogateescape"), _CONTEXT, hashlib.sha256)

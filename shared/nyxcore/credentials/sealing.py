"""Secrets under envelope encryption: each has a data key of its own, and that is encrypted under a key that rotates.

AES-256-GCM (NIST SP 800-38D) with the tenant and the credential's name as associated data, so that a row copied
to another tenant or name does not open. On AWS the data key is made by KMS and bound there to the same two by the
encryption context: whoever seals (the API) may only have data keys made, and only the role of the function that
calls models may have one opened. Elsewhere the key is in a file of mode 0600.

The written form is `v1.<key id>.<encrypted data key>.<nonce and ciphertext>`, each part in base64url.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

from nyxcore import clock
from nyxcore.errors import NyxError
from nyxcore.settings import settings

_VERSION: Final = "v1"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_LONGEST_CALL: Final = timedelta(days=1)  # a prepared call is kept as long (`nyxcore.llm.stored_calls`)


class KeysUnavailable(NyxError):
    """Secrets can be neither sealed nor opened here: no key is configured, or it cannot be used."""

    code, status, retryable = "keys_unavailable", 503, True


class SecretUnreadable(NyxError):
    """A secret does not open: another tenant's, another name's, damaged, or its key is gone."""

    code = "secret_unreadable"


@dataclass(frozen=True)
class Owner:
    """Whose secret it is."""

    tenant_id: UUID
    name: str

    def context(self) -> dict[str, str]:
        """The same as KMS has it."""
        return {"tenant": str(self.tenant_id), "credential": self.name}

    def associated(self) -> bytes:
        """What the encryption is bound to."""
        return f"nyxcore credential {_VERSION}\0{self.tenant_id}\0{self.name}".encode()


@dataclass(frozen=True)
class DataKey:
    """A key that encrypts one secret, and itself encrypted under the key `key_id`."""

    plain: bytes
    wrapped: bytes
    key_id: str


class Keys(Protocol):
    """The keys that data keys are encrypted under."""

    def current(self) -> str:
        """Id of the key that new data keys are encrypted under."""

    def make(self, owner: Owner) -> DataKey:
        """A new data key. Raises KeysUnavailable."""

    def open(self, owner: Owner, key_id: str, wrapped: bytes) -> bytes:
        """The data key. Raises SecretUnreadable, KeysUnavailable."""

    def renew(self, owner: Owner, key_id: str, wrapped: bytes) -> tuple[str, bytes]:
        """The same data key under the current key: its id, and the data key encrypted. Raises as `open`."""


def seal(keys: Keys, owner: Owner, secret: str) -> tuple[str, str]:
    """The secret encrypted, and the id of the key that it hangs on. Raises KeysUnavailable."""
    key = keys.make(owner)
    return _written(key.key_id, key.wrapped, _encrypt(key.plain, secret.encode(), owner)), key.key_id


def unseal(keys: Keys, owner: Owner, sealed: str) -> str:
    """The secret. Raises SecretUnreadable, KeysUnavailable."""
    key_id, wrapped, body = _parts(sealed)
    return _decrypt(keys.open(owner, key_id, wrapped), body, owner).decode()


def reseal(keys: Keys, owner: Owner, sealed: str) -> tuple[str, str]:
    """The same under the current key, and its id; the secret itself is not opened. Raises as `unseal`."""
    key_id, wrapped, body = _parts(sealed)
    new_id, renewed = keys.renew(owner, key_id, wrapped)
    return _written(new_id, renewed, body), new_id


@cache
def keys() -> Keys:
    """The keys of this process. Raises KeysUnavailable when none is configured."""
    if settings().credential_key_arn:
        return KmsKeys(settings().credential_key_arn)
    if settings().credential_key_file:
        return FileKeys(Path(settings().credential_key_file))
    raise KeysUnavailable("no key for credentials is configured: set NYX_CREDENTIAL_KEY_ARN to a key of KMS")


class FileKeys:
    """Keys in a file of mode 0600: `{"current": id, id: key in base64url, ...}`; made at first use.

    `retired` in it says since when a key is known to be out of use, by its id.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def current(self) -> str:
        current: str = self._read()["current"]
        return current

    def make(self, owner: Owner) -> DataKey:
        ring = self._read()
        plain = secrets.token_bytes(_KEY_BYTES)
        key_id = ring["current"]
        return DataKey(plain, _encrypt(_decoded(ring[key_id]), plain, owner), key_id)

    def open(self, owner: Owner, key_id: str, wrapped: bytes) -> bytes:
        key = self._read().get(key_id) if key_id not in {"current", "retired"} else None
        if key is None:
            raise SecretUnreadable(f"the key {key_id} is gone from {self._path}: set the secret anew")
        return _decrypt(_decoded(key), wrapped, owner)

    def renew(self, owner: Owner, key_id: str, wrapped: bytes) -> tuple[str, bytes]:
        plain = self.open(owner, key_id, wrapped)
        ring = self._read()
        return ring["current"], _encrypt(_decoded(ring[ring["current"]]), plain, owner)

    def add(self) -> str:
        """Put a new key first; the old ones stay readable. Returns its id."""
        with self._alone():
            ring = self._read()
            key_id = secrets.token_hex(4)
            retired = ring.get("retired", {}) | {ring["current"]: clock.now().isoformat()}
            new = {key_id: _encoded(secrets.token_bytes(_KEY_BYTES)), "current": key_id, "retired": retired}
            self._write(ring | new)
        return key_id

    def forget(self, used: set[str]) -> list[str]:
        """Remove the keys that are not in `used` and have not been for a day; returns their ids.

        Until then something may still hang on them that nobody sees: a credential whose transaction is open, a call
        that was prepared with what was sealed before.
        """
        with self._alone():
            ring = self._read()
            now = clock.now()
            old = ring.keys() - {"current", "retired", ring["current"]}
            known = ring.get("retired", {}) | dict.fromkeys(used, now.isoformat())
            retired = {key_id: known.get(key_id, now.isoformat()) for key_id in old}
            gone = sorted(
                key_id
                for key_id in old - used
                if now - datetime.fromisoformat(retired[key_id]) >= _LONGEST_CALL
            )
            kept = {key_id: key for key_id, key in ring.items() if key_id not in gone}
            self._write(
                kept | {"retired": {key_id: since for key_id, since in retired.items() if key_id in kept}}
            )
        return gone

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes the file meanwhile."""
        self._read()
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _read(self) -> dict[str, Any]:
        try:
            mode = stat.S_IMODE(self._path.stat().st_mode)
        except FileNotFoundError:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            first = secrets.token_hex(4)
            self._write({"current": first, first: _encoded(secrets.token_bytes(_KEY_BYTES))}, new=True)
            return self._read()
        if mode & 0o077:
            raise KeysUnavailable(f"{self._path} may be read by others (mode {mode:o}): chmod 600 it")
        try:
            ring: dict[str, Any] = json.loads(self._path.read_text())
            _decoded(ring[ring["current"]])
        except (ValueError, KeyError, TypeError) as error:
            raise KeysUnavailable(f"{self._path} does not hold keys; restore it from a copy") from error
        return ring

    def _write(self, ring: dict[str, Any], *, new: bool = False) -> None:
        """Whole or not at all; of two processes that make the first file, one wins and both read it."""
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(ring))
        if not new:
            partial.replace(self._path)
            return
        try:
            os.link(partial, self._path)
        except FileExistsError:
            return
        finally:
            partial.unlink()


class KmsKeys:
    """A key of KMS. Rotating it is naming another one: what hangs on the old one is re-encrypted inside of KMS."""

    def __init__(self, arn: str, client: Any = None) -> None:
        self._arn = arn
        self._given = client

    def current(self) -> str:
        return self._arn

    def make(self, owner: Owner) -> DataKey:
        made = self._ask(
            "generate_data_key", KeyId=self._arn, KeySpec="AES_256", EncryptionContext=owner.context()
        )
        return DataKey(made["Plaintext"], made["CiphertextBlob"], self._arn)

    def open(self, owner: Owner, key_id: str, wrapped: bytes) -> bytes:
        opened = self._ask("decrypt", KeyId=key_id, CiphertextBlob=wrapped, EncryptionContext=owner.context())
        plain: bytes = opened["Plaintext"]
        return plain

    def renew(self, owner: Owner, key_id: str, wrapped: bytes) -> tuple[str, bytes]:
        context = owner.context()
        renewed = self._ask(
            "re_encrypt",
            CiphertextBlob=wrapped,
            SourceKeyId=key_id,
            SourceEncryptionContext=context,
            DestinationKeyId=self._arn,
            DestinationEncryptionContext=context,
        )
        return self._arn, renewed["CiphertextBlob"]

    def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client(), operation)(**parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in {"InvalidCiphertextException", "IncorrectKeyException", "NotFoundException"}:
                raise SecretUnreadable("KMS does not open the secret: set it anew") from None
            raise KeysUnavailable(f"KMS refuses {operation} ({code})") from None
        except BotoCoreError as error:
            raise KeysUnavailable(f"KMS cannot be reached ({type(error).__name__})") from None
        return answer

    def _client(self) -> Any:
        if self._given is None:
            import boto3

            self._given = boto3.client("kms", endpoint_url=settings().aws_endpoint_url)
        return self._given


def _encrypt(key: bytes, plain: bytes, owner: Owner) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, owner.associated())


def _decrypt(key: bytes, body: bytes, owner: Owner) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], owner.associated())
    except (InvalidTag, ValueError):
        raise SecretUnreadable(f"the secret of {owner.name} does not open: set it anew") from None


def _written(key_id: str, wrapped: bytes, body: bytes) -> str:
    return ".".join([_VERSION, *map(_encoded, (key_id.encode(), wrapped, body))])


def _parts(sealed: str) -> tuple[str, bytes, bytes]:
    try:
        version, key_id, wrapped, body = sealed.split(".")
        if version != _VERSION:
            raise ValueError(version)
        return _decoded(key_id).decode(), _decoded(wrapped), _decoded(body)
    except ValueError:
        raise SecretUnreadable("what is stored of the secret is damaged: set it anew") from None


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, altchars=b"-_", validate=True)

"""What stands before moto: it lets in what S3 would let in, and writes through what was changed."""

from __future__ import annotations

import base64
import errno
import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import unquote
from xml.sax.saxutils import escape

from nyx.aws.objects import ObjectStore
from nyx.aws.signatures import SignatureRefused, SignedRequest, verify
from nyxcore import clock

type Environ = dict[str, Any]
type StartResponse = Callable[..., Any]
type Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_SPOOL: Final = 1 << 20  # bytes of a body that are held in memory
_STATUS: Final = {
    "MissingContentLength": "411 Length Required",
    "BadDigest": "400 Bad Request",
    "XAmzContentSHA256Mismatch": "400 Bad Request",
    "AuthorizationQueryParametersError": "400 Bad Request",
    "AuthorizationHeaderMalformed": "400 Bad Request",
    "IncompleteBody": "400 Bad Request",
    "InternalError": "507 Insufficient Storage",
}
_CORS: Final = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD, PUT"),
    ("Access-Control-Allow-Headers", "*"),
    ("Access-Control-Max-Age", "3600"),
]


class Front:
    """A WSGI application around moto's.

    Parameters
    ----------
    application : moto.
    store : told of every change.
    access_key, secret_key : the one pair that is accepted.
    spool : folder for request bodies on their way.
    """

    def __init__(
        self, application: Application, store: ObjectStore, *, access_key: str, secret_key: str, spool: Path
    ) -> None:
        self._application, self._store = application, store
        self._access_key, self._secret_key, self._spool = access_key, secret_key, spool

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] == "OPTIONS":  # a browser asks before it sends: nothing to sign yet
            start_response(
                "204 No Content", [*_CORS, ("Connection", "close")]
            )  # its body, if any, is not read
            return []
        with tempfile.SpooledTemporaryFile(_SPOOL, dir=str(self._spool)) as body:
            try:
                self._admit(environ, body)
                answer = self._pass_on(environ, body)
            except SignatureRefused as error:
                return _refusal(error, start_response)
            except OSError as error:
                if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                    raise
                full = SignatureRefused("InternalError", "No space left on device")
                return _refusal(full, start_response)
        start_response(*answer[:2])
        return answer[2]

    def _admit(self, environ: Environ, body: IO[bytes]) -> None:
        digest = _receive(environ, body)
        headers = _headers(environ)
        path, _, query = str(environ["RAW_URI"]).partition("?")
        verify(
            SignedRequest(environ["REQUEST_METHOD"], path, query, headers),
            body_sha256=digest.hexdigest(),
            access_key=self._access_key,
            secret_key=self._secret_key,
            now=clock.now(),
        )
        wanted = headers.get("x-amz-checksum-sha256")
        if wanted is not None and wanted != base64.b64encode(digest.digest()).decode():
            raise SignatureRefused(
                "BadDigest", "The SHA256 you specified did not match the calculated checksum."
            )

    def _pass_on(self, environ: Environ, body: IO[bytes]) -> tuple[str, list[tuple[str, str]], list[bytes]]:
        """Let moto answer, and write down what it changed before the client hears of it."""
        told: list[Any] = []
        body.seek(0)
        environ["wsgi.input"] = body
        answer = self._application(environ, lambda status, headers, *_: told.extend((status, headers)))
        pieces = list(answer)
        if hasattr(answer, "close"):
            answer.close()
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} and told[0].startswith("2"):
            bucket, _, key = unquote(environ["RAW_URI"].partition("?")[0]).lstrip("/").partition("/")
            if key:
                self._store.sync(bucket, key)
            elif bucket:
                self._store.sync_bucket(bucket)
        return told[0], told[1], pieces


def _receive(environ: Environ, body: IO[bytes]) -> hashlib._Hash:
    """Copy the request's body to where moto can read it; its SHA-256."""
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise SignatureRefused("MissingContentLength", "You must provide the Content-Length HTTP header.")
    digest, left = hashlib.sha256(), int(environ.get("CONTENT_LENGTH") or 0)
    while left:
        piece = environ["wsgi.input"].read(min(left, _SPOOL))
        if not piece:
            raise SignatureRefused("IncompleteBody", "The body ended before Content-Length was reached.")
        digest.update(piece)
        body.write(piece)
        left -= len(piece)
    return digest


def _headers(environ: Environ) -> dict[str, str]:
    found = {
        name[5:].replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if name in environ:
            found[name.replace("_", "-").lower()] = str(environ[name])
    return found


def _refusal(error: SignatureRefused, start_response: StartResponse) -> list[bytes]:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    )
    headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(text.encode())))]
    start_response(_STATUS.get(error.code, "403 Forbidden"), [*headers, *_CORS[:1], ("Connection", "close")])
    return [text.encode()]

"""`Idempotency-Key`: the answer is kept in the same transaction as the effect, for 24 hours.

Only an answer that was given is kept: a request that failed has had no effect and may be sent again under
its key. Keys are scoped to actor, method and path, so that two callers never meet under one key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import Conflict, IdempotencyKeyInFlight, IdempotencyKeyReused
from nyxcore.idempotency import repository
from nyxcore.idempotency.sealing import seal, unseal

KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class KeyedRequest:
    """A request that carries an Idempotency-Key.

    Attributes
    ----------
    key : as the client sent it; only a hash of it is stored.
    scope : actor, method and path.
    body : the body after validation; two requests are the same when it is.
    credential : the caller's, for answers that contain a secret.
    """

    key: str
    scope: tuple[str, str, str]
    body: str
    credential: str


@dataclass(frozen=True)
class Answer:
    """What was answered: the body is JSON text, byte for byte."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    secret: bool = False
    replayed: bool = False


def once(
    connection: Connection, tenant_id: UUID, request: KeyedRequest, effect: Callable[[], Answer]
) -> Answer:
    """Run `effect`, or give the answer that it gave the first time.

    Raises
    ------
    IdempotencyKeyReused : the key came before with another body.
    IdempotencyKeyInFlight : the first request with the key is not answered yet.
    Conflict : the kept answer contains a secret and was given to another credential of the same actor.
    """
    stored_key = hashlib.sha256("\n".join((*request.scope, request.key)).encode()).hexdigest()
    digest = hashlib.sha256(request.body.encode()).digest()
    if not repository.try_lock(connection, tenant_id, stored_key):
        raise IdempotencyKeyInFlight(
            f"the first request with Idempotency-Key {request.key!r} is not answered yet: ask again soon"
        )
    row = repository.get(connection, tenant_id, stored_key)
    if row is not None and row["created_at"] > clock.now() - KEPT:
        if not hmac.compare_digest(bytes(row["request_sha256"]), digest):
            raise IdempotencyKeyReused(
                f"Idempotency-Key {request.key!r} came before with another body: use a new key for it"
            )
        return Answer(row["status"], _open(row["body"], request), row["headers"], replayed=True)
    answer = effect()
    body = {"sealed": seal(request.credential, answer.body)} if answer.secret else {"text": answer.body}
    repository.put(
        connection,
        tenant_id,
        stored_key,
        request_sha256=digest,
        status=answer.status,
        headers=answer.headers,
        body=body,
        now=clock.now(),
    )
    return answer


def _open(body: dict[str, str], request: KeyedRequest) -> str:
    if "text" in body:
        return body["text"]
    text = unseal(request.credential, body["sealed"])
    if text is None:
        raise Conflict(
            f"the answer to Idempotency-Key {request.key!r} shows a secret and goes to the credential that"
            " asked first alone: use a new key"
        )
    return text

"""Answers of the operations that create: status, Location, and `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema

from nyxcore.db.connection import Connection, database
from nyxcore.idempotency.service import Answer, KeyedRequest, once
from nyxcore.settings import settings
from nyxcore.tenancy.models import Principal

IdempotencyKey = Annotated[
    str | SkipJsonSchema[None],
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any name for this request. Sent again with the same key within 24 hours, it has no second"
        " effect and gets the same answer, with `Idempotency-Replayed: true`.",
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
]


class _Content(Protocol):
    def model_dump_json(self, *, by_alias: bool, exclude_unset: bool) -> str: ...


class _Thing(_Content, Protocol):
    @property
    def id(self) -> UUID: ...


def created(
    content: _Content,
    *,
    status: int = 201,
    path: str | None = None,
    secret: bool = False,
    as_given: bool = False,
) -> Answer:
    """The answer that shows `content`; `path` is where it is, below /api/v1.

    `as_given` leaves out what was not given, so that the answer may be sent back as it is.
    """
    headers = {} if path is None else {"Location": f"{settings().public_base_url.rstrip('/')}/api/v1{path}"}
    return Answer(
        status, content.model_dump_json(by_alias=True, exclude_unset=as_given), headers, secret=secret
    )


def create_one(
    request: Request,
    principal: Principal,
    key: str | None,
    body: BaseModel,
    make: Callable[[Connection], _Thing],
    *,
    collection: str,
) -> Response:
    """`create` of one thing that stands below `collection` by its id: 201, what it is, and where."""

    def effect(connection: Connection) -> Answer:
        made = make(connection)
        return created(made, path=f"{collection}/{made.id}")

    return create(request, principal, key, body, effect)


def create(
    request: Request,
    principal: Principal,
    key: str | None,
    body: BaseModel | None,
    effect: Callable[[Connection], Answer],
) -> Response:
    """Run `effect` in a transaction of its own; under a key only once, answer and effect committed together."""
    with database().transaction(principal.tenant_id) as connection:
        if key is None:
            answer = effect(connection)
        else:
            keyed = KeyedRequest(
                key=key,
                scope=(principal.actor, request.method, request.url.path),
                body="" if body is None else body.model_dump_json(by_alias=True),
                credential=request.headers.get("authorization", ""),
            )
            answer = once(connection, principal.tenant_id, keyed, lambda: effect(connection))
    replayed = {"Idempotency-Replayed": "true"} if answer.replayed else {}
    return Response(answer.body, answer.status, {**answer.headers, **replayed}, media_type="application/json")

"""Errors as problem details (RFC 9457): every one has a stable `code`, and none shows what is inside."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from nyxcore.errors import DatabaseUnavailable, NotFound, NyxError, Unauthenticated

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger("nyxcore.api")

_UNAVAILABLE = "the database does not answer: try again in a few seconds"
_HTTP_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    415: "unsupported_media_type",
}


class InvalidPart(BaseModel):
    """One thing that is wrong in a request: where it stands, and why."""

    detail: str = Field(examples=["String should have at least 1 character"])
    pointer: str | None = Field(
        default=None, description="JSON pointer (RFC 6901) into the body", examples=["#/name"]
    )
    parameter: str | None = Field(default=None, description="name of the query parameter or header")


class Problem(BaseModel):
    """Problem details (RFC 9457). Match on `code`: it never changes; `detail` is for people."""

    type: str = Field(examples=["/api/v1/docs#problem-not_found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no run 0198f2a0-0000-7000-8000-000000000000"])
    code: str = Field(examples=["not_found"])
    errors: list[InvalidPart] | None = Field(
        default=None, description="each wrong part, where there are several"
    )


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[InvalidPart] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The answer for an error."""
    body = Problem(
        type=f"/api/v1/docs#problem-{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
        errors=list(errors) or None,
    )
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status,
        headers={"Cache-Control": "no-store"} | (headers or {}),
        media_type=MEDIA_TYPE,
    )


def internal_error() -> JSONResponse:
    """The answer for what nobody foresaw; the log has the rest, under the request's id."""
    return problem(
        500, "internal_error", "something went wrong here: try again, and report the X-Request-Id if it stays"
    )


def install(app: FastAPI) -> None:
    """Make the application answer every error as a problem."""
    app.add_exception_handler(NyxError, _nyx_error)
    app.add_exception_handler(psycopg.OperationalError, _database_error)
    app.add_exception_handler(psycopg.InterfaceError, _database_error)
    app.add_exception_handler(psycopg.errors.ForeignKeyViolation, _vanished)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)


def _nyx_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NyxError)  # noqa: S101 - what the handler is registered for
    if isinstance(error, DatabaseUnavailable):
        return _database_error(_, error)
    if error.status >= 500:
        _log.error("%s: %s", error.code, error.message)
    return problem(
        error.status, error.code, error.message, errors=list(_flaws(error)), headers=_headers(error)
    )


def _flaws(error: NyxError) -> Iterator[InvalidPart]:
    """Every flaw of a workflow, with its place in the body."""
    flaws = error.details.get("flaws", ())
    for flaw in flaws if isinstance(flaws, list) else ():
        yield InvalidPart(detail=str(flaw["message"]), pointer=f"#{flaw['path']}")


def _headers(error: NyxError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        presented = ', error="invalid_token"' if error.details.get("presented") else ""
        return {"WWW-Authenticate": f'Bearer realm="nyxcore"{presented}'}
    if "scope" in error.details:
        return {
            "WWW-Authenticate": f'Bearer realm="nyxcore", error="insufficient_scope", scope="{error.details["scope"]}"'
        }
    return {"Retry-After": "2"} if error.retryable else {}


def _database_error(_: Request, error: Exception) -> JSONResponse:
    # libpq's words name hosts and roles: they are for the log
    _log.error("database: %s: %s", type(error).__name__, error)
    return problem(503, DatabaseUnavailable.code, _UNAVAILABLE, headers={"Retry-After": "2"})


def _vanished(_: Request, error: Exception) -> JSONResponse:
    # a project may be deleted with all that is in it between reading a part of it and writing what hangs on that
    _log.info("deleted meanwhile: %s", error)
    return problem(404, NotFound.code, "what the request names was deleted while it was being answered")


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    if error.status_code == 404:
        return problem(404, "not_found", "nothing is at this path: GET /api/v1/openapi.json lists what is")
    if error.status_code == 405:
        allowed = ", ".join(_methods_at(request, error))
        detail = f"{request.method} is not served at this path: {allowed} is"
        return problem(405, "method_not_allowed", detail, headers={"Allow": allowed})
    if error.status_code == 400:
        return problem(400, "malformed_json", "the body is no JSON text in UTF-8 (RFC 8259)")
    phrase = HTTPStatus(error.status_code).phrase
    code = _HTTP_CODES.get(error.status_code, phrase.lower().replace(" ", "_"))
    return problem(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))


def _methods_at(request: Request, error: HTTPException) -> list[str]:
    """Every method that is served at the request's path (RFC 9110 section 10.2.1): the router names one route's."""
    paths = request.app.openapi()["paths"]
    here = request.scope["path"]
    # the first that matches is the one that is served, and a literal before it: /reports/pdf is no report
    served = (
        here if here in paths else next((path for path in paths if compile_path(path)[0].match(here)), None)
    )
    if served is not None:
        return sorted(method.upper() for method in paths[served])
    named = (error.headers or {}).get("allow", (error.headers or {}).get("Allow", ""))
    return sorted({*named.split(", ")} - {""})


def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what the handler is registered for
    found = error.errors()
    for each in found:
        if each["type"] == "json_invalid":
            return problem(400, "malformed_json", f"the body is no JSON text: {each['ctx']['error']}")
    for each in found:
        if each["loc"][0] == "path":
            # an id that cannot be one names nothing, like one that nobody has
            name = str(each["loc"][1])
            return problem(
                404, "not_found", f"there is no {name.removesuffix('Id')} {request.path_params[name]}"
            )
    parts = [_part(each, error.body) for each in found]
    where = ", ".join(part.pointer or part.parameter or "body" for part in parts)
    return problem(
        422, "invalid_input", f"the request is not acceptable: see errors for {where}", errors=parts
    )


def _part(error: dict[str, Any], body: object) -> InvalidPart:
    place, *location = error["loc"]
    detail = str(error["msg"]).removeprefix("Value error, ")
    if place == "body":
        return InvalidPart(detail=detail, pointer=_pointer(location, body))
    return InvalidPart(detail=detail, parameter=str(location[0]) if location else str(place))


def _pointer(location: Sequence[str | int], body: object) -> str:
    """The location as a JSON pointer; pydantic also names the variant of a union, which is no member."""
    tokens: list[str] = []
    here: Any = body
    for index, token in enumerate(location):
        if index == 0 and len(location) > 1 and token in _variants(body):
            continue  # even where a member has the same name
        if _has(here, token):
            here = here[token]
        elif index < len(location) - 1:
            continue
        tokens.append(str(token).replace("~", "~0").replace("/", "~1"))
    return "#" + "".join(f"/{token}" for token in tokens)


def _variants(body: object) -> tuple[object, ...]:
    """What the members that tell the variants of the API's unions apart say here."""
    return (body.get("source"), body.get("state")) if isinstance(body, dict) else ()


def _has(container: object, token: str | int) -> bool:
    if isinstance(container, list):
        return isinstance(token, int) and token < len(container)
    return isinstance(container, dict) and token in container

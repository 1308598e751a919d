"""What FastAPI's OpenAPI lacks: problem responses, examples and headers of every operation. Pure."""

from __future__ import annotations

from typing import Any, get_args

from api.parameters import EXAMPLE_ID
from api.problems import MEDIA_TYPE, Problem
from nyxcore.runs.models import EventType

type Json = dict[str, Any]

PATCH_EXAMPLE = "--- a/pkg/a.py\n+++ b/pkg/a.py\n@@ -1 +1 @@\n-import os, sys\n+import sys\n"
STREAM_EXAMPLE = 'retry: 1000\n\nid: 7\nevent: progress\ndata: {"done":120,"total":400,"unit":"fixes"}\n\n'
STREAM_EVENT: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "the cursor after this event", "examples": ["7"]},
        "event": {
            "type": "string",
            "enum": ["snapshot", "reset", *get_args(EventType)],
        },
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer", "description": "milliseconds to wait before coming back"},
    },
}

SEE_OTHER: Json = {
    "description": "Too long for an answer: the content is at the presigned link, which takes no credentials",
    "headers": {"Location": {"schema": {"type": "string", "format": "uri"}, "required": True}},
}

_PROBLEMS: dict[int, tuple[str, str]] = {
    400: ("bad_cursor", "No JSON text (`malformed_json`), or a cursor of another list (`bad_cursor`)"),
    401: ("unauthenticated", "No token, or one that is unknown, expired or revoked"),
    403: ("forbidden", "The token lacks the scope, or is pinned to another project"),
    404: ("not_found", "No such thing, or it is another tenant's"),
    406: ("not_acceptable", "Accept leaves no form in which this can be answered"),
    409: ("conflict", "The call contradicts the present state"),
    413: ("body_too_large", "The body is above 4 MB"),
    415: ("unsupported_media_type", "The body is not sent as application/json"),
    422: (
        "invalid_input",
        "The request is understood and its content is not acceptable; `errors` names each part",
    ),
    500: ("internal_error", "A fault of the service"),
    503: ("database_unavailable", "The database does not answer, or its schema is too old; try again"),
}
_HEADERS: dict[int, Json] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}},
}
_LOCATION: Json = {"schema": {"type": "string", "format": "uri"}, "description": "where it is"}
_REPLAYED: Json = {
    "schema": {"type": "string", "enum": ["true"]},
    "description": "the answer of the first request",
}


def problems(*statuses: int) -> dict[int | str, Json]:
    """`responses` of an operation that may answer with these problems, besides those that it always may."""
    return {status: {"description": _PROBLEMS[status][1]} for status in statuses}


def complete(document: Json) -> Json:
    """The document with problem responses, headers and examples on every operation."""
    schemas: Json = document["components"]["schemas"]
    definition = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(definition.pop("$defs"))
    schemas["Problem"] = definition
    for path, item in document["paths"].items():
        for operation in item.values():
            _add_problems(operation, path)
            _add_headers(operation)
            _add_examples(operation, schemas)
    return document


def _add_problems(operation: Json, path: str) -> None:
    responses = operation["responses"]
    parameters = {(each["in"], each["name"]) for each in operation.get("parameters", ())}
    expected = {500, 503}
    if "security" in operation:
        expected |= {401, 403}
    if any(place == "path" for place, _ in parameters):
        expected.add(404)
    if any(place != "path" for place, _ in parameters):
        expected.add(422)
    if ("query", "cursor") in parameters or "events" in path:
        expected.add(400)
    if "requestBody" in operation:
        expected |= {400, 413, 415, 422}
    if ("header", "Idempotency-Key") in parameters:
        expected |= {409, 422}
    described = {int(status) for status in responses if int(status) in _PROBLEMS}
    for status in sorted(expected | described):
        code, description = _PROBLEMS[status]
        responses[str(status)] = {
            "description": description,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": {
                        "type": f"/api/v1/docs#problem-{code}",
                        "title": code.replace("_", " ").capitalize(),
                        "status": status,
                        "detail": description,
                        "code": code,
                    },
                }
            },
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }


def _add_headers(operation: Json) -> None:
    keyed = any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
    for status in ("201", "202"):
        if keyed and status in operation["responses"]:
            headers = operation["responses"][status].setdefault("headers", {})
            headers.update({"Location": _LOCATION, "Idempotency-Replayed": _REPLAYED})


def _add_examples(operation: Json, schemas: Json) -> None:
    contents = [response.get("content", {}) for response in operation["responses"].values()]
    contents.append(operation.get("requestBody", {}).get("content", {}))
    for content in contents:
        for media in content.values():
            if "example" not in media and "schema" in media:
                media["example"] = example(media["schema"], schemas)


def example(schema: Json, schemas: Json) -> Any:
    """An example of what a schema describes, made of the examples of its parts."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if {"type": "null"} in schema.get("anyOf", ()):
        return None  # what may be left open is left open, so that a body can be sent as it is shown
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return example(schema[key][0], schemas)
    if schema.get("type") == "object":
        return {name: example(part, schemas) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)]
    return _plain_example(schema)


def _plain_example(schema: Json) -> Any:
    if schema.get("format") == "uuid":
        return EXAMPLE_ID
    if schema.get("pattern") == "^[0-9a-f]{64}$":
        return "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    plain: dict[str, Any] = {"string": "…", "integer": 1, "number": 0.5, "boolean": True, "null": None}
    return plain.get(schema.get("type", "null"))

"""The API's documentation as one HTML page, made from the OpenAPI: no script, no font, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

type Json = dict[str, Any]

_STYLE = Path(__file__).with_name("docs.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
"""Content-Security-Policy under which the page is shown: its own style sheet and nothing else."""


def render(document: Json) -> str:
    """The page for an OpenAPI document whose operations carry tags, examples and problem responses."""
    groups: dict[str, list[tuple[str, str, Json]]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            groups.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    navigation = "".join(_links(tag, operations) for tag, operations in groups.items())
    sections = "".join(
        f"<h2>{escape(tag)}</h2>" + "".join(_operation(*each) for each in operations)
        for tag, operations in groups.items()
    )
    title = escape(document["info"]["title"])
    about = "".join(
        f"<p>{_inline(part)}</p>" for part in document["info"]["description"].strip().split("\n\n")
    )
    about += f"<p>{_inline(document['components']['securitySchemes']['bearer']['description'])}</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} API</title><style>{_STYLE}</style></head><body><div class=page>"
        f"<nav><strong>{title} API</strong>{navigation}<h2>errors</h2><a href=#problems>Codes</a></nav>"
        f"<main><h1>{title} API</h1>{about}"
        f"<p>The same as <a href=openapi.json>OpenAPI {escape(document['openapi'])}</a>.</p>"
        f"{sections}{_problems()}</main></div></body></html>"
    )


def _links(tag: str, operations: list[tuple[str, str, Json]]) -> str:
    links = "".join(
        f"<a href=#{escape(operation['operationId'])}>{escape(operation['summary'])}</a>"
        for _, _, operation in operations
    )
    return f"<h2>{escape(tag)}</h2>{links}"


def _operation(method: str, path: str, operation: Json) -> str:
    scopes = [scope for each in operation.get("security", ()) for scope in each.get("bearer", ())]
    needs = f"<p>Scope: <code>{escape(', '.join(scopes))}</code></p>" if scopes else "<p>Needs no token.</p>"
    return (
        f"<details id={escape(operation['operationId'])}><summary><b class='verb {method}'>{method}</b>"
        f"<code>{escape(path)}</code><span>{escape(operation['summary'])}</span></summary>"
        f"<div><p>{_inline(operation['description'])}</p>{needs}{_parameters(operation)}{_body(operation)}"
        f"{_responses(operation)}</div></details>"
    )


def _parameters(operation: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}"
        f"{', required' if each.get('required') else ''}</td><td>{_inline(each.get('description', ''))}</td></tr>"
        for each in operation.get("parameters", ())
    )
    return f"<h3>Parameters</h3><table>{rows}</table>" if rows else ""


def _body(operation: Json) -> str:
    content: Json = operation.get("requestBody", {}).get("content", {})
    return "".join(f"<h3>Body</h3>{_sample(media)}" for media in content.values())


def _responses(operation: Json) -> str:
    shown = ""
    rows = ""
    for status, response in operation["responses"].items():
        rows += f"<tr><td><code>{status}</code></td><td>{_inline(response['description'])}</td></tr>"
        if status.startswith("2"):
            shown += "".join(_sample(media) for media in response.get("content", {}).values())
    return f"<h3>Answers</h3>{shown}<table>{rows}</table>"


def _sample(media: Json) -> str:
    example = media.get("example")
    if example is None:
        return ""
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return f"<pre>{escape(text)}</pre>"


@cache
def _problems() -> str:
    """Every code of the error hierarchy, with the anchors that `type` points at."""
    rows = "".join(
        f"<tr id=problem-{code}><td><code>{code}</code></td><td>{status}</td><td>{escape(meaning)}</td></tr>"
        for code, status, meaning in _codes()
    )
    return f"<h2 id=problems>error codes</h2><table>{rows}</table>"


def _codes() -> list[tuple[str, int, str]]:
    from nyxcore.errors import NyxError

    found = {
        "method_not_allowed": (405, "The path does not serve this method; Allow names those that it does."),
        "malformed_json": (400, "The body is no JSON text."),
        "internal_error": (500, "A fault of the service."),
    }
    pending = list(NyxError.__subclasses__())
    while pending:
        error = pending.pop()
        pending += error.__subclasses__()
        if error.__module__.startswith(("nyxcore.", "api.")):
            found.setdefault(error.code, (error.status, (error.__doc__ or "").split("\n")[0]))
    return [(code, *found[code]) for code in sorted(found)]


def _inline(text: str) -> str:
    """Text with `code` in it, as HTML."""
    parts = escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))

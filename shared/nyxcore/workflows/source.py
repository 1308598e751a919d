"""Reads a definition's text, YAML or JSON, as data with the line of each value.

YAML is read by the core schema of YAML 1.2: `true`, `false`, `null` and numbers are themselves, and everything
else is text, so that `on`, `yes`, `no`, `1:30` and dates are what they look like. Anchors, aliases, tags and
merge keys are refused: a definition needs none, and a few lines of them grow to gigabytes. What is read stops
at 1 MB and 32 levels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from nyxcore.workflows.definition import MAX_DOCUMENT_BYTES
from nyxcore.workflows.flaws import Flaw, Place, WorkflowRefused, pointer, shown

MAX_DEPTH = 32

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,300}|[0-9]{1,300}(\.[0-9]{0,300})?)([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True)
class Source:
    """A document that could be read.

    `places` is empty where it was JSON that no reader of YAML takes. `flaws` are those that reading alone can
    see: a name given twice.
    """

    data: JsonValue
    places: dict[str, Place] = field(default_factory=dict)
    flaws: tuple[Flaw, ...] = ()


def read(text: str) -> Source:
    """The document in `text`.

    Raises
    ------
    WorkflowRefused : it is no YAML and no JSON, too long, too deep, or uses what is refused.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_DOCUMENT_BYTES:
        raise _refused(
            f"the document is longer than {MAX_DOCUMENT_BYTES:,} bytes; put long texts into docs or inputs"
        )
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            return _read_json(text.lstrip("\ufeff"))
        except json.JSONDecodeError:
            pass  # YAML may begin with a brace too, and says where it breaks
    return _read_yaml(text)


def _refused(
    message: str, *, line: int | None = None, path: str = "", value: str | None = None
) -> WorkflowRefused:
    return WorkflowRefused([Flaw(path=path, line=line, value=value, message=message)])


class _Members(dict[str, Any]):
    """A JSON object that remembers which of its names came more than once."""

    twice: tuple[str, ...] = ()


def _members(pairs: list[tuple[str, Any]]) -> _Members:
    members = _Members(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        members.twice = tuple(name for name in members if names.count(name) > 1)
    return members


def _no_number(text: str) -> None:
    raise _refused(f"{text} is no number of JSON; give a finite one", value=text)


def _read_json(text: str) -> Source:
    try:
        data = json.loads(text, object_pairs_hook=_members, parse_constant=_no_number)
    except RecursionError:
        raise _refused(f"the document is nested more than {MAX_DEPTH} levels deep") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise _refused(f"a number cannot be read: {error}") from None
    flaws = [
        Flaw(path=pointer(*path, name), message=f'"{shown(name)}" is given twice; leave one of them')
        for path, node in _nodes(data)
        if isinstance(node, _Members)
        for name in node.twice
    ]
    return Source(data, _places_in_json(text), tuple(flaws))


def _places_in_json(text: str) -> dict[str, Place]:
    """Where the values stand: JSON is YAML, but for a few characters."""
    try:
        return _read_yaml(text).places
    except WorkflowRefused:
        return {}


def _nodes(data: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value of a document with its path; refuses one that is nested too deep."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), data)]
    while waiting:
        path, node = waiting.pop()
        if len(path) > MAX_DEPTH:
            raise _refused(f"the document is nested more than {MAX_DEPTH} levels deep")
        yield path, node
        if isinstance(node, dict):
            waiting += [((*path, name), value) for name, value in node.items()]
        elif isinstance(node, list):
            waiting += [((*path, index), value) for index, value in enumerate(node)]


def _read_yaml(text: str) -> Source:
    import yaml

    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" at column {mark.column + 1}" if mark else ""
        line = min(mark.line, text.count("\n")) + 1 if mark else None
        reason = " ".join(str(error.problem or error.context).split())
        raise _refused(f"this is no YAML: {reason}{place}", line=line) from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:  # characters that YAML does not allow
        raise _refused(f"this is no YAML: {' '.join(str(error).split())}") from None
    if not builder.documents:
        raise _refused("the document is empty; a workflow has at least a name, a goal and steps")
    return Source(builder.root, builder.places, tuple(builder.flaws))


@dataclass
class _Open:
    """A mapping or sequence whose end has not come yet; `name` is the key whose value comes next."""

    value: dict[str, Any] | list[Any]
    path: str
    name: str | None = None


class _Builder:
    """Makes data of YAML's events, one at a time and without recursion."""

    def __init__(self) -> None:
        self.root: Any = None
        self.documents = 0
        self.places: dict[str, Place] = {}
        self.flaws: list[Flaw] = []
        self._stack: list[_Open] = []

    def take(self, event: Any) -> None:
        """The next event."""
        kind, line = type(event).__name__, event.start_mark.line + 1
        if kind == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                raise _refused("a second document begins here; one file holds one workflow", line=line)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._stack.pop()
        elif kind in ("MappingStartEvent", "SequenceStartEvent", "ScalarEvent", "AliasEvent"):
            self._refuse_what_grows(event, kind, line)
            self._take_value(event, kind, line)

    def _refuse_what_grows(self, event: Any, kind: str, line: int) -> None:
        if kind == "AliasEvent" or event.anchor is not None:
            sign = "*" if kind == "AliasEvent" else "&"
            raise _refused(
                f'anchors and aliases ("{sign}{shown(event.anchor)}") are not read; write the value out, or quote it',
                line=line,
            )
        if event.tag not in (None, "!"):
            raise _refused(
                f'tags ("{shown(event.tag)}") are not read; leave it out, or quote the value', line=line
            )
        if len(self._stack) > MAX_DEPTH:
            raise _refused(f"the document is nested more than {MAX_DEPTH} levels deep", line=line)

    def _take_value(self, event: Any, kind: str, line: int) -> None:
        parent = self._stack[-1] if self._stack else None
        if parent is not None and isinstance(parent.value, dict) and parent.name is None:
            self._take_name(parent, event, kind, line)
            return
        value: Any = (
            {} if kind == "MappingStartEvent" else [] if kind == "SequenceStartEvent" else _scalar(event)
        )
        path = self._put(parent, value)
        block = kind == "ScalarEvent" and event.style == "|"
        self.places.setdefault(path, Place(line, line + 1 if block else None))
        if isinstance(value, dict | list):
            self._stack.append(_Open(value, path))

    def _take_name(self, parent: _Open, event: Any, kind: str, line: int) -> None:
        if kind != "ScalarEvent":
            raise _refused(
                "a member's name is text, and here stands a mapping or a list", line=line, path=parent.path
            )
        name = event.value
        if name == "<<":
            raise _refused("merge keys (<<) are not read; write the members out", line=line, path=parent.path)
        parent.name = name
        if isinstance(parent.value, dict) and name in parent.value:
            self.flaws.append(
                Flaw(
                    path=parent.path + pointer(name),
                    line=line,
                    message=f'"{shown(name)}" is given twice; leave one of them',
                )
            )

    def _put(self, parent: _Open | None, value: Any) -> str:
        if parent is None:
            self.root = value
            return ""
        if isinstance(parent.value, list):
            parent.value.append(value)
            return parent.path + pointer(len(parent.value) - 1)
        name, parent.name = parent.name or "", None
        parent.value[name] = value
        return parent.path + pointer(name)


def _scalar(event: Any) -> JsonValue:
    text: str = event.value
    if not event.implicit[0]:  # quoted, or a block
        return text
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text

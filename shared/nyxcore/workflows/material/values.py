"""The values that paths lead to while a workflow runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import JsonValue

from nyxcore.errors import InvalidInput
from nyxcore.workflows.flaws import nearest
from nyxcore.workflows.material.sections import OutputPart, sections
from nyxcore.workflows.prompts.paths import Path

OutputStatus = Literal["succeeded", "skipped", "pending"]


class PathUnknown(InvalidInput):
    """A path that leads to nothing in this run; `suggestion` is the nearest right one, in full, or None."""

    code = "path_unknown"

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        hint = f"; did you mean {suggestion}?" if suggestion else ""
        super().__init__(message + hint, suggestion=suggestion)
        self.suggestion = suggestion


@dataclass(frozen=True)
class StepOutput:
    """What a step came to.

    Attributes
    ----------
    content : the text that `{{steps.<key>.content}}` inserts.
    status : `pending` where it has not run, in a preview.
    decision : of a review: approve, reject, edit or expire.
    alternatives : its answers where several stand side by side, in their order.
    parts : of a step with forEach, what each call came to.
    data : the answer of a step with an outputSchema.
    """

    content: str
    status: OutputStatus = "succeeded"
    decision: str | None = None
    alternatives: tuple[str, ...] = ()
    parts: tuple[OutputPart, ...] = ()
    data: JsonValue = None


@dataclass(frozen=True)
class Material:
    """A value on its way into a prompt.

    Attributes
    ----------
    path : as it was named.
    text : the value as text; empty where there is none, and then `note` says why.
    parts : its parts, where it has some that must not be crushed into one.
    trusted : written by the workflow's author, or one of few known words: it stands without a fence.
    pending : a placeholder for what does not exist yet.
    origin : the path of what it is a part of, where that is another one.
    """

    path: str
    text: str
    parts: tuple[OutputPart, ...] = ()
    trusted: bool = False
    pending: bool = False
    note: str | None = None
    origin: str | None = None

    @property
    def source(self) -> str:
        """The first part of the path that it came from, such as `steps` or `input`."""
        return re.split(r"[.\[]", self.origin or self.path, maxsplit=1)[0]

    @property
    def step(self) -> str | None:
        """The key of the step that it came from."""
        return (self.origin or self.path).split(".")[1] if self.source == "steps" else None


@dataclass(frozen=True)
class Values:
    """All that the paths of a step may lead to.

    `input` is the run's input as text; `inputs` are those given by name, None for one left out.
    """

    goal: str
    input: str = ""
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    steps: Mapping[str, StepOutput] = field(default_factory=dict)
    memory: str = ""
    docs: Mapping[str, str] = field(default_factory=dict)
    policies: str = ""
    wisdom: str = ""
    item: OutputPart | None = None
    item_origin: str | None = None
    item_pending: bool = False

    def for_item(
        self, item: OutputPart, *, origin: str | Sequence[str] | None = None, pending: bool = False
    ) -> Values:
        """The values of one call of a step whose forEach is `origin`; a preview's item may be a placeholder."""
        path = origin if isinstance(origin, str) else None
        return replace(self, item=item, item_origin=path, item_pending=pending)

    def value(self, path: Path) -> JsonValue:
        """The value at the end of a path, as `when` compares it; None for what was left out.

        Raises
        ------
        PathUnknown : it leads to nothing.
        """
        match path.parts:
            case ("goal",):
                return self.goal
            case ("item",) if self.item is not None:
                return self.item.text
            case ("input",):
                return self.input
            case ("input", str(name)) if name in self.inputs:
                return self.inputs[name]
            case ("memory",):
                return self.memory
            case ("policies",):
                return self.policies
            case ("project", "wisdom"):
                return self.wisdom
            case ("docs",):
                return "\n\n".join(f"# {name}\n\n{text}" for name, text in self.docs.items())
            case ("docs", str(name)):
                return self._document(path, name)
            case ("steps", str(key), *rest) if key in self.steps:
                return _of_step(path, self.steps[key], rest)
        raise PathUnknown(f"{path} leads to nothing in this run")

    def material(self, path: Path) -> Material:
        """The value at the end of a path as text for a prompt; raises as `value` does."""
        output = self.steps.get(path.step or "")
        if output is not None and output.status == "pending":
            return Material(
                str(path), f'[{path} stands here when the step "{path.step}" has run]', pending=True
            )
        value = self.value(path)
        text = "" if value is None else value if isinstance(value, str) else _as_text(value)
        parts = output.parts if output and path.parts[2:] == ("content",) else ()
        trusted = path.parts == ("goal",) or path.parts[2:] in (("status",), ("decision",))
        note = None if text.strip() else self._why_empty(path, output)
        item = path.parts == ("item",)
        pending, origin = item and self.item_pending, self.item_origin if item else None
        return Material(str(path), text, parts, trusted, pending, note, origin)

    def _document(self, path: Path, name: str) -> str:
        if name in self.docs:
            return self.docs[name]
        if not self.docs:
            return ""
        close = nearest(name, self.docs)
        suggestion = str(Path(("docs", close))) if close else None
        raise PathUnknown(
            f"{path}: the project has no such document; it has {', '.join(self.docs)}", suggestion
        )

    def _why_empty(self, path: Path, output: StepOutput | None) -> str:
        if output is not None and output.status == "skipped":
            return f'the step "{path.step}" was skipped'
        reasons = {
            "memory": "nothing was taken from memory",
            "docs": "the project has no documents",
            "policies": "there are no policies",
            "project": "the project has no wisdom yet",
            "input": "nothing was given for it",
        }
        return reasons.get(str(path.parts[0]), "it holds no text")


def _of_step(path: Path, output: StepOutput, rest: Sequence[str | int]) -> JsonValue:
    match rest:
        case ["content"]:
            return output.content
        case ["status"]:
            return output.status
        case ["decision"]:
            return output.decision
        case ["sections"]:
            return [part.text for part in sections(output.content)]
        case ["parts"]:
            return [part.text for part in output.parts]
        case ["alternatives", int(index)]:
            return output.alternatives[index] if index < len(output.alternatives) else None
        case ["data", *inner]:
            return _member(output.data, inner)
    raise PathUnknown(f"{path} leads to nothing in this run", f"steps.{path.step}.content")


def _member(value: JsonValue, inner: Sequence[str | int]) -> JsonValue:
    """A member of an answer; None where it has none, since a schema may leave members out."""
    for part in inner:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _as_text(value: JsonValue) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(f"- {item}" for item in value)
    return json.dumps(value, ensure_ascii=False, indent=2)

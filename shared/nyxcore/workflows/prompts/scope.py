"""Which paths exist for a step, what kind of value each leads to, and the nearest right one of a wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nyxcore.workflows.definition import Input, Step, Workflow
from nyxcore.workflows.flaws import nearest
from nyxcore.workflows.prompts.paths import Path

Kind = Literal["text", "number", "boolean", "list", "any"]

_SOURCES = ("memory", "docs", "policies")
_INPUT_KINDS: Mapping[str, Kind] = {
    "string": "text",
    "number": "number",
    "boolean": "boolean",
    "list": "list",
}
_SCHEMA_KINDS: Mapping[object, Kind] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "array": "list",
}
_WORDS: Mapping[str | int, tuple[str, ...]] = {
    "status": ("succeeded", "skipped"),  # a step that fails ends the run, and nothing behind it begins
    "decision": ("approve", "reject", "edit", "expire"),
}


@dataclass(frozen=True)
class Unknown:
    """A path that leads nowhere; `suggestion` is the nearest right one, in full."""

    message: str
    suggestion: str | None = None


@dataclass(frozen=True)
class Scope:
    """What a step may name.

    Attributes
    ----------
    inputs : the workflow's declared inputs, kind by name.
    steps : every step by its key; None for one that could not be read, of which any path is taken.
    item : whether the step runs once for each item of a list.
    """

    inputs: Mapping[str, Kind]
    steps: Mapping[str, Step | None]
    item: bool = False

    def including(self, keys: Iterable[str]) -> Scope:
        """The scope with steps that have these keys too, and of which no more is known."""
        return Scope(self.inputs, {**dict.fromkeys(keys), **self.steps}, self.item)

    def kind(self, path: Path) -> Kind | Unknown:
        """The kind of value at the end of `path`."""
        root, rest = path.parts[0], path.parts[1:]
        if root == "input":
            return self._input(path)
        if root == "steps":
            return self._step(path)
        if root == "docs" and len(rest) == 1 and isinstance(rest[0], str):
            return "text"
        if root == "project" and rest == ("wisdom",):
            return "text"
        plain = {"goal", *_SOURCES} | ({"item"} if self.item else set())
        if root in plain and not rest:
            return "text"
        return self._unknown_root(path, plain)

    def _input(self, path: Path) -> Kind | Unknown:
        if len(path.parts) == 1:
            return "text" if not self.inputs else "any"
        name = path.parts[1]
        if name in self.inputs and len(path.parts) == 2:
            return self.inputs[str(name)]
        if not self.inputs:
            return Unknown(f"{path}: the workflow declares no inputs; declare it under inputs", "input")
        close = nearest(str(name), self.inputs) if len(path.parts) == 2 else str(name)
        return Unknown(f"{path}: there is no such input", f"input.{close}" if close in self.inputs else None)

    def _step(self, path: Path) -> Kind | Unknown:
        key = path.step
        if key is None:
            return Unknown(f"{path}: a step's key is missing", self._any_step())
        if key not in self.steps:
            close = nearest(key, self.steps)
            rest = path.parts[2:] or ("content",)
            return Unknown(
                f'{path}: there is no step "{key}"', self._right("steps", close, *rest) if close else None
            )
        step = self.steps[key]
        return "any" if step is None else self._field(path, step)

    def _field(self, path: Path, step: Step) -> Kind | Unknown:
        rest = path.parts[2:]
        fields = step_fields(step)
        content = f"steps.{step.key}.content"
        if not rest:
            return Unknown(f"{path}: say what of the step", content)
        if rest[0] == "data" and "data" in fields:
            return _in_schema(path, step.output_schema or {}, rest[1:])
        if (
            rest[0] == "alternatives"
            and len(rest) == 2
            and isinstance(rest[1], int)
            and "alternatives" in fields
        ):
            if rest[1] < step.answers:
                return "text"
            last = f"steps.{step.key}.alternatives[{step.answers - 1}]"
            return Unknown(
                f'{path}: the step "{step.key}" has {step.answers} answers, the first is [0]', last
            )
        if len(rest) == 1 and rest[0] in fields and rest[0] != "alternatives":
            return fields[str(rest[0])]
        if rest[0] == "alternatives" and "alternatives" in fields:
            return Unknown(f"{path}: say which one, the first is [0]", f"steps.{step.key}.alternatives[0]")
        known = " ".join(f".{name}" for name in fields)
        return Unknown(
            f'{path}: the step "{step.key}" has {known}', self._right_field(path, fields) or content
        )

    def _right_field(self, path: Path, fields: Iterable[str]) -> str | None:
        """The nearest right path of one whose step is right: with another field, or without what follows one."""
        field, rest = str(path.parts[2]), path.parts[3:]
        if field in fields:
            return str(Path(path.parts[:3]))
        close = nearest(field, fields)
        return self._right(*path.parts[:2], close, *rest) if close else None

    def _unknown_root(self, path: Path, plain: Iterable[str]) -> Unknown:
        root, rest = str(path.parts[0]), path.parts[1:]
        if root in self.steps:
            return Unknown(
                f"{path}: a step's output is named in full",
                self._right("steps", root, *(rest or ("content",))),
            )
        if root in self.inputs:
            return Unknown(f"{path}: an input is named in full", f"input.{root}")
        if root == "item":
            return Unknown(f"{path}: only a step with forEach has an item, which has no members")
        if root == "project":
            return Unknown(f"{path}: of a project there is its wisdom", "project.wisdom")
        if root in plain:
            return Unknown(f"{path}: {root} has no such member", root)
        close = nearest(root, ["input", "steps", "project", *plain])
        suggestion = self._right(close, *rest) if close else None
        known = ", ".join(sorted({"input", "project.wisdom", "steps.<key>.content", *plain}))
        return Unknown(f"{path}: there is no {root}; there are {known}", suggestion)

    def _right(self, *parts: str | int) -> str | None:
        """The path of these parts where it is right, else the nearest one that is."""
        candidate = Path(parts)
        found = self.kind(candidate)
        return found.suggestion if isinstance(found, Unknown) else str(candidate)

    def _any_step(self) -> str | None:
        return next((f"steps.{key}.content" for key in self.steps), None)


def scope_of(workflow: Workflow, step: Step, inputs: Mapping[str, Input | None] | None = None) -> Scope:
    """What `step` may name; `inputs` stand for the workflow's own, None for one of an unknown type."""
    declared = workflow.inputs if inputs is None else inputs
    kinds: dict[str, Kind] = {
        name: "any" if given is None else _INPUT_KINDS[given.type] for name, given in declared.items()
    }
    return Scope(kinds, {other.key: other for other in workflow.steps}, item=step.for_each is not None)


def step_fields(step: Step) -> dict[str, Kind]:
    """What of a step others may name."""
    fields: dict[str, Kind] = {"content": "text", "status": "text", "sections": "list"}
    if step.type == "review":
        fields["decision"] = "text"
    if step.for_each is not None:
        fields["parts"] = "list"
    if step.answers > 1:
        fields["alternatives"] = "list"
    if step.output_schema is not None:
        fields["data"] = "any"
    return fields


def words_of(path: Path) -> tuple[str, ...]:
    """The words of which one stands at the end of a right path; none where it may be any text."""
    return _WORDS.get(path.parts[2], ()) if path.step is not None and len(path.parts) == 3 else ()


def _in_schema(path: Path, schema: Mapping[str, Any], rest: tuple[str | int, ...]) -> Kind | Unknown:
    """The kind at the end of a path into an answer; where its schema says nothing, any path is taken."""
    for index, part in enumerate(rest):
        properties = schema.get("properties")
        inner: object = schema.get("items") if isinstance(part, int) else None
        if isinstance(part, str) and isinstance(properties, Mapping):
            if part not in properties:
                right = _right_in_schema(path, schema, rest[index:], nearest(part, properties))
                return Unknown(f"{path}: outputSchema has no property {part}", right)
            inner = properties[part]
        if not isinstance(inner, Mapping):
            return "any"
        schema = inner
    kind = schema.get("type")
    return _SCHEMA_KINDS.get(kind, "any") if isinstance(kind, str) else "any"


def _right_in_schema(
    path: Path, schema: Mapping[str, Any], rest: tuple[str | int, ...], close: str | None
) -> str | None:
    """The nearest right path where the first of `rest` is no property of `schema`, and `close` is meant."""
    if close is None:
        return None
    before = path.parts[: len(path.parts) - len(rest)]
    candidate = Path((*before, close, *rest[1:]))
    found = _in_schema(candidate, schema, (close, *rest[1:]))
    return (found.suggestion or str(Path((*before, close)))) if isinstance(found, Unknown) else str(candidate)

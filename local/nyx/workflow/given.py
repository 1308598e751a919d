"""What a run is given, from `--input` and `--set`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import JsonValue

from nyx.errors import BadUsage
from nyx.workflow.documents import file_text
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.inputs import InputRefused, only_text, take_input

type Given = str | dict[str, JsonValue] | None


def given(workflow: Workflow, text: str | None, settings: Sequence[str]) -> Given:
    """The run's input, checked against what the workflow declares.

    Parameters
    ----------
    text : the input itself, `@FILE` for what stands in a file, `-` for stdin.
    settings : `name=value` each; a list is given by naming it several times.

    Raises
    ------
    BadUsage : it does not suit the workflow; the message says how to give what is missing.
    """
    if text is not None and settings:
        raise BadUsage("Give --input, or --set for each declared input; not both.")
    value: Given = _read(text) if text is not None else _named(workflow, settings) if settings else None
    try:
        take_input(workflow, value)
    except InputRefused as refused:
        raise BadUsage(
            f"The input does not suit the workflow: {refused.message}.{_hint(workflow, settings)}"
        ) from refused
    return value


def _hint(workflow: Workflow, settings: Sequence[str]) -> str:
    """How the workflow takes its input."""
    if settings:
        every = " ".join(f"--set {name}=…" for name in workflow.inputs)
        return (
            f" It takes: {every}"
            if every
            else " It declares none: give what there is to say with --input TEXT."
        )
    names = " ".join(f"--set {name}=…" for name, each in workflow.inputs.items() if each.required)
    how = "Give it with --input TEXT, or by name" if only_text(workflow) else "Give it by name"
    return f" {how}: {names}" if names else ""


def _named(workflow: Workflow, settings: Sequence[str]) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise BadUsage(f"--set takes name=value, and {setting!r} has no equals sign.")
        declared = workflow.inputs.get(name)
        value = _value(name, declared.type if declared else "string", _read(text))
        before = values.get(name)
        values[name] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
    return values


def _value(name: str, type_: str, text: str) -> JsonValue:
    if type_ == "list":
        return [text]
    if type_ == "boolean" and text in {"true", "false"}:
        return text == "true"
    if type_ == "number":
        try:
            number = json.loads(text)
        except ValueError:
            number = None
        if isinstance(number, int | float) and not isinstance(number, bool):
            return number
    if type_ != "string":
        wanted = "true or false" if type_ == "boolean" else "a number"
        raise BadUsage(f"--set {name} takes {wanted}, and {text[:60]!r} is none.")
    return text


def _read(text: str) -> str:
    if text == "-" or text.startswith("@"):
        return file_text(text.removeprefix("@"))
    return text

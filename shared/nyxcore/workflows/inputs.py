"""What a run is given: a text, or values by the names that the workflow declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from nyxcore.errors import InvalidInput
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.flaws import nearest, shown
from nyxcore.workflows.rules import is_of_type


class InputRefused(InvalidInput):
    """A run's input that does not suit its workflow; the message names everything that is wrong."""

    code = "input_refused"


@dataclass(frozen=True)
class GivenInput:
    """`text` is what `{{input}}` inserts; `named` holds every declared input, None for one that was left out."""

    text: str
    named: Mapping[str, JsonValue]


def take_input(workflow: Workflow, given: str | Mapping[str, JsonValue] | None) -> GivenInput:
    """The input of a run, with defaults.

    A text is taken where no declared input is required, or where one text is and nothing else: then it is that one,
    and may not be blank. An object is taken where inputs are declared.

    Raises
    ------
    InputRefused : an input is missing, unknown, or of another type.
    """
    values = given if isinstance(given, Mapping) else {}
    if isinstance(given, str) and given.strip() and (only := only_text(workflow)):
        values = {only: given}
    if wrong := list(_wrong(workflow, values)):
        if isinstance(given, str) and not only_text(workflow):
            wrong.insert(0, "this workflow takes its input by name, as an object")
        raise InputRefused("; ".join(wrong))
    named = {name: values.get(name, declared.default) for name, declared in workflow.inputs.items()}
    return GivenInput(given if isinstance(given, str) else _as_text(named), named)


def only_text(workflow: Workflow) -> str | None:
    """Name of the one input that is required, if it is a text; what is given without a name is that one."""
    required = [name for name, each in workflow.inputs.items() if each.required and each.default is None]
    return required[0] if len(required) == 1 and workflow.inputs[required[0]].type == "string" else None


def _wrong(workflow: Workflow, values: Mapping[str, JsonValue]) -> Iterator[str]:
    for name in values:
        if name not in workflow.inputs:
            close = nearest(name, workflow.inputs)
            yield f"there is no input {shown(name)}" + (f"; did you mean {close}?" if close else "")
    for name, declared in workflow.inputs.items():
        value = values.get(name)
        if value is None and declared.required and declared.default is None:
            yield f"the input {name} is missing"
        if value is not None and not is_of_type(declared, value):
            yield f"{shown(value)} is no {declared.type}, which the input {name} is"


def _as_text(named: Mapping[str, JsonValue]) -> str:
    lines: list[str] = []
    for name, value in named.items():
        if isinstance(value, list):
            lines += [f"{name}:", *(f"- {item}" for item in value)]
        elif value is not None:
            text = (
                value
                if isinstance(value, str)
                else str(value).lower()
                if isinstance(value, bool)
                else f"{value}"
            )
            lines += [f"{name}:", text] if "\n" in text else [f"{name}: {text}"]
    return "\n".join(lines)

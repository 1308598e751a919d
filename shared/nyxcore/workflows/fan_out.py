"""What a step with forEach runs for: the items of a list, the sections or the parts of an earlier output."""

from __future__ import annotations

import json

from pydantic import JsonValue

from nyxcore.errors import InvalidInput
from nyxcore.workflows.definition import MAX_FAN_OUT, Step
from nyxcore.workflows.material.sections import OutputPart, sections
from nyxcore.workflows.material.values import Values
from nyxcore.workflows.prompts.paths import parse_path

_LONGEST_TITLE = 80


class FanOutRefused(InvalidInput):
    """What forEach names is no list, or has more than 500 items."""

    code = "fan_out_refused"


def items(step: Step, values: Values) -> list[OutputPart]:
    """The items of a step with forEach, in their order; none where an optional input was not given.

    Raises
    ------
    FanOutRefused : it is no list, or too long.
    PathUnknown : it names what is not there.
    """
    found = _found(step, values)
    if len(found) > MAX_FAN_OUT:
        raise FanOutRefused(
            f'"{step.key}" would run for {len(found):,} items of {_named(step)}; at most {MAX_FAN_OUT} are allowed'
        )
    return found


def _found(step: Step, values: Values) -> list[OutputPart]:
    if not isinstance(step.for_each, str):
        return [_item(text) for text in step.for_each or ()]
    path = parse_path(step.for_each)
    if path is None:
        raise FanOutRefused(f'forEach of "{step.key}" is no path: {step.for_each}')
    output = values.steps.get(path.step or "")
    if output is not None and path.parts[2:] == ("sections",):
        return _titled(sections(output.content))
    if output is not None and path.parts[2:] == ("parts",):
        return list(output.parts)
    value = values.value(path)
    if value is None:
        return []
    if not isinstance(value, list):
        raise FanOutRefused(f'"{step.key}" runs for each of {step.for_each}, which is no list in this run')
    return [_item(item) for item in value]


def _titled(parts: list[OutputPart]) -> list[OutputPart]:
    """The sections without what stands before the first heading, which introduces them and is none."""
    return [part for part in parts if part.title] or parts


def _item(value: JsonValue) -> OutputPart:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return OutputPart(text if len(text) <= _LONGEST_TITLE and "\n" not in text else "", text)


def _named(step: Step) -> str:
    return step.for_each if isinstance(step.for_each, str) else "its list"

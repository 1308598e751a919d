"""Reads a document's members into their types, and says of each that does not fit what it should be.

The head of a workflow and each of its steps are read on their own, so that one broken step hides nothing that
is wrong elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nyxcore.workflows.definition import MAX_STEPS, Budget, Input, Judge, Step, Workflow
from nyxcore.workflows.flaws import MAX_FLAWS, Flaw, nearest, pointer, shown

_INNER: dict[str, type[BaseModel]] = {"budget": Budget, "judge": Judge, "inputs": Input}
_STAND_INS: dict[str, object] = {
    "name": "unread",
    "goal": "unread",
    "key": "unread",
    "steps": [{"key": "unread"}],
}


@dataclass
class Draft:
    """What could be read of a document; members that do not fit are left out of it.

    `head` has one step in place of its steps. `steps` holds each item of `steps`, None for one that is no
    object; `keys` the key of each, where there is one; `whole` says which had no flaw. `inputs` holds every input
    that is declared, None in the place of one that has flaws.
    """

    head: Workflow | None
    steps: list[Step | None]
    keys: list[str | None]
    whole: list[bool]
    flaws: list[Flaw]
    inputs: dict[str, Input | None]


def read_shape(document: object) -> Draft:
    """The members of a document that fit their types, and a flaw for every one that does not."""
    if not isinstance(document, Mapping):
        flaw = Flaw(
            path="", value=shown(document), message="a workflow is an object with name, goal and steps"
        )
        return Draft(None, [], [], [], [flaw], {})
    flaws: list[Flaw] = []
    items = document.get("steps")
    head_members = {**document, "steps": _STAND_INS["steps"]} if "steps" in document else dict(document)
    head = read_members(Workflow, head_members, (), flaws)
    if "steps" in document and not (isinstance(items, list | tuple) and items):
        flaws.append(Flaw(path="/steps", value=shown(items), message="steps is a list of at least one step"))
    items = list(items) if isinstance(items, list | tuple) else []
    if len(items) > MAX_STEPS:
        message = (
            f"a workflow has at most {MAX_STEPS:,} steps, not {len(items):,}; use forEach for what repeats"
        )
        return Draft(head, [], [], [], [*flaws, Flaw(path="/steps", message=message)], {})
    steps: list[Step | None] = []
    whole: list[bool] = []
    for index, item in enumerate(items):
        before = len(flaws)
        steps.append(read_members(Step, item, ("steps", index), flaws))
        whole.append(len(flaws) == before)
    return Draft(head, steps, [_key_of(item) for item in items], whole, flaws, _inputs(document))


def _inputs(document: Mapping[str, object]) -> dict[str, Input | None]:
    declared = document.get("inputs")
    if not isinstance(declared, Mapping):
        return {}
    flaws: list[Flaw] = []
    read = {str(name): read_members(Input, given, (str(name),), flaws) for name, given in declared.items()}
    broken = {flaw.path.split("/")[1] for flaw in flaws}
    return {name: None if pointer(name)[1:] in broken else given for name, given in read.items()}


def _key_of(item: object) -> str | None:
    key = item.get("key") if isinstance(item, Mapping) else None
    return key if isinstance(key, str) else None


def read_members[M: BaseModel](
    model: type[M], data: object, at: tuple[str | int, ...], flaws: list[Flaw]
) -> M | None:
    """The model of those members that fit, those that must be there replaced; None where the data is no object."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        flaws += islice(_flaws_of(error, model, data, at), MAX_FLAWS)
        if not isinstance(data, Mapping):
            return None
        broken = {str(detail["loc"][0]) for detail in error.errors(include_url=False) if detail["loc"]}
    fitting = {name: value for name, value in data.items() if name not in broken}
    stand_ins = {name: _STAND_INS[name] for name, info in model.model_fields.items() if info.is_required()}
    return model.model_validate(stand_ins | fitting)


def _flaws_of(
    error: ValidationError, model: type[BaseModel], data: object, at: tuple[str | int, ...]
) -> Iterator[Flaw]:
    told: set[str] = set()
    for detail in error.errors(include_url=False):
        trail = tuple(_trail(detail, data))
        path = pointer(*at, *trail)
        if path in told:  # a union says it once for each of its types
            continue
        told.add(path)
        yield _flaw(detail, path, _model_at(model, trail))


def _trail(detail: ErrorDetails, data: Any) -> Iterator[str | int]:
    """The steps of `loc` that lead through the data; pydantic also names the types of a union there."""
    missing = detail["type"] in ("missing", "extra_forbidden")
    for position, part in enumerate(detail["loc"]):
        last = position == len(detail["loc"]) - 1
        if _has(data, part):
            data = data[part]
        elif not (missing and last):
            continue
        yield part


def _has(data: object, part: str | int) -> bool:
    if isinstance(data, Mapping):
        return part in data
    return isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)


def _model_at(model: type[BaseModel], trail: tuple[str | int, ...]) -> type[BaseModel]:
    """The model whose member the trail's last part is."""
    for part in trail[:-1]:
        model = _INNER.get(str(part), model)
    return model


def _flaw(detail: ErrorDetails, path: str, model: type[BaseModel]) -> Flaw:
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    if detail["type"] == "missing":
        return Flaw(path=path, message=f"{name} is missing")
    if detail["type"] == "extra_forbidden":
        members = [info.alias or member for member, info in model.model_fields.items()]
        close = nearest(name, members)
        message = f"there is no member {shown(name)}"
        return Flaw(
            path=path, message=message + (f"; did you mean {close}?" if close else ""), suggestion=close
        )
    return Flaw(path=path, value=shown(detail["input"]), message=_reworded(detail))


def _reworded(detail: ErrorDetails) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    given = shown(detail["input"])
    match detail["type"]:
        case "string_pattern_mismatch":
            return f'"{given}" does not have the form {context["pattern"]}'
        case "greater_than_equal":
            return f"{given} is too small; the least is {context['ge']:g}"
        case "greater_than":
            return f"{given} is too small; give more than {context['gt']:g}"
        case "less_than_equal":
            return f"{given} is too large; the most is {context['le']:,g}"
        case "literal_error":
            return f'"{given}" is none of {context["expected"]}'
        case "string_type":
            return f"give a text; {given} is none (in YAML, put it in quotes)"
        case "tuple_type" | "list_type":
            return f"give a list; {given} is none"
        case "too_long":
            return f"{context['actual_length']} are too many; at most {context['max_length']}"
        case "string_too_long":
            return f"the text is too long; at most {context['max_length']:,} characters"
        case _:
            message = detail["msg"].removeprefix("Value error, ")
            return f"{given}: {message[:1].lower()}{message[1:]}"

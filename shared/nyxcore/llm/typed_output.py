"""Typed answers: the request for JSON of a schema, reading it from what a model says, and what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from nyxcore.errors import InvalidInput

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_FENCE: Final = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL)
_ERRORS_TOLD: Final = 8


class NotTyped(Exception):
    """The text holds no JSON of the schema; `flaws` says what is wrong, in words for a model."""

    def __init__(self, flaws: str) -> None:
        super().__init__(flaws)
        self.flaws = flaws


def request(schema: dict[str, Any]) -> str:
    """What the system prompt says further where an answer is typed."""
    return (
        "Answer with one JSON value and nothing else: no prose, no code fence. It must be valid against this JSON"
        f" Schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )


def repair(flaws: str) -> str:
    """What a model is told that has answered with something else."""
    return f"That is not what was asked for: {flaws}\nAnswer again, with the corrected JSON value and nothing else."


def validator(schema: dict[str, Any]) -> Validator:
    """A validator that fetches nothing. Raises InvalidInput when the schema is none (draft 2020-12)."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from referencing import Registry

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidInput(
            f"outputSchema is no JSON Schema: {error.json_path}: {error.message[:300]}"
        ) from None
    return Draft202012Validator(schema, registry=Registry())


def read(text: str, validator: Validator) -> Any:
    """The data in a model's answer. Raises NotTyped."""
    from referencing.exceptions import Unresolvable

    data = _json_in(text)
    try:
        errors = sorted(validator.iter_errors(data), key=lambda error: error.json_path)
    except Unresolvable:
        raise InvalidInput("outputSchema refers to another document; only `#/...` is followed") from None
    if errors:
        told = [f"{error.json_path}: {error.message[:200]}" for error in errors[:_ERRORS_TOLD]]
        raise NotTyped("it does not fit the schema: " + "; ".join(told))
    return data


def _json_in(text: str) -> Any:
    """The whole text, the first fence, or what begins at the first bracket."""
    candidates = [text.strip()]
    if fenced := _FENCE.search(text):
        candidates.append(fenced[1])
    if bracket := re.search(r"[{\[]", text):
        candidates.append(text[bracket.start() :])
    problem = "it is empty"
    for candidate in candidates:
        try:
            data, end = json.JSONDecoder().raw_decode(candidate)
        except (ValueError, RecursionError) as error:
            problem = problem if isinstance(error, RecursionError) else f"it is no JSON ({error})"
            continue
        if candidate is not candidates[0] or not candidate[end:].strip():
            return data
    raise NotTyped(problem)

"""How the product's objects look as JSON: camelCase members, instants in UTC with `Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from nyxcore import clock

Instant = Annotated[
    datetime,
    PlainSerializer(clock.rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-23T14:00:00.000Z"]}),
]
"""An instant; written as RFC 3339 in UTC with milliseconds."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def _instant_text(value: object) -> object:
    if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
        raise ValueError("give an instant as RFC 3339 has it, with its offset: 2026-11-23T14:00:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("give an instant that is in the years 1 to 9999 in UTC too") from None


GivenInstant = Annotated[
    datetime,
    BeforeValidator(_instant_text),
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2030-01-01T00:00:00Z"]}),
]
"""An instant in a request: RFC 3339 with an offset, where pydantic alone would take a number too."""


def _json_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("give a number")
    return value


A_NUMBER = BeforeValidator(_json_number)
"""Stands last in `Annotated[int, ...]`: 5 and 5.0, as JSON Schema has it, where pydantic also takes "5" and true."""

# One line with something to see on it: at least one character that is no space, and no control character.
LINE = r"^[^\u0000-\u001f\u007f]*[^\u0000-\u0020\u007f\s][^\u0000-\u001f\u007f]*$"
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)]
"""What a person calls something."""


class WireModel(BaseModel):
    """Base of what the API answers with: snake_case in Python, camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class RequestModel(BaseModel):
    """Base of what the API takes: camelCase members alone, and none that it does not know."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

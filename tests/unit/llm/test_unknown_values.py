"""The offline model on schemas about which the prompt says nothing."""

from typing import Any

import pytest

from nyxcore.llm.offline.answering import answer


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"const": 3}, 3),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"type": "number", "minimum": 4}, 4),
        ({"enum": ["x", None]}, None),
        ({"enum": ["x", "y"]}, "x"),
        ({"type": "null"}, None),
        ({"$ref": "#/nowhere/at/all"}, "not stated"),
    ],
)
def test_what_the_prompt_says_nothing_about_gets_the_most_cautious_value(
    schema: dict[str, Any], data: Any
) -> None:
    assert answer("", "Fill the form.\n\n<output>\n</output>", schema, 100).data == data


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    schema = {"type": "object", "properties": {"inner": {"$ref": "#"}}}
    assert "inner" in answer("", "Fill the form.", schema, 100).data

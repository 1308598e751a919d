"""How many tokens a model takes, its answer included."""

from __future__ import annotations

from typing import Final

_DEFAULT: Final = 32_000
"""Of a model that nobody here knows: small enough for most that run on a machine of one's own."""

_FAMILIES: Final = (
    ("offline", 400_000),
    ("claude", 200_000),
    ("gpt-5", 272_000),
    ("gpt-4.1", 1_000_000),
    ("gpt-4o", 128_000),
    ("o3", 200_000),
    ("o4", 200_000),
    ("nova-premier", 1_000_000),
    ("nova", 300_000),
    ("gemini", 1_000_000),
    ("llama", 128_000),
    ("mistral-large", 128_000),
    ("qwen", 128_000),
    ("deepseek", 128_000),
)


def window(model: str) -> int:
    """The window of a model by its name (`nyxcore.llm.models.ModelName`); rather too small than too large."""
    name = model.partition(":")[2] or model
    return next((tokens for family, tokens in _FAMILIES if family in name), _DEFAULT)

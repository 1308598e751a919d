"""The offline model as the caller asks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nyxcore.llm.offline.filling import fill
from nyxcore.llm.offline.writing import write


@dataclass(frozen=True)
class OfflineAnswer:
    """Text, or JSON with the data that it stands for; `truncated` where the limit of tokens cut it."""

    text: str
    data: Any = None
    truncated: bool = False


def answer(system: str, prompt: str, schema: dict[str, Any] | None, max_output_tokens: int) -> OfflineAnswer:
    """The same answer for the same question, always: pure, and made of nothing but the prompt."""
    if schema is None:
        text, cut = write(system, prompt, max_output_tokens)
        return OfflineAnswer(text, truncated=cut)
    data = fill(system, prompt, schema)
    return OfflineAnswer(json.dumps(data, ensure_ascii=False, indent=2), data)

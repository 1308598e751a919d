"""Text of the material as it stands in an answer."""

from __future__ import annotations

from typing import Final

from nyxcore.llm.offline.reading import Statement

LONGEST_FINDING: Final = 1_000
"""Characters of a finding: cut short it would not be known again for the same one by the next step."""


def quoted(text: str, limit: int = 400) -> str:
    """Text of the material as one line that opens no heading, no image and no element."""
    flat = " ".join(text.split()).lstrip("#>|").strip().replace("<", "&lt;").replace("![", "[")
    return flat if len(flat) <= limit else f"{flat[:limit].rsplit(' ', 1)[0]} …"


def cited(statement: Statement, *, heading: bool = False) -> str:
    """A statement with where it was taken from; with the heading that it stood below, if that is wanted."""
    parts = (statement.block, statement.heading if heading else "")
    source = " › ".join(quoted(part, 60) for part in parts if part)
    return quoted(statement.text) + (f" *({source})*" if source else "")

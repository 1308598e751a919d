"""Names of files that reports are downloaded as."""

from __future__ import annotations

_REFUSED = '<>:"/\\|?*'  # by one system or another


def file_name(title: str, ending: str) -> str:
    """The title as a file name that every system takes, such as `Flask · Auto-fix · 2026-11-23.pdf`."""
    plain = "".join(" " if c in _REFUSED or not c.isprintable() else c for c in title)
    return f"{' '.join(plain.split())[:120].strip('. ') or 'report'}.{ending}"

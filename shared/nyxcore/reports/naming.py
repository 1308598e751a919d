"""Names of files that reports are downloaded as."""

from __future__ import annotations

from nyxcore.reports.models import Style

_REFUSED = '<>:"/\\|?*'  # by one system or another


def report_file_name(title: str, style: Style, ending: str) -> str:
    """As `file_name`, with the style: a run's reports differ in nothing else, and may lie in one folder."""
    return file_name(title, f"{style}.{ending}")


def file_name(title: str, ending: str) -> str:
    """The title as a file name that every system takes, such as `Flask · Auto-fix · 2026-11-23.pdf`."""
    plain = "".join(" " if c in _REFUSED or not c.isprintable() else c for c in title)
    return f"{' '.join(plain.split())[:120].strip('. ') or 'report'}.{ending}"

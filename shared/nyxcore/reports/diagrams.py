"""Diagrams as mermaid fences, drawn from numbers and our own words: no text of a repository goes into one.

Each can be read without colours: the numbers stand in the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

_LIGHT, _DARK = "#c5cbd6", "#2f3e5c"
_TICKS = tuple(  # marks of an axis, in steps that their unit is a multiple of: mermaid knows no others
    (timedelta(**{f"{unit}s": step}), f"{step}{unit}")
    for unit, steps in (("second", (1, 2, 5, 10, 30)), ("minute", (1, 2, 5, 10, 30)), ("hour", (1, 3, 6, 12)))
    for step in steps
)
_MOST_TICKS = 8
_MIDNIGHT = datetime(2000, 1, 1)  # without a zone: read and shown by mermaid in one and the same zone


def bars(labels: Sequence[str], wholes: Sequence[int], parts: Sequence[int]) -> str:
    """A bar across for each label, as long as its whole; the dark beginning of each is its part.

    Without the axis of values: its labels would move the zero away from where the bars begin.
    """
    lines = [
        "---",
        "config:",
        "  xyChart:",
        "    width: 700",
        f"    height: {30 + 40 * len(labels)}",
        "    yAxis:",
        "      showLabel: false",
        "      showTick: false",
        "      showAxisLine: false",
        "  themeVariables:",
        "    xyChart:",
        f'      plotColorPalette: "{_LIGHT}, {_DARK}"',
        "---",
        "xychart-beta horizontal",
        f"    x-axis [{', '.join(map(quoted, labels))}]",
        f"    y-axis 0 --> {max(wholes)}",
        *(f"    bar [{', '.join(map(str, values))}]" for values in (wholes, parts)),
    ]
    return _fence(lines)


def timeline(phases: Sequence[tuple[str, timedelta]]) -> str:
    """Phases one after another, each with its label, on an axis of seconds or minutes."""
    total = sum((length for _, length in phases), timedelta())
    tick = next((name for length, name in _TICKS if total / length <= _MOST_TICKS), _TICKS[-1][1])
    lines = [
        "gantt",
        "    dateFormat YYYY-MM-DD HH:mm:ss.SSS",
        f"    axisFormat {'%-S s' if total < timedelta(minutes=1) else '%H:%M:%S'}",
        f"    tickInterval {tick}",
        "    todayMarker off",
    ]
    start = _MIDNIGHT
    for label, length in phases:
        end = start + max(length, timedelta(milliseconds=1))
        lines.append(f"    {plain(label)} :{_moment(start)}, {_moment(end)}")
        start += length
    return _fence(lines)


def _moment(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="milliseconds")


def quoted(text: str) -> str:
    """`text` as a string of mermaid; what would end it, or begin an entity or a comment, is left out or replaced."""
    return f'"{plain(text)}"'


def plain(text: str) -> str:
    """`text` as a name of mermaid: letters, numbers, blanks and a little punctuation that means nothing to it."""
    return "".join(char if char.isalnum() or char in " .,()-/·" else " " for char in text).strip() or "-"


def _fence(lines: Sequence[str]) -> str:
    return "\n".join(["```mermaid", *lines, "```"])

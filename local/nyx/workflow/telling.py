"""Flaws and previews as text for a person, in 80 columns."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from nyx.api import Json
from nyx.live import printable
from nyxcore.workflows.flaws import Flaw

_WIDEST: Final = 80
_FORMS: Final = {
    "whole": "whole",
    "digest": "shortened",
    "parts": "part by part",
    "placeholder": "comes with the run",
    "empty": "empty",
    "left-out": "left out",
}


def flaw_lines(name: str, flaws: Iterable[Flaw]) -> Iterator[str]:
    """Each flaw as `file:line: place: message`, with the value and the suggestion where there are any."""
    for flaw in flaws:
        place = f"{printable(name)}:{flaw.line}" if flaw.line else printable(name)
        yield f"{place}: {flaw.path or '/'}: {printable(flaw.message)}"
        if flaw.value:
            yield f"    there stands    {printable(flaw.value)}"
        if flaw.suggestion:
            yield f"    nearest is      {printable(flaw.suggestion)}"


def preview_lines(name: str, preview: Json) -> Iterator[str]:
    """Every step: what it would cost, what was put into its prompt and why, and the prompt as it is sent."""
    steps: Sequence[Json] = preview["steps"]
    most = f"at most ${preview['usd']:.4f}" if preview["usd"] else "nothing to pay"
    unknown = f"; not known before the run: {', '.join(preview['unknown'])}" if preview["unknown"] else ""
    size = f"{len(steps)} steps, at most {preview['tokens']:,} tokens in"
    yield from _wrapped(f"{printable(name)}: {size}, {most}{unknown}. No model was called.")
    for number, step in enumerate(steps, start=1):
        yield ""
        yield from _step_lines(number, step)


def _step_lines(number: int, step: Json) -> Iterator[str]:
    width = _width()
    title = f"══ {number}. {step['key']} ({step['type']}) "
    yield title + "═" * max(0, width - len(title))
    if step["needs"]:
        yield from _wrapped(f"needs    {', '.join(step['needs'])}", 9)
    if step["models"]:
        yield from _wrapped(f"asks     {', '.join(step['models'])}, {_calls(step)}", 9)
        yield from _wrapped(f"tokens   {_tokens(step)}; {_cost(step)}", 9)
    if step["problem"]:
        yield from _wrapped(f"PROBLEM  {printable(step['problem'])}", 9)
    for part in step["parts"]:
        yield from _part_lines(part)
    for place in ("system", "prompt"):
        if step[place]:
            yield f"── {place} " + "─" * (width - len(place) - 4)
            yield from text_lines(step[place])


def _part_lines(part: Json) -> Iterator[str]:
    """What was put in, in which form, with how many tokens, and why; or why it was not."""
    sign = "-" if part["form"] in {"empty", "left-out"} else "+"
    size = f", {part['tokens']:,} tokens" if sign == "+" else ""
    note = f" ({printable(part['note'])})" if part["note"] else ""
    yield from _wrapped(f"  {sign} {part['path']}: {_FORMS[part['form']]}{size}; {part['reason']}{note}", 4)


def _calls(step: Json) -> str:
    if step["calls"] is None:
        return "as often as an earlier step's output says"
    return "once" if step["calls"] == 1 else f"{step['calls']:,} times"


def _tokens(step: Json) -> str:
    assumed = f" and at most {step['assumedTokens']:,} of outputs to come" if step["assumedTokens"] else ""
    return f"{step['tokens']:,} in{assumed}, at most {step['outputTokens']:,} out"


def _cost(step: Json) -> str:
    if step["usd"] is None:
        return "cost not known before the run"
    return f"at most ${step['usd']:.4f}" if step["usd"] else "free"


def text_lines(text: str) -> Iterator[str]:
    """A text of a model or a repository, wrapped and indented; nothing in it drives the terminal."""
    for line in text.splitlines():
        plain = printable(line).expandtabs(4)
        indent = " " * (2 + min(len(plain) - len(plain.lstrip()), 20))
        yield from textwrap.wrap(
            plain.strip(), _width(), initial_indent=indent, subsequent_indent=indent
        ) or [""]


def _wrapped(line: str, indent: int = 2) -> list[str]:
    return textwrap.wrap(line, _width(), subsequent_indent=" " * indent)


def _width() -> int:
    return min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)

"""Flaws and previews as text for a person, in 80 columns."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
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
    """What all of it would cost; then every step: its cost, what was put into its prompts and why, and each prompt."""
    steps: Sequence[Json] = preview["steps"]
    size = f"{len(steps)} steps, about {preview['tokens']:,} tokens in"
    yield from _wrapped(f"{printable(name)}: {size}. No model was called.")
    yield from _wrapped(f"Cost: {_whole_cost(preview)}")
    for number, step in enumerate(steps, start=1):
        yield ""
        yield from _step_lines(number, step)


def _whole_cost(preview: Json) -> str:
    unknown = f" Not known before the run: {', '.join(preview['unknown'])}." if preview["unknown"] else ""
    if not preview["atMost"]["usd"]:
        return f"nothing to pay.{unknown}"
    held, most = preview["held"], preview["atMost"]
    return (
        f"{_usd(preview['usd'])} when nothing fails, {_usd(most['usd'])} at the most, with every retry of every step."
        f" A budget of {_usd(held['usd'])} and {held['tokens']:,} tokens lets every call begin.{unknown}"
    )


def _step_lines(number: int, step: Json) -> Iterator[str]:
    width = _width()
    title = f"══ {number}. {step['key']} ({step['type']}) "
    yield title + "═" * max(0, width - len(title))
    if step["needs"]:
        yield from _wrapped(f"needs    {', '.join(step['needs'])}", 9)
    if step["models"]:
        fails = f"; should it fail: {', '.join(step['fallbacks'])}" if step["fallbacks"] else ""
        yield from _wrapped(f"asks     {', '.join(step['models'])}, {_calls(step)}{fails}", 9)
        yield from _wrapped(f"tokens   {_tokens(step)}", 9)
        yield from _wrapped(f"cost     {_cost(step)}", 9)
    if step["problem"]:
        yield from _wrapped(f"PROBLEM  {printable(step['problem'])}", 9)
    yield from _text_lines_of(step, "")
    for further in step["further"]:
        label = printable(further["label"])
        yield ""
        yield from _wrapped(f"{label}: asks {', '.join(further['models'])}; {_tokens(further)}", 9)
        yield from _text_lines_of(further, f" of {label}")


def _text_lines_of(sent: Json, of: str) -> Iterator[str]:
    for part in sent["parts"]:
        yield from _part_lines(part)
    for place in ("system", "prompt"):
        if sent[place]:
            head = f"── {place}{of} "
            yield head + "─" * max(0, _width() - len(head))
            yield from text_lines(sent[place])


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
    assumed = f" and about {step['assumedTokens']:,} of outputs to come" if step["assumedTokens"] else ""
    return f"{step['tokens']:,} in{assumed}, at most {step['outputTokens']:,} out"


def _cost(step: Json) -> str:
    if step["usd"] is None:
        return "not known before the run"
    if not step["atMost"]["usd"]:
        return "free"
    most = _usd(step["atMost"]["usd"])
    return f"{_usd(step['usd'])} when nothing fails, {_usd(step['held']['usd'])} are held, {most} at the most"


def _usd(usd: float) -> str:
    """Rounded up, since it is a limit: `$0.0166`."""
    return f"${ceil(round(usd * 10_000, 6)) / 10_000:.4f}"


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

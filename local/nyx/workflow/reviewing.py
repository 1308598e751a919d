"""A decision that a run waits for: shown to a person who is asked, or told as commands for later."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nyx.api import Json
from nyx.errors import BadUsage
from nyx.live import printable
from nyx.workflow.telling import text_lines
from nyxcore.steps.values import JUDGE

OUT: Final = Path("nyx-out")
"""Where results go that nobody sends elsewhere."""
_SHOWN: Final = 40  # lines of what is to be decided that are shown at once

type Ask = Callable[[str], str]


def on_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def answers_of(step: Json) -> list[Json]:
    """What a person picks from, where the step has several answers; empty for a review."""
    calls = [call for call in step["calls"] if call["label"] != JUDGE]
    return calls if step["type"] != "review" and len(calls) > 1 else []


def ask_here(question: str) -> str:
    """What somebody types on this terminal; the end of the input means later."""
    print(question, end="", flush=True)  # `input` would write it to stderr
    try:
        return input()
    except EOFError:
        return "q"


def decide(step: Json, title: str, ask: Ask = ask_here) -> Json | None:
    """Show what is to be decided and ask until it is; the body of the decision, None for later."""
    answers = answers_of(step)
    text = step["output"] or ""
    _show(title, step["key"], text)
    while True:
        picks = f"1–{len(answers)} pick an answer · " if answers else "a approve · "
        reply = ask(f"{picks}e edit · r reject · v view all · q decide later: ").strip().lower()
        if answers and reply.isdigit() and 1 <= int(reply) <= len(answers):
            return {"decision": "approve", "alternative": int(reply)}
        if not answers and reply in {"a", "approve"}:
            return {"decision": "approve"}
        if reply in {"r", "reject"}:
            return {"decision": "reject"}
        if reply in {"q", "later"}:
            return None
        if reply in {"v", "view"}:
            print("\n".join(text_lines(text)))
        elif reply in {"e", "edit"}:
            edited = _edited(step["key"], text)
            if edited is not None:
                return {"decision": "edit", "content": edited}
        else:
            print(f"There is no answer {reply!r}." if reply else "Nothing is decided by an empty answer.")


def pick(step: Json, ask: Ask = ask_here) -> int:
    """Ask which of the step's answers is approved, counted from 1. Raises BadUsage where none is."""
    answers = answers_of(step)
    for number, answer in enumerate(answers, start=1):
        print(f"── {number}. {printable(answer['label'])} ──")
        print("\n".join(text_lines(answer["output"] or "")))
    while True:
        reply = ask(f"1–{len(answers)} pick an answer · q decide later: ").strip().lower()
        if reply.isdigit() and 1 <= int(reply) <= len(answers):
            return int(reply)
        if reply in {"q", "later"}:
            raise BadUsage("Nothing was decided. Say which answer is approved with --alternative NUMBER.")
        print(f"There is no answer {reply!r}.")


def commands(program: str, run_id: str, step: Json, file: Path) -> list[str]:
    """The commands that decide later, to be copied; `file` is where the results put what is to be decided."""
    start = f"{program} workflow decide {run_id} {step['key']}"
    out = "" if file.parent == OUT else f" --out {shlex.quote(str(file.parent))}"
    answers = answers_of(step)
    approve = [
        f"{start} approve --alternative {number}{out}    # {printable(answer['label'])}"
        for number, answer in enumerate(answers, start=1)
    ] or [f"{start} approve{out}"]
    edit = f"{start} edit {shlex.quote(str(file))}{out}    # once you have changed it"
    return [*approve, edit, f"{start} reject{out}"]


def _show(title: str, key: str, text: str) -> None:
    lines = list(text_lines(text))
    print(f"\n── To be decided: {printable(title)} ({key}) ──")
    print("\n".join(lines[:_SHOWN]))
    if len(lines) > _SHOWN:
        print(f"  … {len(lines) - _SHOWN} more lines; v shows all")
    print()


def _edited(key: str, text: str) -> str | None:
    """The text as the user's editor leaves it; None where nothing was changed or no editor could be run."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="nyx-") as folder:
        file = Path(folder) / f"{key}.md"
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)
            edited = file.read_text(encoding="utf-8")
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            print(f"The editor {editor!r} could not be used: {error}. Set EDITOR to another one.")
            return None
    if edited == text:
        print("Nothing was changed.")
        return None
    return edited

"""What a person sees while a workflow runs: a line for each step that ends, and which ones are going on."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, Final, TextIO

from nyx.live import colourful, printable

_SAID: Final = {
    "succeeded": ("✓", "done"),
    "skipped": ("-", "skipped"),
    "failed": ("✗", "failed"),
    "waiting": ("?", "waits for a decision"),
}


class Steps:
    """Follows one run of a workflow; `pause` gives the terminal back, so that somebody can be asked."""

    def __init__(
        self, out: TextIO, titles: Mapping[str, str], states: Mapping[str, str], *, silent: bool = False
    ) -> None:
        self._out, self._titles, self._silent = out, titles, silent
        self._states = dict(states)
        self._bar: Any = None
        self._cost = ""

    def event(self, type_: str, data: Mapping[str, Any]) -> None:
        """One event of the run's stream (design, section 6)."""
        if type_ == "step":
            self._step(str(data["key"]), str(data["status"]))
        elif type_ == "usage" and data["tokens"]:
            self._cost = f"{data['tokens']:,} tokens, ${data['usd']:.4f}"
        elif type_ == "log":
            self._write(f"{data['level']}: {printable(data['message'])}")
        self._refresh()

    def note(self, text: str) -> None:
        """Something about the command itself, such as a reconnect."""
        self._write(text)

    def pause(self) -> None:
        """Leave the terminal to somebody else until the next event."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def close(self) -> None:
        """The run is over, or the command gives up."""
        self.pause()

    def _step(self, key: str, status: str) -> None:
        if self._states.get(key) == status:
            return
        self._states[key] = status
        title = self._titles.get(key, key)
        if status in _SAID:
            sign, words = _SAID[status]
            self._write(f"  {sign} {title}: {words}" if status != "succeeded" else f"  {sign} {title}")
        elif status == "running" and not self._lively:
            self._write(f"  … {title}")

    @property
    def _lively(self) -> bool:
        return not self._silent and colourful(self._out)

    def _write(self, line: str) -> None:
        if self._silent:
            return
        self.pause()
        self._out.write(textwrap.shorten(printable(line).lstrip(), 100, placeholder=" …") + "\n")
        self._out.flush()

    def _refresh(self) -> None:
        """The line at the bottom: how far it is, and what is going on."""
        running = [self._titles.get(key, key) for key, status in self._states.items() if status == "running"]
        if not self._lively or not running:
            return
        ended = sum(status in {"succeeded", "skipped", "failed"} for status in self._states.values())
        rest = f" and {len(running) - 2} more" if len(running) > 2 else ""
        cost = f" · {self._cost}" if self._cost else ""
        text = f"{ended} of {len(self._titles)} steps · {', '.join(running[:2])}{rest}{cost}"
        if self._bar is None:
            from rich.console import Console

            self._bar = Console(file=self._out, highlight=False).status("")
            self._bar.start()
        from rich.text import Text

        self._bar.update(Text(text, overflow="ellipsis", no_wrap=True))

"""What a person sees while a run goes on: bars on a terminal, plain lines elsewhere, nothing with --json."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TextIO

PHASES = {
    "fetching": "Reading the files",
    "scanning": "Sorting them",
    "detecting": "Looking for problems",
    "fixing": "Making fixes, each checked alone",
    "verifying": "Checking them all together",
    "reporting": "Writing the report",
}
FIRST_FINDINGS = 5
SEVERITY_STYLE = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}


class View(Protocol):
    """Follows one run."""

    def event(self, type_: str, data: Mapping[str, Any]) -> None:
        """One event of the run's stream (design, section 6)."""

    def note(self, text: str) -> None:
        """Something about the command itself, such as a reconnect."""

    def close(self) -> None:
        """The run is over, or the command gives up: leave the terminal tidy."""


class Silent:
    """Shows nothing."""

    def event(self, type_: str, data: Mapping[str, Any]) -> None:
        """See `View`."""

    def note(self, text: str) -> None:
        """See `View`."""

    def close(self) -> None:
        """See `View`."""


class Plain:
    """Lines, one a phase and one a tenth of the way: for logs, pipes and NO_COLOR."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._phase = ""
        self._tenth = 0
        self._shown = 0

    def event(self, type_: str, data: Mapping[str, Any]) -> None:
        """See `View`."""
        if type_ == "snapshot":
            if data.get("phase"):
                self._enter(str(data["phase"]))
        elif type_ == "phase":
            self._enter(str(data["phase"]))
        elif type_ == "progress" and data.get("total"):
            tenth = 10 * int(data["done"]) // int(data["total"])
            if tenth > self._tenth:
                self._tenth = tenth
                self._write(f"  {int(data['done']):,} of {int(data['total']):,} {data['unit']}")
        elif type_ == "findings":
            for finding in gravest_first(data["items"]):
                if self._shown < FIRST_FINDINGS:
                    self._shown += 1
                    self._write(f"  found: {describe(finding)}")
        elif type_ == "log":
            self._write(f"  {data['level']}: {printable(data['message'])}")

    def note(self, text: str) -> None:
        """See `View`."""
        self._write(text)

    def close(self) -> None:
        """See `View`."""

    def _enter(self, phase: str) -> None:
        if phase != self._phase:
            self._phase, self._tenth = phase, 0
            self._write(f"{PHASES.get(phase, phase)} …")

    def _write(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


class Bars:
    """A bar a phase with counts and the time left, the first findings above them."""

    def __init__(self, out: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

        self._console = Console(file=out, highlight=False)
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[counts]}", justify="right"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=self._console,
        )
        self._tasks: dict[str, Any] = {}
        self._phase = ""
        self._shown = 0
        self._progress.start()

    def event(self, type_: str, data: Mapping[str, Any]) -> None:
        """See `View`."""
        if type_ in {"snapshot", "phase"} and data.get("phase"):
            self._enter(str(data["phase"]))
        elif type_ == "progress" and self._phase:
            done, total = int(data["done"]), int(data["total"])
            counts = f"{done:,}/{total:,} {data['unit']}" if total else ""
            self._progress.update(
                self._tasks[self._phase], completed=done, total=max(total, 1), counts=counts
            )
        elif type_ == "findings":
            self._findings(data["items"])
        elif type_ == "done" and data["run"]["status"] == "succeeded":
            self._complete()
        elif type_ == "log":
            self._print((f"{data['level']}: ", "dim"), (printable(data["message"]), ""))

    def note(self, text: str) -> None:
        """See `View`."""
        self._print((text, "dim"))

    def close(self) -> None:
        """See `View`."""
        self._progress.stop()

    def _findings(self, items: list[Mapping[str, Any]]) -> None:
        for finding in gravest_first(items):
            if self._shown == FIRST_FINDINGS:
                return
            self._shown += 1
            severity = str(finding["severity"])
            self._print(
                ("found ", "dim"),
                (f"{severity} ", SEVERITY_STYLE.get(severity, "")),
                (f"{place(finding)} ", "bold"),
                (printable(finding["message"]), ""),
            )

    def _print(self, *parts: tuple[str, str]) -> None:
        """One line above the bars, cut where the terminal ends; nothing in it is taken for markup."""
        from rich.text import Text

        self._console.print(Text.assemble(*parts), overflow="ellipsis", no_wrap=True)

    def _enter(self, phase: str) -> None:
        if phase == self._phase:
            return
        self._complete()
        self._phase = phase
        self._tasks[phase] = self._progress.add_task(PHASES.get(phase, phase), total=None, counts="")

    def _complete(self) -> None:
        if self._phase:
            task = self._progress.tasks[self._tasks[self._phase]]
            total = task.total or 1
            self._progress.update(task.id, total=total, completed=total)


def gravest_first(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The findings of one event, critical before low, else in their order."""
    order = list(SEVERITY_STYLE)
    return sorted(findings, key=lambda finding: order.index(finding["severity"]))


def describe(finding: Mapping[str, Any]) -> str:
    """One line about a finding."""
    return f"{finding['severity']} {place(finding)} {printable(finding['message'])}"


def place(finding: Mapping[str, Any]) -> str:
    """`file:line` of a finding."""
    return printable(f"{finding['file']}:{finding['startLine']}")


def printable(text: object) -> str:
    """`text` with every control character made visible: a repository must not drive the reader's terminal."""
    return "".join(c if c.isprintable() else "\t" if c == "\t" else f"\\x{ord(c):02x}" for c in str(text))


def view_for(out: TextIO, *, json_output: bool) -> View:
    """Bars on a terminal that takes colour, lines elsewhere, nothing with `--json`."""
    if json_output:
        return Silent()
    if colourful(out):
        return Bars(out)
    return Plain(out)


def colourful(out: TextIO) -> bool:
    """Whether `out` is a terminal and nobody asked for no colour (no-color.org)."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

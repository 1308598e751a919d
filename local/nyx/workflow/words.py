"""The command line of `nyx workflow`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nyx.command_line import Parser
from nyx.workflow.reviewing import OUT

_FILE: Final = "a file of YAML or JSON, `-` for stdin, the name of a template"
_KEPT: Final = f"{_FILE}, the name or id of a workflow that was run before, or team:NAME"

type Add = Callable[[str, str], argparse.ArgumentParser]


def parser() -> Parser:
    """The commands and their options; `command` is which one was given."""
    whole = Parser(prog="nyx workflow", description="Check, preview and run pipelines of prompts.")
    commands = whole.add_subparsers(
        dest="command", required=True, metavar="list|show|lint|preview|run|decide|export|import"
    )

    def add(name: str, does: str) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = commands.add_parser(name, help=does, description=does)
        command.add_argument(
            "--json", action="store_true", dest="json_output", help="one JSON object on stdout, nothing else"
        )
        return command

    _add_looking(add)
    _add_running(add)
    _add_moving(add)
    return whole


def _add_looking(add: Add) -> None:
    add("list", "the templates that come along, and the workflows that were run before")
    show = add("show", "print a workflow, to start from")
    show.add_argument("file", metavar="NAME", help=_KEPT)
    lint = add("lint", "every flaw with its place, value and the nearest right name; starts nothing")
    lint.add_argument("file", metavar="FILE", help=_FILE)
    _add_input(add("preview", "every prompt as it would be sent, with tokens and cost; no model is called"))


def _add_running(add: Add) -> None:
    running = add("run", "run a workflow, ask where it waits for a person, and write down its outputs")
    _add_input(running)
    running.add_argument("--path", type=Path, metavar="REPOSITORY", help="the folder that analyses look at")
    running.add_argument("--project", metavar="NAME", help="where the run belongs (the folder's name)")
    decide = add("decide", "decide what a run waits for, and follow it on")
    decide.add_argument("run_id", metavar="RUN", help="the run's id")
    decide.add_argument("step", metavar="STEP", help="the step's key")
    decide.add_argument("decision", choices=("approve", "reject", "edit"))
    decide.add_argument(
        "content", nargs="?", metavar="FILE", help="with edit: what shall stand instead, `-` for stdin"
    )
    decide.add_argument(
        "--alternative", type=int, metavar="NUMBER", help="with approve: which of several answers"
    )
    for command in (running, decide):
        command.add_argument(
            "--yes",
            action="store_true",
            help="approve whatever waits without asking; of several answers the first",
        )
        command.add_argument(
            "--out", type=Path, default=OUT, metavar="DIR", help=f"where the outputs go ({OUT})"
        )


def _add_moving(add: Add) -> None:
    export = add("export", "a workflow with its personas as one file")
    export.add_argument("file", metavar="NAME", help="the name or id of a workflow")
    export.add_argument("--out", type=Path, metavar="FILE", help="where it goes (stdout)")
    importing = add("import", "take in a file that export has written, or a workflow without personas")
    importing.add_argument("file", metavar="FILE", help="the file, `-` for stdin")


def _add_input(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help=_KEPT)
    command.add_argument("--input", metavar="TEXT|@FILE|-", help="what `{{input}}` stands for")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="a declared input; VALUE may be @FILE; a list is given by naming it several times",
    )

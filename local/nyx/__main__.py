"""The `nyx` command: finds the module of each command, and turns errors into one sentence and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nyx.errors import BadUsage, exit_code
from nyxcore.errors import NyxError


@dataclass(frozen=True)
class Command:
    """A command: `run(argv)` of its module takes the words after its name and returns the exit code."""

    name: str
    module: str
    does: str


COMMANDS: Final = (
    Command("demo", "nyx.demo", "run the main job on a well-known package"),
    Command("fix", "nyx.fix", "scan a folder, fix what can be fixed and verified, and report"),
    Command("workflow", "nyx.workflow.command", "check, preview and run pipelines of prompts"),
    Command("report", "nyx.report", "list, show or pdf: what earlier runs have reported"),
    Command("dev", "nyx.dev", "the whole stack on this machine, until Ctrl-C"),
    Command("db", "nyx.db", "migrate, status or check: the schema of the database"),
    Command("keys", "nyx.keys", "rotate: a new key for the credentials that are kept encrypted"),
    Command("doctor", "nyx.doctor", "what is missing on this machine, and how to get it"),
)
_INTERRUPTED: Final = 130


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run a command line; returns the exit code (design, section 7)."""
    try:
        if not argv or argv[0] in {"-h", "--help", "help"}:
            print(_usage())
            return 0
        found = next((command for command in COMMANDS if command.name == argv[0]), None)
        if found is None:
            raise BadUsage(f"there is no command {argv[0]!r}; `nyx --help` lists them")
        start: Callable[[Sequence[str]], int] = importlib.import_module(found.module).run
        return start(argv[1:])
    except NyxError as error:
        print(f"nyx: {error.message}", file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        print("nyx: stopped by Ctrl-C.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # `nyx ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _usage() -> str:
    width = max(len(command.name) for command in COMMANDS)
    lines = [f"  {command.name:{width}}  {command.does}" for command in COMMANDS]
    return "\n".join(["usage: nyx COMMAND [...]", "", *lines, "", "`nyx COMMAND --help` tells more."])


if __name__ == "__main__":
    main()

"""`nyx db`: gives the schema command a database, that of the running stack, or the home's own without one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack

from nyx import db_command
from nyx.environment import Shell
from nyx.home import home_folder
from nyx.stack import open_database


def run(argv: Sequence[str]) -> int:
    """Run `nyx db` with the words that follow it; returns the exit code."""
    with ExitStack() as database:

        def owner_url() -> str:
            named = Shell.read().owner_url
            if named is not None:
                return named
            return database.enter_context(open_database(home_folder(), on_status=_say))

        return db_command.run(argv, owner_url)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

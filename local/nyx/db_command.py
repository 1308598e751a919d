"""`nyx db migrate|status|check`: the schema of the embedded database, or of the one NYX_DATABASE_URL names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from nyxcore import clock
from nyxcore.db import catalog, migrate
from nyxcore.errors import DatabaseUnavailable, NyxError
from nyxcore.upgrade import upgrade

_FAILED, _NO_CONNECTION = 1, 2


def run(argv: Sequence[str], owner_url: Callable[[], str]) -> int:
    """Run `nyx db` with the words that follow it; returns the exit code.

    0: done, up to date, or equal. 1: refused or failed, migrations pending, or differences. 2: no connection
    (and, by argparse, bad usage).

    Parameters
    ----------
    argv : for example `["check"]`.
    owner_url : gives the libpq URL of the role `nyx_owner`; called after the words were understood.
    """
    parser = argparse.ArgumentParser(prog="nyx db", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="migrate|status|check")
    actions = {"migrate": _migrate, "status": _status, "check": _check}
    for name, action in actions.items():
        commands.add_parser(name, help=action.__doc__)
    action = actions[parser.parse_args(argv).command]
    try:
        return action(owner_url())
    except DatabaseUnavailable as error:
        print(f"nyx db: {error.message}", file=sys.stderr)
        return _NO_CONNECTION
    except NyxError as error:
        print(f"nyx db: {error.message}", file=sys.stderr)
        return _FAILED


def _migrate(url: str) -> int:
    """bring the schema up to the newest migration, and the built-in personas up to this version"""
    done = upgrade(url)
    for name in done.applied:
        print(f"applied {name}")
    for key in done.personas:
        print(f"persona {key}")
    if not done.applied and not done.personas:
        print("the schema is up to date")
    return 0


def _status(url: str) -> int:
    """list the migrations and which of them are applied"""
    rows = migrate.status(url)
    for row in rows:
        when = f" {clock.rfc3339(row.applied_at)}" if row.applied_at else ""
        print(f"{row.state:8} {row.name}{when}")
    return _FAILED if any(row.state in ("pending", "edited") for row in rows) else 0


def _check(url: str) -> int:
    """compare the live schema with the snapshot; one line for each difference"""
    differences = catalog.check(url)
    for difference in differences:
        print(difference)
    if not differences:
        print("the schema is as the snapshot says")
    return _FAILED if differences else 0

"""`nyx keys rotate`: a new key for what this home keeps encrypted. Everything moves to it; the old one goes later."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nyx.home import Home, home_folder
from nyx.stack import open_database
from nyxcore.credentials import repository, service
from nyxcore.credentials.sealing import FileKeys
from nyxcore.db.connection import Database
from nyxcore.queue.repository import tenants


def run(argv: Sequence[str]) -> int:
    """Run `nyx keys` with the words that follow it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="nyx keys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="rotate")
    commands.add_parser("rotate", help="a new key, and everything under it")
    parser.parse_args(argv)
    root = home_folder()
    with open_database(root, on_status=_say) as owner_url:
        database = Database(owner_url)
        try:
            moved, gone = rotate(database, FileKeys(Home(root).key("credentials")))
        finally:
            database.close()
    print(
        f"{moved} credentials moved to a new key; {len(gone)} old keys removed; the last one stays for a day"
    )
    return 0


def rotate(database: Database, keys: FileKeys) -> tuple[int, list[str]]:
    """How many secrets moved to a new key, and the ids of the keys that went.

    A running stack reads on meanwhile: an old key goes once every tenant's secrets have left it and it has been out of
    use for a day; so the key that is replaced now goes with a later rotation.
    """
    keys.add()
    moved, used = 0, set[str]()
    with database.tenantless() as connection:
        tenant_ids = tenants(connection)
    for tenant_id in tenant_ids:
        with database.transaction(tenant_id) as connection:
            used |= repository.keys_in_use(
                connection, tenant_id
            )  # to this moment, and for calls prepared with it
            moved += service.rotate(connection, tenant_id, keys)
            used |= repository.keys_in_use(connection, tenant_id)
    return moved, keys.forget(used)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

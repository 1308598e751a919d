"""`nyx dev`: the whole stack on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from nyx.errors import StackStopped, exit_code
from nyx.home import home_folder
from nyx.ports import DEFAULT
from nyx.stack import Stack, open_stack
from nyxcore.errors import NyxError


def run(argv: Sequence[str]) -> int:
    """Run `nyx dev` with the words that follow it; returns the exit code: 0 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="nyx dev", description=__doc__)
    parser.add_argument("--port", type=int, help=f"port of API, stream and docs ({DEFAULT}, or a free one)")
    parser.add_argument(
        "--json", action="store_true", help="one line of JSON on stdout when ready; logs on stderr"
    )
    options = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    say = _to_stderr if options.json else _to_stdout
    try:
        _serve(options.port, say, as_json=options.json)
    except KeyboardInterrupt:
        say("Stopped.")
    except NyxError as error:
        _to_stderr(f"nyx dev: {error.message}")
        return exit_code(error)
    return 0


def _serve(port: int | None, say: Callable[[str], None], *, as_json: bool) -> None:
    """Serve; take over, on the same port, from a command that this one had joined and that has ended."""
    near, told = DEFAULT, False
    home = home_folder()
    while True:
        try:
            with open_stack(home, on_status=say, port=port, near=near, guest=False) as stack:
                _warn(stack, near if port is None else None, say)
                if not as_json:
                    print(_welcome(stack, home), flush=True)
                elif not told:
                    print(_line(stack), flush=True)
                told = True
                near = urlsplit(stack.url).port or near
                stack.wait()
        except StackStopped:
            say("The command that held the stack has ended; starting it here.")
            port = None


def _warn(stack: Stack, wished: int | None, say: Callable[[str], None]) -> None:
    found = urlsplit(stack.url).port
    if stack.joined:
        say(f"Another nyx command already runs the stack of this folder, at {stack.url}; joined it.")
    elif wished not in {None, found}:
        say(f"Port {wished} is in use by another program; took {found}. `--port` chooses one.")


def _line(stack: Stack) -> str:
    return json.dumps(
        {
            "url": stack.url,
            "token": stack.token,
            "tenantId": stack.tenant_id,
            "databaseUrl": stack.database_url,
        }
    )


def _welcome(stack: Stack, home: Path) -> str:
    return f"""
  State   {home}
  API     {stack.url}/api/v1
  Docs    {stack.url}/api/v1/docs
  Tenant  {stack.tenant_id}
  Token   {stack.token}

  Try     curl -H 'Authorization: Bearer {stack.token}' {stack.url}/api/v1/projects

  Ctrl-C stops everything; the state stays."""


def _to_stdout(line: str) -> None:
    print(line, flush=True)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

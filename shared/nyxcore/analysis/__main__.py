"""Entry of the engine's process: `python -m nyxcore.analysis`, one request on standard input, then the job.

Standard output carries JSON lines: {"progress": …}, and at the end {"done": true} or {"failed": why}.
Nothing that a repository or a tool has written goes into a failure.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from nyxcore.analysis.combining import Combination
from nyxcore.analysis.detecting import Detection
from nyxcore.analysis.errors import EngineError
from nyxcore.analysis.job import Emit, Job
from nyxcore.analysis.models import Options, SourceFile
from nyxcore.analysis.project import ProjectSettings
from nyxcore.analysis.scanner import Scanner
from nyxcore.analysis.tool_process import Tools
from nyxcore.analysis.verifying import Verification

_CPU_SECONDS = 800
_ADDRESS_SPACE = 2 << 30
_LARGEST_FILE = 1 << 30

_FAILURES = {errno.ENOENT: "tool", errno.EACCES: "tool", errno.ENOMEM: "memory", errno.ENOSPC: "space"}

_PACKAGE = Path(__file__).parent

Request = Mapping[str, object]


def main() -> int:
    """Read the request, run its job, and say how it ended."""
    _limit()
    request: Request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, args=(str(request["work"]),), daemon=True).start()
    try:
        run(request, lambda message: _write({"progress": message}))
    except EngineError as error:
        _write({"failed": error.failure, "where": _where(error)})
    except MemoryError:
        _write({"failed": "memory"})
    except OSError as error:
        _write({"failed": _FAILURES.get(error.errno or 0, "internal"), "where": _where(error)})
    except Exception as error:  # noqa: BLE001 - its words may hold a piece of the repository: only the place is told
        _write({"failed": "internal", "where": _where(error)})
    else:
        _write({"done": True})
        return 0
    return 1


def _where(error: Exception) -> str:
    """Kind of the error, the last place of ours that it came through, and the place where it arose."""
    places = traceback.extract_tb(error.__traceback__)
    own = [place for place in places if Path(place.filename).parent == _PACKAGE]
    named = dict.fromkeys(
        f"{Path(place.filename).name}:{place.lineno}" for place in (*own[-1:], *places[-1:])
    )
    return f"{type(error).__name__} at {' in '.join(reversed(list(named)))}"


def _limit() -> None:
    """Limits for this process, inherited by the tools that it starts."""
    limits = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, _LARGEST_FILE),
        (resource.RLIMIT_AS, _ADDRESS_SPACE),
    )
    for kind, value in limits:
        # A system may refuse one of them (macOS has no limit on address space); the others still hold.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def _end_with_parent(work: str) -> None:
    """When the parent is gone, its end of the pipe closes: clean up, and end this process and its tools."""
    sys.stdin.buffer.read()
    shutil.rmtree(Path(work).parent, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _write(message: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(message, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def run(request: Request, emit: Emit) -> None:
    """Run the job that the request names; EngineError when it cannot go on."""
    jobs: dict[str, Callable[[Job, Request], None]] = {
        "detect": _detect,
        "verify": _verify,
        "combine": _combine,
    }
    settings = ProjectSettings.from_json(cast("Mapping[str, object]", request["settings"]))
    categories = cast("list[str] | None", request["categories"])
    git = request["git"]
    tools = Tools(str(request["ruff"]), str(request["astGrep"]), None if git is None else str(git))
    work = Path(str(request["work"]))
    job = Job(
        root=Path(str(request["root"])),
        work=work,
        settings=settings,
        options=Options(bool(request["unsafe"]), None if categories is None else tuple(categories)),
        rules=str(request["rules"]),
        tools=tools,
        scanner=Scanner(tools, settings, work),
        emit=emit,
    )
    jobs[str(request["job"])](job, request)


def _detect(job: Job, request: Request) -> None:
    with Path(str(request["files"])).open(encoding="utf-8") as manifest:
        files = [SourceFile(**json.loads(line)) for line in manifest]
    Detection(job, _paths(request["known"])).run(
        files, Path(str(request["out"])), Path(str(request["words"]))
    )


def _verify(job: Job, request: Request) -> None:
    [detected] = _paths(request["detected"])
    Verification(job, _paths(request["known"])).run(detected, Path(str(request["out"])))


def _combine(job: Job, request: Request) -> None:
    known = [(Path(outcome), Path(patch)) for outcome, patch in cast("list[list[str]]", request["known"])]
    Combination(job, known).run(
        _paths(request["detected"]),
        _paths(request["verified"]),
        _paths(request["words"]),
        Path(str(request["out"])),
        Path(str(request["patch"])),
    )


def _paths(value: object) -> list[Path]:
    return [Path(path) for path in cast("list[str]", value)]


if __name__ == "__main__":
    sys.exit(main())

"""The analysis engine as the rest of the project uses it: three jobs, each in a process of its own.

A repository may be hostile to whatever parses it. So it is parsed in a subprocess that has no environment
(no credentials), limits on time and memory, and its own process group, which is killed whole when the job
ends, fails, or is abandoned by an exception out of `on_progress`. The files that the jobs read and write
are described in `protocol`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from nyxcore.analysis.engine_process import run_engine
from nyxcore.analysis.models import LANGUAGES, Options, Progress, SourceFile
from nyxcore.analysis.project import ProjectSettings
from nyxcore.analysis.protocol import rows
from nyxcore.errors import InvalidInput, ToolFailed

__all__ = [
    "Options",
    "Progress",
    "ProjectSettings",
    "SourceFile",
    "combine",
    "detect",
    "outcome_rows",
    "rules_fingerprint",
    "verify",
]

OnProgress = Callable[[Progress], None]


@cache
def rules_fingerprint() -> str:
    """A digest of rule tables, tools and this engine: the same value means the same results.

    It covers every file of this package, the versions of ruff and ast-grep, and the version of Python,
    whose compiler checks the outcome.
    """
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    package = Path(__file__).resolve().parent
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".toml", ".yml"):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    for name in ("ruff", "ast-grep"):
        asked = subprocess.run(
            [_program(name), "--version"], capture_output=True, env={}, timeout=60, check=False
        )
        digest.update(asked.stdout)
    return digest.hexdigest()


def detect(
    root: Path,
    *,
    files: Iterable[SourceFile],
    settings: ProjectSettings,
    options: Options,
    out: Path,
    words: Path,
    known: Sequence[Path] = (),
    on_progress: OnProgress,
) -> None:
    """Scan the files of one pack, and note the words of each.

    Parameters
    ----------
    root : folder with the files at their paths; nothing in it is changed.
    files : what to scan, and, as language "reference", what to read for its words alone.
    options : decide which findings are passed to `on_progress`; the records hold those of every category.
    out : gets one record a scanned file (`DetectedRow`), JSON lines.
    words : gets one record a file (`WordsRow`), JSON lines.
    known : `out` and `words` of earlier runs, in any order; files with the same path and hash are not scanned
        again, provided that rules and settings are the same.
    on_progress : called at least twice a second; what it raises ends the job and is raised here.

    Raises
    ------
    ToolFailed : the job crashed, or ran out of time or memory, or a file is not what `files` says.
    InvalidInput : a language that there is none of, or a path that leads out of the root.
    """
    listed = [_checked(file) for file in files]
    request = _request("detect", root, settings, options)
    request |= {"out": str(out), "words": str(words), "known": _texts(known)}
    run_engine(request, listed, [out, words], on_progress)


def verify(
    root: Path,
    *,
    detected: Path,
    settings: ProjectSettings,
    options: Options,
    out: Path,
    known: Sequence[Path] = (),
    on_progress: OnProgress,
) -> None:
    """Judge every fix of one pack by itself.

    The verdict on a fix depends on its file alone, so that it can be kept; the guard, which looks at the
    whole tree, belongs to `combine`.

    Parameters
    ----------
    detected : what `detect` wrote for this pack, under the same settings.
    out : gets one record a file with fixes (`VerifiedRow`), JSON lines.
    known : `out` of earlier runs; unchanged files are taken over if rules, settings and options are the same.
    root, settings, options, on_progress : as for `detect`, and so are the errors.
    """
    request = _request("verify", root, settings, options)
    request |= {"detected": [str(detected)], "out": str(out), "known": _texts(known)}
    run_engine(request, [], [out], on_progress)


def combine(
    root: Path,
    *,
    detected: Sequence[Path],
    verified: Sequence[Path],
    tree_words: Sequence[Path],
    settings: ProjectSettings,
    options: Options,
    out: Path,
    patch: Path,
    known: Sequence[tuple[Path, Path]] = (),
    on_progress: OnProgress,
) -> None:
    """Put the fixes of the whole tree together, check the result, and write outcome and patch.

    Parameters
    ----------
    root : the whole tree (files without findings may be missing).
    detected, verified, tree_words : what the other two jobs wrote, one of each a pack, in the same order of
        packs.
    out : gets the outcome, JSON lines; read it with `outcome_rows`.
    patch : gets the patch from pristine to combined, for `git apply`; empty when nothing is fixed.
    known : (`out`, `patch`) of earlier runs; one whose inputs were the very same is copied.
    settings, options, on_progress : as for `detect`, and so are the errors.
    """
    request = _request("combine", root, settings, options)
    request |= {
        "detected": _texts(detected),
        "verified": _texts(verified),
        "words": _texts(tree_words),
        "out": str(out),
        "patch": str(patch),
        "known": [_texts(pair) for pair in known],
    }
    run_engine(request, [], [out, patch], on_progress)


def outcome_rows(path: Path) -> Iterator[dict[str, object]]:
    """The rows of an outcome, one at a time.

    Each has one member: `finding` ({key, file, startLine, endLine, rule, category, severity, title, message,
    source, fingerprint, state, reason, fix}), `fix` ({key, file, findings, edits, baseSha256, diff,
    explanation, safe, needs, evidence}), `skipped` ({file, reason}) or, at the end, `summary` (counts).
    A file's findings come before its fixes, and a fix after those that it needs in its file.
    """
    return rows([path], "outcome")


def _request(job: str, root: Path, settings: ProjectSettings, options: Options) -> dict[str, object]:
    return {
        "job": job,
        "root": str(root.resolve()),
        "settings": settings.to_json(),
        "unsafe": options.unsafe,
        "categories": None if options.categories is None else sorted(options.categories),
        "rules": rules_fingerprint(),
        "ruff": _program("ruff"),
        "astGrep": _program("ast-grep"),
        "git": shutil.which("git"),
    }


def _checked(file: SourceFile) -> SourceFile:
    if file.language not in LANGUAGES:
        raise InvalidInput(
            f"{file.language!r} is no language of a source file; use one of {sorted(LANGUAGES)}."
        )
    parts = file.path.split("/")
    if "" in parts or "." in parts or ".." in parts or "\0" in file.path:
        raise InvalidInput(
            f"{json.dumps(file.path)} is no path below a root; give it relative and normalised."
        )
    return file


def _texts(paths: Iterable[Path]) -> list[str]:
    return [str(path.resolve()) for path in paths]


@cache
def _program(name: str) -> str:
    """The tool that was installed beside this Python, else the one on the PATH."""
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / name).is_file():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        raise ToolFailed(f"{name} is not installed; install the project's requirements again.")
    return found

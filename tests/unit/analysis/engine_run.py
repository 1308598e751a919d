"""Runs the engine over small trees, as the pipeline does: packs, three jobs, one outcome."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nyxcore.analysis import service
from nyxcore.analysis.models import Options, Progress, SourceFile
from nyxcore.analysis.project import SETTINGS_FILES, ProjectSettings, read_settings

_LANGUAGES = {
    ".py": "python",
    ".pyi": "python",
    ".js": "javascript",
    ".jsx": "jsx",
    ".ts": "typescript",
    ".tsx": "tsx",
}


@dataclass
class Outcome:
    """One run: its files, and the outcome by kind."""

    tree: Path
    folder: Path
    packs: int
    progress: list[Progress] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    fixes: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)

    def paths(self, name: str) -> list[Path]:
        return [self.folder / f"{name}-{pack}" for pack in range(self.packs)]

    @property
    def patch(self) -> bytes:
        return (self.folder / "patch").read_bytes()

    def of(self, file: str, rule: str) -> list[dict[str, Any]]:
        return [one for one in self.findings if one["file"] == file and one["rule"] == rule]

    def states(self) -> dict[tuple[str, str], set[str]]:
        """State(s) by file and rule."""
        found: dict[tuple[str, str], set[str]] = {}
        for one in self.findings:
            found.setdefault((one["file"], one["rule"]), set()).add(one["state"])
        return found

    def patched(self, target: Path) -> Path:
        """A copy of the tree to which git has applied the patch."""
        shutil.copytree(self.tree, target)
        if self.patch:
            git_apply(self.folder / "patch", target)
        return target


def git_apply(patch: Path, tree: Path) -> None:
    done = subprocess.run(
        ["git", "apply", os.fspath(patch)],
        cwd=tree,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": os.fspath(tree.parent)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def write_tree(root: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    root.mkdir(exist_ok=True)
    return root


def manifest(root: Path) -> list[SourceFile]:
    return [
        SourceFile(
            path.relative_to(root).as_posix(),
            hashlib.sha256(path.read_bytes()).hexdigest(),
            _LANGUAGES.get(path.suffix, "reference"),
        )
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]


def settings_of(root: Path) -> ProjectSettings:
    return read_settings(
        {name: (root / name).read_bytes() for name in SETTINGS_FILES if (root / name).exists()}
    )


def analyse(
    tree: Path,
    folder: Path,
    *,
    options: Options | None = None,
    known: Outcome | None = None,
    packs: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Run all three jobs over a tree; `known` is an earlier run to build on."""
    folder.mkdir(parents=True, exist_ok=True)
    run = Outcome(tree, folder, packs)
    settings, chosen = settings_of(tree), options or Options()
    listen = on_progress or run.progress.append
    files = manifest(tree)
    before = [] if known is None else [*known.paths("detected"), *known.paths("words")]
    verdicts_before: Sequence[Path] = [] if known is None else known.paths("verified")
    for pack, (detected, words, verified) in enumerate(
        zip(run.paths("detected"), run.paths("words"), run.paths("verified"), strict=True)
    ):
        service.detect(
            tree,
            files=files[pack::packs],
            settings=settings,
            options=chosen,
            out=detected,
            words=words,
            known=before,
            on_progress=listen,
        )
        service.verify(
            tree,
            detected=detected,
            settings=settings,
            options=chosen,
            out=verified,
            known=verdicts_before,
            on_progress=listen,
        )
    service.combine(
        tree,
        detected=run.paths("detected"),
        verified=run.paths("verified"),
        tree_words=run.paths("words"),
        settings=settings,
        options=chosen,
        out=folder / "outcome",
        patch=folder / "patch",
        known=[] if known is None else [(known.folder / "outcome", known.folder / "patch")],
        on_progress=listen,
    )
    for row in service.outcome_rows(folder / "outcome"):
        [(kind, value)] = row.items()
        if kind == "summary":
            run.summary = value  # type: ignore[assignment]
        else:
            {"finding": run.findings, "fix": run.fixes, "skipped": run.skipped}[kind].append(value)  # type: ignore[arg-type]
    return run

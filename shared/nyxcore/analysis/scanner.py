"""Runs ruff and ast-grep over contents, pristine or changed, and gives back what they report on each.

Every content is scanned alone in a folder of ours, never beside the rest of its repository: so a report
depends on nothing but the content, the name and the settings, and can be kept for the next run. ruff judges
by the file's name only when it is a special one (`__init__.py`), which therefore stays.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

from nyxcore.analysis.eslint_comments import not_silenced
from nyxcore.analysis.models import PYTHON, SCRIPT_LANGUAGES
from nyxcore.analysis.project import ProjectSettings
from nyxcore.analysis.reports import Report, ast_grep_report, ruff_report
from nyxcore.analysis.rulebook import Relevance
from nyxcore.analysis.rules import ast_grep_config_dir, python_rules
from nyxcore.analysis.tool_process import ToolProcess, Tools

BATCH_BYTES = 6 << 20
BATCH_FILES = 1_000
_PARTS = 16
_SECONDS_A_BATCH = 60.0
_SUFFIXES = {"javascript": ".js", "jsx": ".jsx", "typescript": ".ts", "tsx": ".tsx"}
_GRAMMARS = ("JavaScript", "TypeScript", "Tsx")


class Document(NamedTuple):
    """A content to scan, under the path whose rules count for it."""

    path: str
    language: str
    content: bytes


Reports = list[Report] | None


class Scanner:
    """Scans documents in batches; one batch runs while the reports on the one before are used.

    Parameters
    ----------
    work : an empty folder for its files.
    """

    def __init__(self, tools: Tools, settings: ProjectSettings, work: Path) -> None:
        self._tools = tools
        self._target = settings.target
        self._says_minimum = settings.minimum is not None
        self._relevance = Relevance(settings)
        self._work = work.resolve()
        self._numbers = count()
        self._config = self._work / "sgconfig.yml"
        self._write_config()

    def scan(self, documents: Iterable[Document]) -> Iterator[Reports]:
        """The reports on each document, in their order; None for one that no tool could get through."""
        running: _Batch | None = None
        for documents_of_batch in _batches(documents):
            started = _Batch(self, documents_of_batch)
            if running is not None:
                yield from running.reports()
            running = started
        if running is not None:
            yield from running.reports()

    def folder(self) -> Path:
        """A new empty folder for one batch."""
        folder = self._work / str(next(self._numbers))
        folder.mkdir()
        return folder

    def ruff(self, folder: Path, names: Sequence[str]) -> ToolProcess:
        """Start ruff on files of a batch."""
        arguments = folder / "ruff.args"
        arguments.write_text("\n".join(names), encoding="utf-8")
        command = [self._tools.ruff, "check", "--isolated", "--no-cache", "--output-format", "json-lines"]
        command += [
            "--exit-zero",
            "--target-version",
            self._target,
            "--select",
            ",".join(sorted(python_rules())),
        ]
        return ToolProcess([*command, f"@{arguments}"], folder, seconds=_SECONDS_A_BATCH)

    def ast_grep(self, folder: Path) -> ToolProcess:
        """Start ast-grep on the scripts of a batch."""
        command = [
            self._tools.ast_grep,
            "scan",
            "-c",
            str(self._config),
            "--json=stream",
            str(folder / "scripts"),
        ]
        return ToolProcess(command, folder, seconds=_SECONDS_A_BATCH)

    def relevant(self, document: Document, reports: list[Report]) -> list[Report]:
        """The reports that count for the document's path, sorted by place."""
        left_out = self._relevance.left_out(document.path)
        kept = [
            report
            for report in reports
            if report.signature.rule not in left_out and (self._says_minimum or not report.is_newer_syntax)
        ]
        kept.sort(key=lambda report: (report.place, report.signature))
        if document.language == PYTHON:
            return kept
        places = [(report.place[0], report.signature.rule) for report in kept]
        return [kept[position] for position in not_silenced(document.content, places)]

    def _write_config(self) -> None:
        own = self._work / "syntax"
        own.mkdir()
        for grammar in _GRAMMARS:
            rule = {
                "id": f"syntax-error-{grammar}",
                "language": grammar,
                "severity": "hint",
                "message": "ERROR",
            }
            (own / f"{grammar}.yml").write_text(
                json.dumps(rule | {"rule": {"kind": "ERROR"}}), encoding="utf-8"
            )
        folders = sorted(str(folder) for folder in ast_grep_config_dir().iterdir() if folder.is_dir())
        self._config.write_text(json.dumps({"ruleDirs": [*folders, str(own)]}), encoding="utf-8")


class _Batch:
    """The documents of one start of each tool."""

    def __init__(self, scanner: Scanner, documents: list[Document]) -> None:
        self._scanner = scanner
        self._documents = documents
        self._folder = scanner.folder()
        (self._folder / "python").mkdir()
        (self._folder / "scripts").mkdir()
        names = [self._write(number, document) for number, document in enumerate(documents)]
        pythons = [
            name for name, document in zip(names, documents, strict=True) if document.language == PYTHON
        ]
        self._ruff = scanner.ruff(self._folder, pythons) if pythons else None
        self._ast_grep = scanner.ast_grep(self._folder) if len(pythons) < len(documents) else None

    def reports(self) -> Iterator[Reports]:
        """Wait for the tools; when one fails, its documents again in smaller batches, down to single ones."""
        found: list[list[Report]] = [[] for _ in self._documents]
        failed = set()
        if self._ruff is not None and not self._collect(self._ruff, (0,), ruff_report, found):
            failed.add(PYTHON)
        if self._ast_grep is not None and not self._collect(self._ast_grep, (0, 1), ast_grep_report, found):
            failed |= SCRIPT_LANGUAGES
        shutil.rmtree(self._folder)
        again = [document for document in self._documents if document.language in failed]
        repeated = self._smaller(again) if again else iter(())
        for document, reports in zip(self._documents, found, strict=True):
            if document.language in failed:
                yield next(repeated)
            else:
                yield self._scanner.relevant(document, reports)

    def _smaller(self, documents: list[Document]) -> Iterator[Reports]:
        if len(documents) == 1:
            yield None
            return
        size = -(-len(documents) // _PARTS)
        for first in range(0, len(documents), size):
            yield from _Batch(self._scanner, documents[first : first + size]).reports()

    def _collect(
        self,
        process: ToolProcess,
        accepted: tuple[int, ...],
        parse: Callable[[bytes], tuple[str, Report] | None],
        found: list[list[Report]],
    ) -> bool:
        output = process.result(accepted=accepted)
        if output is None:
            return False
        prefix = len(str(self._folder)) + 1
        with output:
            for line in output:
                parsed = parse(line)
                if parsed is not None:
                    number = parsed[0][prefix:].split("/", 2)[1].partition(".")[0]
                    found[int(number)].append(parsed[1])
        return True

    def _write(self, number: int, document: Document) -> str:
        """Put a document where the tools find it: python/7.py, python/7/pkg/__init__.py, scripts/7.ts."""
        folder, name = self._place(number, document)
        path = f"{folder}/{name}"
        with open(path, "xb", buffering=0) as file:  # noqa: PTH123 - called for every variant
            file.write(document.content)
        return path

    def _place(self, number: int, document: Document) -> tuple[str, str]:
        if document.language != PYTHON:
            return f"{self._folder}/scripts", f"{number}{_SUFFIXES[document.language]}"
        parent, _, name = document.path.rpartition("/")
        if not name.startswith("__"):
            return f"{self._folder}/python", f"{number}{'.pyi' if name.endswith('.pyi') else '.py'}"
        folder = self._folder / "python" / str(number) / (parent.rpartition("/")[2] or "root")
        folder.mkdir(parents=True)
        return str(folder), name


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document in documents:
        if batch and (size + len(document.content) > BATCH_BYTES or len(batch) >= BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document.content)
    if batch:
        yield batch

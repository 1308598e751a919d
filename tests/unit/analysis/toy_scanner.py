"""A scanner with rules of our own making, to bring about what real rules do only now and then."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from nyxcore.analysis.candidates import candidates_of
from nyxcore.analysis.filestate import FileState
from nyxcore.analysis.judge import Judge, Subject
from nyxcore.analysis.models import Finding, Options
from nyxcore.analysis.reports import Report, RuffFix, Signature, resolve
from nyxcore.analysis.rounds import Settlement
from nyxcore.analysis.scanner import Document, Reports, Scanner
from nyxcore.analysis.words import Mentions, words_of

# Ids of real rules, since findings have to have a category; what they find here is made up.
DEAD, UNUSED, OTHER = "ruff:PIE790", "ruff:F401", "ruff:E711"

Rule = Callable[[str], Iterable[Report]]


def report(
    text: str, rule: str, message: str, found: tuple[int, int], fix: tuple[int, int, str] | None
) -> Report:
    """A report on the characters `found`, with an optional safe fix (start, end, new text)."""

    def place(offset: int) -> dict[str, int]:
        return {
            "row": text.count("\n", 0, offset) + 1,
            "column": offset - (text.rfind("\n", 0, offset) + 1) + 1,
        }

    begin, end = place(found[0]), place(found[1])
    offered = None
    if fix is not None:
        first, last = place(fix[0]), place(fix[1])
        offered = RuffFix(True, ((first["row"], first["column"], last["row"], last["column"], fix[2]),))
    where = (begin["row"], begin["column"], end["row"], end["column"])
    return Report(Signature(rule, message), message, where, offered)


def on_match(rule: str, pattern: str, new: Callable[[re.Match[str]], str | None], message: str = "m") -> Rule:
    """A rule that finds a pattern and offers to replace it; no fix where `new` gives None."""

    def found(text: str) -> Iterator[Report]:
        for match in re.finditer(pattern, text):
            replacement = new(match)
            fix = None if replacement is None else (*match.span(), replacement)
            yield report(text, rule, message, match.span(), fix)

    return found


class ToyScanner(Scanner):
    """Scans with functions of the text; `scans` counts the documents."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules
        self.scans = 0

    def scan(self, documents: Iterable[Document]) -> Iterator[Reports]:
        for document in documents:
            self.scans += 1
            text = document.content.decode()
            found = [one for rule in self._rules for one in rule(text)]
            yield sorted(found, key=lambda one: (one.place, one.signature))

    def findings(self, content: bytes) -> list[Finding]:
        [reports] = self.scan([Document("a.py", "python", content)])
        return resolve(content, reports or [])

    def judged(self, content: bytes, path: str = "a.py") -> Subject:
        findings = self.findings(content)
        subject = Subject(path, "python", content, findings, candidates_of(findings, Options()))
        [done] = Judge(self, Options()).judge([subject])
        return done


def settle(scanner: ToyScanner, files: dict[str, str]) -> dict[str, FileState]:
    """Judge and combine the files of a tree; their states by path."""
    states = []
    for path, text in files.items():
        subject = scanner.judged(text.encode(), path)
        states.append(
            FileState(
                path,
                "python",
                "0" * 64,
                subject.content,
                subject.content,
                list(subject.findings),
                subject.results(),
            )
        )
    mentions = Mentions((path, words_of(text.encode(), "python")) for path, text in files.items())
    Settlement(scanner, Options(), mentions, lambda _: None).settle(states)
    return {state.path: state for state in states}

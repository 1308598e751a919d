"""What was left, and why: places by rule and reason, as many as there is room for, the rest counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nyxcore.findings.models import Finding
from nyxcore.reports.counting import rank, split, state_of
from nyxcore.reports.facts import GRAVE, Facts
from nyxcore.reports.language import Language
from nyxcore.reports.markdown import bullets, code, inline
from nyxcore.reports.sentences import Sentence, in_language

PLACES_SHOWN = 20  # lines of places of one rule with one reason
PLACES_NAMED = 20  # in a sentence
GRAVE_PLACES_SHOWN = 400  # the same for critical and high ones
LINES_SHOWN = 30  # line numbers of one file


class Lines:
    """Room for so many printed lines, handed out until it is used up."""

    WIDTH = 95  # characters in a printed line

    def __init__(self, left: int) -> None:
        self._left = left

    def has(self, text: str) -> bool:
        """Whether there is room for `text`."""
        return self._wanted(text) <= self._left

    def take(self, text: str) -> bool:
        """Whether there is room for `text`; then it is taken."""
        wanted = self._wanted(text)
        if wanted > self._left:
            return False
        self._left -= wanted
        return True

    def _wanted(self, text: str) -> int:
        return sum(1 + len(line) // self.WIDTH for line in text.split("\n"))


@dataclass(frozen=True)
class Group:
    """Open or dismissed findings of one rule that share state and reason."""

    state: str
    reason: str
    findings: Sequence[Finding]
    details: Sequence[str]  # a reason of its own for each finding; empty when they share one to the letter

    @property
    def first(self) -> Finding:
        """One of them, to take rule, title and severity from."""
        return self.findings[0]


def place(finding: Finding) -> str:
    """File and line."""
    return f"{code(finding.file)}:{finding.start_line}"


def groups(findings: Sequence[Finding], language: Language) -> list[Group]:
    """Findings that share rule, severity, state and the sense of their reason; gravest and most frequent first."""
    members: dict[tuple[str, str, str, str], list[tuple[Finding, Sentence]]] = defaultdict(list)
    reasons = {
        reason: in_language(reason, language) if reason else _no_reason(language)
        for reason in {finding.reason for finding in findings}
    }
    for finding in findings:
        reason = reasons[finding.reason]
        members[finding.rule, finding.severity, state_of(finding), reason.name].append((finding, reason))
    found = [_group(state, pairs) for (_, _, state, _), pairs in members.items()]
    return sorted(
        found, key=lambda group: (rank(group.first), -len(group.findings), group.first.rule, group.reason)
    )


def _no_reason(language: Language) -> Sentence:
    text = language("left.no_reason")
    return Sentence("no_reason", text, text)


def _group(state: str, pairs: list[tuple[Finding, Sentence]]) -> Group:
    pairs.sort(key=lambda pair: (pair[0].file, pair[0].start_line))
    texts = [reason.text for _, reason in pairs]
    alike = len(set(texts)) == 1
    return Group(
        state=state,
        reason=texts[0] if alike else pairs[0][1].general,
        findings=[finding for finding, _ in pairs],
        details=[] if alike else texts,
    )


def left_section(facts: Facts, language: Language, room: Lines) -> Iterator[str]:
    """Everything that was not fixed, with its reason; what there is no room for is counted."""
    parts = split(facts.findings)
    found = groups([*parts.open, *parts.dismissed], language)
    if not found:
        return
    yield f"## {language('left.heading')}"
    shown: list[str] = []
    for index, group in enumerate(found):
        block = f"- {_head(group, language)}\n{places(group, language)}"
        if not room.take(block):
            rest = found[index:]
            break
        shown.append(block)
    else:
        rest = []
    yield "\n".join(shown)
    if rest:
        count = sum(len(group.findings) for group in rest)
        rules = len({group.first.rule for group in rest})
        yield language("left.cut", n=count, rules=rules, run=facts.run_id)


def _head(group: Group, language: Language) -> str:
    first = group.first
    return (
        f"**{language(f'severity.{first.severity}')}** {inline(first.title)} — {code(first.rule)},"
        f" {language(f'category.{first.category}')}, {language.number(len(group.findings))}×,"
        f" {language(f'state.{group.state}')}: {inline(group.reason)}"
    )


def places(group: Group, language: Language, indent: str = "  ") -> str:
    """A list of the group's places: lines by file where all say the same, else a line each."""
    most = GRAVE_PLACES_SHOWN if group.first.severity in GRAVE else PLACES_SHOWN
    entries = _entries(group, language)
    items = [text for text, _ in entries[:most]]
    if rest := [findings for _, findings in entries[most:]]:
        count = sum(len(findings) for findings in rest)
        files = len({finding.file for findings in rest for finding in findings})
        items.append(language("left.more", n=count, files=files))
    return bullets(items, indent=indent)


def _entries(group: Group, language: Language) -> list[tuple[str, list[Finding]]]:
    """A line of the list, and the findings that it stands for."""
    messages = {finding.message for finding in group.findings}
    if group.details:
        return [
            (f"{place(finding)} — {inline(finding.message)} → {inline(detail)}", [finding])
            for finding, detail in zip(group.findings, group.details, strict=True)
        ]
    if len(messages) > 1:
        return [(f"{place(finding)} — {inline(finding.message)}", [finding]) for finding in group.findings]
    files: dict[str, list[Finding]] = defaultdict(list)
    for finding in group.findings:
        files[finding.file].append(finding)
    entries = []
    for number, (file, members) in enumerate(files.items()):
        lines = ", ".join(str(finding.start_line) for finding in members[:LINES_SHOWN])
        if len(members) > LINES_SHOWN:
            lines += f" {language('left.more_lines', n=len(members) - LINES_SHOWN)}"
        said = f" — {inline(members[0].message)}" if number == 0 else ""
        entries.append((f"{code(file)}:{lines}{said}", members))
    return entries


def places_named(findings: Sequence[Finding]) -> str:
    """Places for a sentence: the lines of each file, of as many findings as one wants to read there."""
    files: dict[str, list[str]] = defaultdict(list)
    for finding in findings[:PLACES_NAMED]:
        files[finding.file].append(str(finding.start_line))
    named = "; ".join(f"{code(file)}:{', '.join(lines)}" for file, lines in files.items())
    return named + (" …" if len(findings) > PLACES_NAMED else "")

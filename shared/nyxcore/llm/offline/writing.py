"""The offline model's answer as Markdown: what fits the request best of what the prompt holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from nyxcore.llm import tokens
from nyxcore.llm.models import OFFLINE
from nyxcore.llm.offline import comparing
from nyxcore.llm.offline.findings import Found, findings_of
from nyxcore.llm.offline.forms import asked_for, one_for_each, without_source
from nyxcore.llm.offline.phrases import Language, is_own_notice, language_of, more_of, notice, phrase
from nyxcore.llm.offline.quoting import LONGEST_FINDING, cited, quoted
from nyxcore.llm.offline.ranking import about, gives_orders, is_action, is_rule, key_statements, statements_of
from nyxcore.llm.offline.reading import CITED, Block, Reading, Statement, read
from nyxcore.llm.offline.sections import absent, answer_in

_ITEM: Final = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(.+)")
_WRITES_PROMPT: Final = re.compile(
    r"\b(?:write|generate|create|draft|produce|formulate)\b.{0,60}\bprompts?\b|\bimplementation prompt\b"
    r"|\b(?:schreibe?|erzeuge?|erstelle?|formuliere?|generiere?)\b.{0,60}\bprompts?\b|\bimplementierungsprompt",
    re.IGNORECASE | re.DOTALL,
)
_RISKS: Final = re.compile(
    r"risk|risik|vulnerab|schwachstell|problem|issue|finding|befund|bugs?\b|fehler", re.I
)
_STATEMENTS, _ACTIONS, _PER_QUESTION, _PER_SEVERITY, _TASK_SENTENCES, _HEADINGS = 12, 15, 3, 25, 3, 20


def write(system: str, prompt: str, max_tokens: int) -> tuple[str, bool]:
    """The answer, and whether sections had to be left out or shortened to keep to `max_tokens`."""
    reading = read(prompt)
    request = reading.request.text
    language = language_of(request if len(request.split()) > 5 else f"{system}\n{prompt}")
    sections: list[str] = []
    if title := without_source(reading):
        sections = [f"## {quoted(title, 80)}\n\n" + "\n".join(absent(reading, language))]
    elif reading.blocks and (form := asked_for(reading)):
        sections = answer_in(form, reading, language)
    elif reading.blocks and one_for_each(reading):
        sections = _by_heading(reading, language)
    if not sections and reading.blocks and _WRITES_PROMPT.search(request):
        sections = _prompt(reading, language)
    elif not sections and reading.blocks and comparing.is_wanted(request, reading.blocks):
        sections = _comparison(reading, language)
    elif not sections:
        sections = _summary(reading, language)
    remarks = [_left_out(reading, language), _ignored(reading, language)]
    return _within([notice(language), *filter(None, [*sections, *remarks])], max_tokens)


def task_of(reading: Reading) -> list[Statement]:
    """The first sentences of the request, without lines that only introduce what follows them."""
    said = [one for one in reading.request.statements() if not one.item and not one.text.endswith(":")]
    return said[:_TASK_SENTENCES]


def actions_of(statements: Sequence[Statement]) -> list[Statement]:
    """What the material says is to be done."""
    return [statement for statement in statements if is_action(statement.text)][:_ACTIONS]


def _summary(reading: Reading, language: Language) -> list[str]:
    material = reading.material
    statements = statements_of(material)
    found = findings_of(material)
    if not statements and not found:
        return [phrase(language, "empty"), *_absent_before(material, language)]
    others = _others(statements, found)
    actions = actions_of(others) if reading.blocks else []
    # where there is a result, the request that it goes back to is no key statement
    rest = [one for one in others if one not in actions and not (found and _is_asked(one))]
    return [
        _findings(found, language),
        _answers(reading, statements, found, language),
        _list(language, "key", key_statements(rest, reading.request.text, _STATEMENTS)),
        _list(language, "actions", actions),
    ]


def _is_asked(statement: Statement) -> bool:
    return statement.block.partition(".")[0] == "input"


def _absent_before(material: Sequence[Block], language: Language) -> list[str]:
    """What earlier answers were not given, each source once: the reason why there is nothing to go by."""
    own = f"- {phrase(language, 'absent')}: "
    lines = [line for block in material for line in block.lines if line.startswith(own)]
    return ["\n".join(quoted(line) for line in dict.fromkeys(lines))] if lines else []


def _by_heading(reading: Reading, language: Language) -> list[str]:
    """A section for each heading of the material, with what stands below it: what a thing is there, headings tell."""
    below: dict[tuple[str, str], list[Statement]] = {}
    for one in (one for block in reading.blocks for one in block.statements()):
        if one.heading and not gives_orders(one.text):  # short or said before, it belongs to its heading
            below.setdefault((one.block, one.heading), []).append(one)
    kept: dict[str, list[Statement]] = {}
    for (block, heading), said in list(below.items()):
        before = {one.text for one in kept.get(heading, [])}
        if before >= {one.text for one in said}:  # the same text, given twice
            del below[block, heading]
        kept.setdefault(heading, []).extend(said)
    sections = [
        f"## {quoted(heading, 80)}\n\n" + "\n".join(f"- {cited(one)}" for one in said)
        for (_, heading), said in below.items()
    ]
    more = len(sections) - _HEADINGS
    return sections if more < 2 else [*sections[:_HEADINGS], f"> {phrase(language, 'more', count=more)}"]


def _comparison(reading: Reading, language: Language) -> list[str]:
    blocks = comparing.alternatives(reading.blocks)
    result = comparing.compare(reading.request.text, blocks)
    *table, _, reason = comparing.told(result, language)
    best = blocks[result.best]
    return [
        f"## {phrase(language, 'comparison')}\n\n" + "\n".join(table),
        f"## {phrase(language, 'chosen')}: {quoted(best.label, 60) or result.labels[result.best]}\n\n{reason}",
        _list(language, "key", key_statements(statements_of([best]), reading.request.text, 5)),
    ]


def _prompt(reading: Reading, language: Language) -> list[str]:
    """A prompt for whoever implements: goal, facts, tasks, rules, and when it is done."""
    statements = statements_of(reading.blocks)
    found = findings_of(reading.blocks)
    actions = actions_of(statements)
    rules = [one for one in statements if is_rule(one.text) and one not in actions][:10]
    goal = " ".join(quoted(statement.text) for statement in task_of(reading))
    tasks = [f"{quoted(finding.text, LONGEST_FINDING)} ({finding.severity})" for finding in found]
    tasks += [quoted(statement.text) for statement in actions]
    done = [phrase(language, "done_finding")] if found else []
    others = [one for one in _others(statements, found) if one not in actions and one not in rules]
    facts = key_statements(others, goal, _STATEMENTS)
    return [
        f"# {phrase(language, 'goal')}\n\n{goal}",
        _list(language, "context", facts),
        _numbered(language, "tasks", tasks[: _PER_SEVERITY * 2]),
        _list(language, "rules", rules),
        _bullets(language, "done", [*done, phrase(language, "done_tests")]),
    ]


def _findings(found: Sequence[Found], language: Language) -> str:
    if not found:
        return ""
    parts = [f"## {phrase(language, 'findings')}"]
    for severity, group in groupby(found, key=lambda finding: finding.severity):
        items = list(group)
        shown = items if len(items) == _PER_SEVERITY + 1 else items[:_PER_SEVERITY]
        lines = [f"- {quoted(finding.text, LONGEST_FINDING)}" for finding in shown]
        if len(items) > len(lines):
            lines.append(f"- {phrase(language, 'more', count=len(items) - len(lines))}")
        parts.append(f"### {phrase(language, severity)} ({len(items)})\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _others(statements: Sequence[Statement], found: Sequence[Found]) -> list[Statement]:
    """The statements that are no findings."""
    texts = {finding.text for finding in found}
    return [one for one in statements if not any(CITED.sub("", one.text).endswith(text) for text in texts)]


def _answers(
    reading: Reading, statements: Sequence[Statement], found: Sequence[Found], language: Language
) -> str:
    """What is asked point by point (list items, questions), each with the passages that fit it."""
    if not reading.blocks:
        return ""
    points = [match[1].strip() for line in reading.request.lines if (match := _ITEM.fullmatch(line))]
    points += [one.text for one in reading.request.statements() if one.text.endswith("?") and not one.item]
    # a finding answers by its gravity; by its words it would fit "the test that fails" for a file called test
    others = _others(statements, found)
    parts, answered = [], False
    for point in dict.fromkeys(points):
        fitting = about(others, point, _PER_QUESTION)
        if not fitting and _RISKS.search(point):
            fitting = [Statement(one.text, one.block, "", True) for one in found[:_PER_QUESTION]]
        answered = answered or bool(fitting)
        lines = [f"- {cited(statement, heading=True)}" for statement in fitting] or [
            f"- {phrase(language, 'nothing')}"
        ]
        parts.append(f"**{quoted(point, 200)}**\n\n" + "\n".join(lines))
    if parts and not answered:
        return f"> {phrase(language, 'nothing_about')}: {'; '.join(quoted(one, 200) for one in points[:20])}."
    return f"## {phrase(language, 'answers')}\n\n" + "\n\n".join(parts[:20]) if parts else ""


def _left_out(reading: Reading, language: Language) -> str:
    """A line on findings of which the material has no more than their number; nothing where it has all of them."""
    bearing = [block for block in reading.material if findings_of([block])]
    if not bearing or not all(any(map(is_own_notice, block.lines)) for block in bearing):
        return ""
    missing = max(sum(map(more_of, block.lines)) for block in bearing)
    return f"> {phrase(language, 'left_out', count=missing)}" if missing else ""


def _ignored(reading: Reading, language: Language) -> str:
    """A line on sentences that wanted to steer; nothing where there are none."""
    count = sum(gives_orders(one.text) for block in reading.material for one in block.statements())
    return f"> {phrase(language, 'ignored')} ({count})." if count else ""


def _list(language: Language, title: str, statements: Iterable[Statement]) -> str:
    lines = [f"- {cited(statement, heading=True)}" for statement in statements]
    return f"## {phrase(language, title)}\n\n" + "\n".join(lines) if lines else ""


def _bullets(language: Language, title: str, texts: Iterable[str]) -> str:
    return f"## {phrase(language, title)}\n\n" + "\n".join(f"- {text}" for text in texts)


def _numbered(language: Language, title: str, texts: Sequence[str]) -> str:
    lines = [f"{number}. {text}" for number, text in enumerate(texts, start=1)]
    return f"## {phrase(language, title)}\n\n" + "\n".join(lines) if lines else ""


def _within(sections: list[str], max_tokens: int) -> tuple[str, bool]:
    """As many whole sections, then lines, as the limit allows; the notice always."""
    text, cut = sections[0], False
    for section in sections[1:]:
        lines = section.split("\n")
        while lines and tokens.count(f"{text}\n\n" + "\n".join(lines), OFFLINE) > max_tokens:
            lines = lines[: len(lines) * 3 // 4]
            cut = True
        while lines and (not lines[-1].strip() or lines[-1].startswith("#")):
            lines.pop()  # a heading of nothing
        text = f"{text}\n\n" + "\n".join(lines) if lines else text
    return f"{text}\n", cut

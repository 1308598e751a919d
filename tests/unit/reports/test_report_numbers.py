"""No number stands in a report that does not follow from the rows, and nothing that was found goes uncounted."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from report_rows import earlier, facts, finding, fixed

from nyxcore.findings.models import Finding
from nyxcore.reports.facts import CATEGORIES, SEVERITIES, Facts
from nyxcore.reports.kinds.auto_fix import RENDERERS
from nyxcore.reports.language import language_of

FILES = ("a.py", "pkg/b.py", "pkg/sub/c.py", "pkg/sub/deep/d.py", "pkg/sub/deep/er/e.py", "t/f.py")
NOT_SAID = re.compile(
    r"```.*?```|`[^`]*`(:\d+(, \d+)*)?|\d{4}-\d\d-\d\d|^Tools: .*?;|^---\n.*", re.DOTALL | re.MULTILINE
)
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")


@st.composite
def runs(draw: st.DrawFn) -> Facts:
    """A run with up to a hundred findings of a dozen rules, and maybe one before it that shares some of them."""
    rules: dict[int, dict[str, Any]] = {
        n: {
            "rule": f"ruff:R{n}",
            "title": "Title",
            "message": "Message",
            "category": draw(st.sampled_from(CATEGORIES)),
            "severity": draw(st.sampled_from(SEVERITIES)),
        }
        for n in range(draw(st.integers(1, 12)))
    }
    found, fixes = [], []
    states = st.sampled_from(["fixed", "no_fix", "not_a_bug", "failed"])
    chosen = st.tuples(st.sampled_from(sorted(rules)), states, st.sampled_from(FILES))
    for line, (rule, state, file) in enumerate(draw(st.lists(chosen, min_size=1, max_size=100)), start=1000):
        values = rules[rule] | {"file": file, "start_line": line}
        if state == "fixed":
            one, its_fix = fixed(**values)
            fixes.append(its_fix)
        else:
            one = finding(**values, state=state, reason=draw(st.sampled_from(["Because.", None])))
        found.append(one)
    gone = [finding(start_line=line, severity="low") for line in range(draw(st.integers(0, 20))) if line]
    before = earlier(*found[: draw(st.integers(0, len(found)))], *gone) if draw(st.booleans()) else None
    return facts(findings=found, fixes=fixes, files=draw(st.integers(1, 50_000)), earlier=before)


def keys(one: Finding) -> tuple[str, ...]:
    outcome = {"fixed": "fixed", "not_a_bug": "dismissed"}.get(one.state, "open")
    return (one.category, one.severity, one.rule, one.file, outcome, one.state, str(one.reason))


def group_sizes(found: list[Finding]) -> set[int]:
    """How many findings there are of every combination of what they may share."""
    sizes = set()
    width = len(keys(found[0])) if found else 0
    for size in range(width + 1):
        for places in combinations(range(width), size):
            sizes |= set(Counter(tuple(keys(one)[place] for place in places) for one in found).values())
    return sizes


def allowed(run: Facts) -> set[int]:
    """Every count that the rows can give, and the shares of them."""
    found = list(run.findings)
    sizes = group_sizes(found) | {len(run.findings), len(run.fixes), run.files, 0}
    grave = [one for one in found if one.severity in {"critical", "high"}]
    sizes |= group_sizes(grave) | group_sizes([one for one in found if one not in grave])
    security, rest = (
        [one for one in found if (one.category == "security") == is_it] for is_it in (True, False)
    )
    sizes |= group_sizes(security) | group_sizes(rest)
    for part in (found, security, grave, [one for one in found if one.state == "fixed"]):
        sizes |= {len({one.rule for one in part}), len({one.file for one in part})}
    if run.earlier is not None:
        known = set(run.earlier.severities)
        sizes |= group_sizes([one for one in found if one.fingerprint in known])
        sizes |= group_sizes([one for one in found if one.fingerprint not in known])
        gone = known - {one.fingerprint for one in found}
        sizes |= {len(gone), *Counter(run.earlier.severities[print_] for print_ in gone).values()}
        sizes |= {sum(run.earlier.categories[print_] == "security" for print_ in gone)}
    return sizes


def said(text: str) -> list[int | float]:
    """The numbers in what a report says: code, diagrams, dates, lines of places and the footer are left out."""
    plain = NOT_SAID.sub(" ", text)
    plain = re.sub(r"^\d+\. ", "", plain, flags=re.MULTILINE)  # of a numbered list
    return [float(number.replace(",", "")) for number in NUMBER.findall(plain)]


@settings(deadline=None, max_examples=60)
@given(run=runs(), style=st.sampled_from(list(RENDERERS)))
def test_every_number_follows_from_the_rows(run: Facts, style: str) -> None:
    folders = Counter("/".join(one.file.split("/")[:-1][:3]) for one in run.findings)
    counts = allowed(run) | set(folders.values()) | {len(folders)}
    known = counts | {round(100 * part / len(run.findings)) for part in counts if part <= len(run.findings)}
    text = RENDERERS[style](run, language_of("en"))
    cut = {int(number) for number in re.findall(r"(?:[Aa]nd|^-) (\d+) more", text, re.MULTILINE)}
    assert set(said(text)) - known - cut == set()


@settings(deadline=None, max_examples=60)
@given(run=runs(), language=st.sampled_from(["en", "de"]))
def test_the_table_of_rules_counts_every_finding_once(run: Facts, language: str) -> None:
    text = RENDERERS["technical"](run, language_of(language))
    rows = re.findall(r"^\| [^|]+ \| Title \| `ruff:R\d+` \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    found, fixed_, open_ = (sum(int(row[column]) for row in rows) for column in range(3))
    states = Counter(one.state for one in run.findings)
    assert (found, fixed_, open_) == (len(run.findings), states["fixed"], states["no_fix"] + states["failed"])


@settings(deadline=None, max_examples=60)
@given(run=runs(), style=st.sampled_from(["technical", "security"]))
def test_every_open_finding_is_shown_or_counted_as_not_shown(run: Facts, style: str) -> None:
    text = RENDERERS[style](run, language_of("en"))
    start = (
        text.index("## What was left" if style == "technical" else "## Open")
        if "\n## What was left" in text or "\n## Open" in text
        else None
    )
    wanted = [
        one for one in run.findings
        if one.state in {"no_fix", "failed"} or (style == "technical" and one.state == "not_a_bug")
        if style == "technical" or one.category == "security"
    ]  # fmt: skip
    if start is None:
        assert wanted == []
        return
    part = re.split(r"\n## (?!Open|What was left)", text[start:])[0]
    places = [lines.split(", ") for lines in re.findall(r"^ *- `[^`]+`:(\d+(?:, \d+)*)", part, re.MULTILINE)]
    more = sum(map(int, re.findall(r" and (\d+) more", part)))
    assert sum(map(len, places)) + more == len(wanted)


@settings(deadline=None, max_examples=40)
@given(run=runs())
def test_the_bars_of_the_chart_are_the_rows_of_the_table(run: Facts) -> None:
    text = RENDERERS["executive"](run, language_of("en"))
    everything = Counter(one.category for one in run.findings)
    fixed_ = Counter(one.category for one in run.findings if one.state == "fixed")
    names = [name for name in CATEGORIES if everything[name]]
    bars = re.findall(r"^    bar \[(.*)\]$", text, re.MULTILINE)
    expected = [", ".join(str(counts[name]) for name in names) for counts in (everything, fixed_)]
    assert bars == (expected if len(names) > 1 else [])

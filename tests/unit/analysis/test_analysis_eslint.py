"""Comments to ESLint switch off our findings, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_run import analyse, write_tree

from nyxcore.analysis.eslint_comments import not_silenced

EVAL, EMPTY, SELF = "ast-grep:no-eval", "ast-grep:no-empty-catch", "ast-grep:no-same-operands"


def _left(source: str) -> list[str]:
    """The marks that are left: E and C stand for a finding of no-eval and no-empty-catch."""
    places = [(offset, {"E": EVAL, "C": EMPTY}[mark]) for offset, mark in enumerate(source) if mark in "EC"]
    return [source[places[position][0]] for position in not_silenced(source.encode(), places)]


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("// eslint-disable-next-line\nE\nE\n", "E"),
        ("// eslint-disable-next-line no-eval, no-alert -- known\r\nE C\r\n", "C"),
        ("/* eslint-disable-next-line\n  no-eval */\rE\rE", "E"),
        ("{/* eslint-disable-next-line no-eval */}\nE", ""),
        ("E // eslint-disable-line no-eval\nE", "E"),
        ("E /* eslint-disable-line */ C\n", ""),
        ("E\n/* eslint-disable */\nE C\n/* eslint-enable */\nC\n", "EC"),
        ("/* eslint-disable no-eval */\nE C\n/* eslint-enable no-eval */\nE\n", "CE"),
        ("/* eslint-disable */\n/* eslint-enable no-eval */\nE C\n", "E"),
        ("C\n/*eslint no-empty:0*/\n", ""),
        ('E C /* eslint no-empty: ["off", {}], "no-eval": 2 */', "E"),
        ('E /* eslint semi: 2, "security/no-eval": "off" */', ""),
        ("// eslint-disable-next-line no-empty\nC E\n", "E"),
        ("// eslint-disable-next-line @typescript-eslint/no-empty\nC\n", ""),
        ("// eslint-disable-next-line no-evaluation\nE\n", "E"),
        ("// eslint-disable-next-lines\nE\n", "E"),
        ("// eslint-disable\nE\n", "E"),
        ("// eslint-disable-next-line\nx = '\u2028'; E\nE", "E"),
        ("E", "E"),
    ],
)
def test_what_is_left_of_two_findings(source: str, left: str) -> None:
    # Comments are written small here, so that their letters are no marks.
    assert _left(source.encode("ascii", "xmlcharrefreplace").decode()) == list(left)


def test_a_finding_that_is_switched_off_is_neither_reported_nor_fixed(
    tmp_path: Path, in_process: None
) -> None:
    source = "// eslint-disable-next-line no-unneeded-ternary\nconst a = b > 1 ? true : false;\neval(c);\n"
    files = {"a.js": source, "b.ts": source, "c.tsx": "/* eslint-disable */\n" + source}
    run = analyse(write_tree(tmp_path / "tree", files), tmp_path / "out")
    assert sorted((one["file"], one["rule"]) for one in run.findings) == [("a.js", EVAL), ("b.ts", EVAL)]
    assert run.fixes == []


def test_very_many_comments_and_findings_cost_no_time() -> None:
    source = b"/* eslint-disable no-eval */ /* eslint-enable no-alert */ E\n" * 20_000
    places = [(offset, SELF) for offset in range(0, len(source), 60)]
    assert len(not_silenced(source, places)) == len(places)

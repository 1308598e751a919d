"""No fix of a rule in the table leaves a finding of the table that was not there before.

python_examples/ holds bad code for every rule that has a fix. ruff repairs each example with our rules
until nothing changes; what is left is compared with what was there at first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from rule_tools import RuffFinding, ruff_catalogue, ruff_fix, ruff_scan

from nyxcore.analysis.rules import python_rules

# ruff has these fixes, but gives them in preview mode only, which we never use.
FIXED_IN_PREVIEW_ONLY = {"TC010"}


class Example(NamedTuple):
    code: str
    file_name: str
    text: str


class Outcome(NamedTuple):
    text: str
    before: list[RuffFinding]
    after: list[RuffFinding]

    def new_codes(self) -> set[str]:
        return set(Counter(f.code for f in self.after) - Counter(f.code for f in self.before))


def _examples() -> Iterator[Example]:
    for path in sorted((Path(__file__).parent / "python_examples").glob("*.txt")):
        for number, section in enumerate(path.read_text(encoding="utf-8").split("### ")[1:]):
            code, text = section.split("\n", 1)
            yield Example(code, f"{code}_{path.stem.replace('-', '_')}_{number}.py", text)


EXAMPLES = list(_examples())
by_name = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.file_name.removesuffix(".py"))


def _repair(folder: Path, *, unsafe: bool) -> dict[str, Outcome]:
    for example in EXAMPLES:
        (folder / example.file_name).write_text(example.text, encoding="utf-8")
    before = ruff_scan(folder)
    ruff_fix(folder, unsafe=unsafe)
    after = ruff_scan(folder)
    return {
        e.file_name: Outcome(
            (folder / e.file_name).read_text(encoding="utf-8"), before[e.file_name], after[e.file_name]
        )
        for e in EXAMPLES
    }


@pytest.fixture(scope="module")
def with_unsafe_fixes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return _repair(tmp_path_factory.mktemp("unsafe"), unsafe=True)


@pytest.fixture(scope="module")
def with_safe_fixes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return _repair(tmp_path_factory.mktemp("safe"), unsafe=False)


def test_every_rule_with_a_fix_has_an_example() -> None:
    catalogue = ruff_catalogue()
    fixable = {
        code
        for code, rule in python_rules().items()
        if catalogue[code]["fix_availability"] != "None" and rule.fix != "none"
    }
    assert fixable == {example.code for example in EXAMPLES} | FIXED_IN_PREVIEW_ONLY


@by_name
def test_an_example_is_found_and_its_fix_removes_it(
    example: Example, with_unsafe_fixes: dict[str, Outcome]
) -> None:
    outcome = with_unsafe_fixes[example.file_name]
    assert {"safe", "unsafe"} & {f.fix for f in outcome.before if f.code == example.code}
    assert not {"safe", "unsafe"} & {f.fix for f in outcome.after}
    assert outcome.text != example.text


@by_name
def test_nothing_new_is_left_when_all_fixes_are_in(
    example: Example, with_unsafe_fixes: dict[str, Outcome]
) -> None:
    outcome = with_unsafe_fixes[example.file_name]
    assert outcome.new_codes() == set()
    compile(outcome.text, example.file_name, "exec", dont_inherit=True)


@by_name
def test_what_safe_fixes_alone_bring_up_has_a_fix_of_its_own(
    example: Example, with_safe_fixes: dict[str, Outcome]
) -> None:
    outcome = with_safe_fixes[example.file_name]
    new = outcome.new_codes()
    assert [f for f in outcome.after if f.code in new and f.fix != "unsafe"] == []
    compile(outcome.text, example.file_name, "exec", dont_inherit=True)

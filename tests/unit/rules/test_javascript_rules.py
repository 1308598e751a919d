"""Every JavaScript rule finds its bad examples, leaves its good ones alone, and fixes as it says.

javascript_examples/ holds them, one section a rule; each is tried in every language of the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from rule_tools import AstGrepFinding, ast_grep_scan

from nyxcore.analysis.rules import ast_grep_config_dir, ast_grep_rules
from nyxcore.analysis.rules.ast_grep_copies import copies, write_copies
from nyxcore.analysis.rules.tables import COPY_SUFFIXES

CONFIG = ast_grep_config_dir()
LANGUAGES = {"javascript": ".js", "typescript": ".ts", "tsx": ".tsx"}
RULE_FILES = sorted((CONFIG / "javascript").glob("*.yml"))


class Example(NamedTuple):
    rule: str
    language: str
    text: str
    bad: bool
    fixed: str | None
    file_name: str

    @property
    def reported_id(self) -> str:
        return self.rule + COPY_SUFFIXES.get(self.language, "")


def _sections() -> Iterator[tuple[str, bool, str, str | None]]:
    for path in sorted((Path(__file__).parent / "javascript_examples").glob("*.txt")):
        for section in path.read_text(encoding="utf-8").split("### ")[1:]:
            rule, body = section.split("\n", 1)
            parts = re.split(r"(?m)^(bad|fixed|good):\n", body)[1:]
            marked = list(zip(parts[::2], parts[1::2], strict=True))
            for (kind, text), (next_kind, next_text) in zip(marked, [*marked[1:], ("", "")], strict=True):
                if kind != "fixed":
                    yield rule, kind == "bad", text, next_text if next_kind == "fixed" else None


def _examples() -> Iterator[Example]:
    for number, (rule, bad, text, fixed) in enumerate(_sections()):
        for language, suffix in LANGUAGES.items():
            if (CONFIG / language / f"{rule}.yml").exists():
                name = f"{rule}_{'bad' if bad else 'good'}_{number}{suffix}"
                yield Example(rule, language, text, bad, fixed, name)


EXAMPLES = list(_examples())
BAD = pytest.mark.parametrize("example", [e for e in EXAMPLES if e.bad], ids=lambda e: e.file_name)
GOOD = pytest.mark.parametrize("example", [e for e in EXAMPLES if not e.bad], ids=lambda e: e.file_name)
FIXED = pytest.mark.parametrize("example", [e for e in EXAMPLES if e.fixed], ids=lambda e: e.file_name)


def _write(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[AstGrepFinding]]:
    folder = _write(tmp_path_factory.mktemp("bad_and_good"), {e.file_name: e.text for e in EXAMPLES})
    return dict(ast_grep_scan(folder))


@pytest.fixture(scope="module")
def found_after_fix(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[AstGrepFinding]]:
    folder = _write(tmp_path_factory.mktemp("fixed"), {e.file_name: e.fixed for e in EXAMPLES if e.fixed})
    return dict(ast_grep_scan(folder))


@BAD
def test_a_bad_example_is_found_once(example: Example, found: dict[str, list[AstGrepFinding]]) -> None:
    ids = [f.rule_id for f in found.get(example.file_name, [])]
    assert ids.count(example.reported_id) == 1


@GOOD
def test_a_good_example_is_left_alone(example: Example, found: dict[str, list[AstGrepFinding]]) -> None:
    assert example.reported_id not in [f.rule_id for f in found.get(example.file_name, [])]


@FIXED
def test_the_fix_writes_what_the_example_says(
    example: Example, found: dict[str, list[AstGrepFinding]]
) -> None:
    (finding,) = [f for f in found[example.file_name] if f.rule_id == example.reported_id]
    assert finding.replacement is not None
    source = example.text.encode()
    fixed = source[: finding.start] + finding.replacement.encode() + source[finding.end :]
    assert fixed.decode() == example.fixed


@FIXED
def test_the_fixed_code_brings_no_finding_of_any_rule(
    example: Example,
    found: dict[str, list[AstGrepFinding]],
    found_after_fix: dict[str, list[AstGrepFinding]],
) -> None:
    before = {f.rule_id for f in found[example.file_name]} - {example.reported_id}
    assert {f.rule_id for f in found_after_fix.get(example.file_name, [])} <= before


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_a_rule_has_a_bad_and_a_good_example_and_one_of_its_fix(path: Path) -> None:
    mine = [e for e in EXAMPLES if e.rule == path.stem]
    assert {e.bad for e in mine} == {True, False}
    has_fix = re.search(r"(?m)^fix:", path.read_text(encoding="utf-8")) is not None
    assert {e.fixed is not None for e in mine if e.bad} == {has_fix}


def test_there_are_enough_rules_and_the_table_and_the_folder_name_the_same() -> None:
    names = {path.stem for path in RULE_FILES}
    assert len(names) >= 25
    assert {rule.id.removeprefix("ast-grep:") for rule in ast_grep_rules().values()} == names


def test_every_id_that_ast_grep_can_report_has_a_rule() -> None:
    reported = {
        match[1]
        for path in CONFIG.glob("*/*.yml")
        if (match := re.search(r"(?m)^id: (\S+)$", path.read_text(encoding="utf-8")))
    }
    assert reported <= set(ast_grep_rules())
    assert ast_grep_rules()["no-eval.ts"] is ast_grep_rules()["no-eval"]


def test_the_committed_copies_are_what_copying_gives() -> None:
    made = copies(CONFIG)
    committed = {
        path: path.read_text(encoding="utf-8")
        for language in COPY_SUFFIXES
        for path in (CONFIG / language).glob("*.yml")
    }
    assert committed == made


def test_copying_removes_what_has_lost_its_rule(tmp_path: Path) -> None:
    (tmp_path / "javascript").mkdir()
    _write(tmp_path / "javascript", {"a.yml": "id: a\nlanguage: JavaScript\nrule: {pattern: a()}\n"})
    write_copies(tmp_path)
    (tmp_path / "javascript" / "a.yml").unlink()
    write_copies(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.yml")] == []


def test_a_rule_that_does_not_name_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "javascript").mkdir()
    _write(tmp_path / "javascript", {"a.yml": "id: b\nlanguage: JavaScript\n"})
    with pytest.raises(ValueError, match=r"a\.yml has 0 lines `id: a`"):
        copies(tmp_path)


@pytest.mark.parametrize("suffix", ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"])
def test_every_suffix_of_the_languages_is_looked_at(tmp_path: Path, suffix: str) -> None:
    _write(tmp_path, {f"a.{suffix}": "eval(text);\n"})
    (finding,) = ast_grep_scan(tmp_path)[f"a.{suffix}"]
    assert ast_grep_rules()[finding.rule_id].id == "ast-grep:no-eval"


@pytest.mark.parametrize(("pairs", "findings"), [(150, 1), (5_000, 0)])
def test_objects_too_large_to_compare_every_key_with_every_other_are_left_out(
    tmp_path: Path, pairs: int, findings: int
) -> None:
    keys = [*range(pairs - 1), 0]
    _write(tmp_path, {"a.js": "const sizes = {\n" + "".join(f"  k{key}: 1,\n" for key in keys) + "};\n"})
    assert len(ast_grep_scan(tmp_path).get("a.js", [])) == findings

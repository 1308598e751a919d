"""Fixes on offer that are not tried: those that delete comments, and unused imports that are there for a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_run import Outcome, analyse, write_tree

from nyxcore.analysis import candidates
from nyxcore.analysis.comments import script_comment_lost
from nyxcore.analysis.models import Edit, Options
from nyxcore.analysis.rulebook import rules

pytestmark = pytest.mark.usefixtures("in_process")

COMMENT = "The fix on offer would delete a comment."


def _run(tmp_path: Path, source: str, name: str = "a.py") -> Outcome:
    return analyse(
        write_tree(tmp_path / "tree", {name: source}), tmp_path / "out", options=Options(unsafe=True)
    )


def _only(run: Outcome, rule: str) -> dict[str, Any]:
    [finding] = [one for one in run.findings if one["rule"] == rule]
    return finding


LOOP = "def f(xs):\n    for x in xs:{}\n        if x:\n            return True\n    return False\n"
SMALLER = "def f(a, b):\n    if a > b:\n        {}a = b\n    return a\n"
ELSE = "def f(a):\n    if a == 1:\n        print(1)\n    else:{}\n        if a == 2:\n            print(2)\n"


@pytest.mark.parametrize(
    ("rule", "source", "comment"),
    [
        ("ruff:SIM110", LOOP, "  # the first one counts"),
        ("ruff:PLR1730", SMALLER, "# never above b\n        "),
        ("ruff:PLR5501", ELSE, "  # the rest"),
        ("ruff:F841", "def f():\n    x = (\n        1{}\n    )\n", "  # one"),
    ],
)
def test_a_fix_that_deletes_a_comment_is_withheld_and_without_the_comment_it_is_not(
    tmp_path: Path, rule: str, source: str, comment: str
) -> None:
    assert _only(_run(tmp_path / "without", source.format("")), rule)["state"] == "fixed"
    held = _only(_run(tmp_path / "with", source.format(comment)), rule)
    assert (held["state"], held["reason"]) == ("no_fix", COMMENT)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_comment_that_the_fix_writes_again_is_not_lost_and_neither_is_a_hash_in_a_text(
    tmp_path: Path, ends: str
) -> None:
    source = (
        "é = 1\n\n\ndef f(a):\n    if a == '# 1':\n        print(1)\n    else:\n        # ü\n"
        "        if a == '#2':\n            print(2)\n"
    )
    run = _run(tmp_path, source.replace("\n", ends))
    assert _only(run, "ruff:PLR5501")["state"] == "fixed"
    assert "# ü".encode() in (run.patched(tmp_path / "new") / "a.py").read_bytes()


@pytest.mark.parametrize(
    ("comment", "state"),
    [
        ("# noqa: E402", "fixed"),
        ("# pragma: no cover", "fixed"),
        ("# type: ignore[import]", "no_fix"),
        ("# under test", "no_fix"),
        ("# pylint: disable=unused-import", "no_fix"),
        ("# no qa", "no_fix"),
        ("# noqa: F401", None),
    ],
)
def test_a_word_to_a_tool_goes_with_the_import_and_one_to_people_keeps_it(
    tmp_path: Path, comment: str, state: str | None
) -> None:
    run = _run(tmp_path, f"import os  {comment}\nx = 1\n")
    assert [one["state"] for one in run.findings] == ([state] if state else [])


def test_a_comment_of_a_script_is_not_deleted_by_a_fix(tmp_path: Path) -> None:
    source = "debugger /* for now */;\nf('// no', `/* no */`);\n(() => { /* kept */ }).bind(this);\n"
    run = _run(tmp_path, source, "a.js")
    assert [(one["state"], one["reason"]) for one in run.findings] == [("no_fix", COMMENT), ("fixed", None)]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("try:\n    import readline\n    HAVE = True\nexcept Exception:\n    HAVE = False\n", "`try`"),
        ("try:\n    if x:\n        import readline\nexcept Exception:\n    x = 1\n", "`try`"),
        ("with suppress(ImportError):\n    import readline\n", "`with`"),
        ("def test_that_it_loads():\n    '''Text.'''\n    import readline\n", "does nothing but import"),
        (
            "from readline import (  # pylint: disable=unused-import\n    a,\n    b,\n)\nprint(b)\n",
            "A comment",
        ),
        ("from readline import (\n    a,  # side effect\n    b,\n)\nprint(b)\n", "A comment"),
        ("# Imported for its side effects.\nimport readline\n", "A comment"),
        ("from typing import Any\n\n\ndef f(x):\n    # type: (Any) -> None\n    print(x)\n", "type comment"),
        ("from typing import List as L\nx = []  # type: L[int]\n", "type comment"),
        ("'''Text.\n\n>>> json.dumps(1)\n'1'\n'''\nimport json\n", "docstring"),
    ],
)
def test_an_import_that_is_there_for_a_reason_stays(tmp_path: Path, source: str, reason: str) -> None:
    run = _run(tmp_path, source.replace("suppress(", "__import__('contextlib').suppress("))
    held = [one for one in run.findings if one["rule"] == "ruff:F401"]
    assert {one["state"] for one in held} == {"no_fix"}
    assert all(reason in one["reason"] for one in held)


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    x = 1\nexcept ValueError:\n    import os\n",
        "try:\n    import os\nfinally:\n    x = 1\n",
        "try:\n    def f():\n        import os\n        return 1\nexcept ValueError:\n    x = 1\n",
        "x = 1  # side effect\nimport os\n",
        "import os\nx = []  # type: List[int]\n",
        "import os\nx = 1  # type: ignore[os]\n",
    ],
)
def test_an_import_for_which_nothing_speaks_goes(tmp_path: Path, source: str) -> None:
    assert _only(_run(tmp_path, source), "ruff:F401")["state"] == "fixed"


@pytest.mark.parametrize(
    ("removed", "written", "is_lost"),
    [
        (b"a /* b */", b"", True),
        (b"a // b", b"a", True),
        (b"a /* b */ c", b"c /* b */", False),
        (b"'/* b */' \"// c\" `// d\n/* e */` '\\'// f'", b"", False),
        (b"/* b */ /* b */", b"/* b */", True),
        (b"// b\n", b"// bc\n", True),
    ],
)
def test_comments_of_scripts_are_told_from_texts(removed: bytes, written: bytes, is_lost: bool) -> None:
    assert script_comment_lost(removed, [Edit(0, len(removed), written)]) is is_lost


def test_names_of_one_statement_stay_together_since_they_are_one_fix(tmp_path: Path) -> None:
    run = _run(tmp_path, "from typing import Any, List\nx = []  # type: List[int]\n")
    assert {one["state"] for one in run.findings} == {"no_fix"}


def test_a_rule_whose_fix_is_not_trusted_finds_and_changes_nothing(tmp_path: Path) -> None:
    source = (
        "import logging\nimport warnings\n\n\ndef f(d, lists):\n    try:\n        print(sum(lists, []))\n"
        "    except ValueError:\n        logging.error('no')\n    warnings.warn('x')\n"
        "    return 'a' in d.keys(), dict([(x, x) for x in d])\n"
    )
    run = _run(tmp_path, source)
    found = {one["rule"]: one for one in run.findings}
    assert {"ruff:TRY400", "ruff:RUF017", "ruff:B028", "ruff:C404", "ruff:SIM118"} <= set(found)
    assert {one["state"] for one in found.values()} == {"no_fix"}
    assert "is not trusted" in found["ruff:TRY400"]["reason"]


def test_a_rule_that_trusts_only_safe_fixes_makes_those(tmp_path: Path) -> None:
    assert rules()["ruff:SIM118"].fix == "safe"
    run = _run(tmp_path, "d = {}\nprint('a' in d.keys())\n")
    assert _only(run, "ruff:SIM118")["state"] == "fixed"


def test_a_file_with_too_many_fixes_keeps_all_of_its_code_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MOST_CANDIDATES", 3)
    monkeypatch.setattr("nyxcore.analysis.telling.MOST_CANDIDATES", 3)
    line = "print({n} == None)\n"
    many, few = (line.replace("{n}", "x") * count for count in (4, 3))
    tree = write_tree(tmp_path / "tree", {"many.py": "x = 1\n" + many, "few.py": "x = 1\n" + few})
    run = analyse(tree, tmp_path / "out", options=Options(unsafe=True))
    assert run.states() == {("many.py", "ruff:E711"): {"no_fix"}, ("few.py", "ruff:E711"): {"fixed"}}
    assert "too many findings with a fix" in run.of("many.py", "ruff:E711")[0]["reason"]


def test_a_file_of_declarations_is_not_said_not_to_parse(tmp_path: Path) -> None:
    source = "export const x: import('../x').Y<T>;\nlet = = ;\n"
    tree = write_tree(tmp_path / "tree", {"a.d.ts": source, "b.ts": source})
    assert {one["file"] for one in analyse(tree, tmp_path / "out").findings} == {"b.ts"}


def test_messages_that_a_rule_leaves_out_are_not_reported(tmp_path: Path) -> None:
    run = _run(tmp_path, "import os\nimport pdb\n\nos.system('ls')\nos.system(input())\npdb.set_trace()\n")
    assert [one["startLine"] for one in run.findings if one["rule"] == "ruff:S605"] == [5]
    assert [one["startLine"] for one in run.findings if one["rule"] == "ruff:T100"] == [6]

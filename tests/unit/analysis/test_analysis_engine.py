"""The three jobs on small trees: what is found, what is fixed, what is held back and why."""

from __future__ import annotations

import py_compile
from collections.abc import Sequence
from pathlib import Path

import pytest
from engine_run import analyse, settings_of, write_tree

from nyxcore.analysis.filestate import FileState
from nyxcore.analysis.models import Options

pytestmark = pytest.mark.usefixtures("in_process")

UNUSED = "import os\nimport sys\n\nprint(sys.path)\n"


def test_an_unused_import_is_fixed_with_diff_edits_and_evidence(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"pkg/mod.py": UNUSED})
    run = analyse(tree, tmp_path / "out")
    [finding] = run.findings
    [fix] = run.fixes
    assert (finding["state"], finding["fix"], finding["reason"]) == ("fixed", fix["key"], None)
    assert (finding["file"], finding["startLine"], finding["source"]) == ("pkg/mod.py", 1, "ruff")
    assert fix["findings"] == [finding["key"]]
    assert fix["edits"] == [{"start": 0, "end": 10, "text": ""}]
    assert fix["diff"].startswith("--- a/pkg/mod.py\n+++ b/pkg/mod.py\n@@ -1,4 +1,3 @@\n-import os\n")
    checks = {one["check"]: one for one in fix["evidence"]}
    assert {"finding_gone", "nothing_new", "parses", "combined", "patch_applies"} <= set(checks)
    assert "not run" in checks["tests_not_run"]["detail"]
    assert (run.patched(tmp_path / "new") / "pkg/mod.py").read_text() == "import sys\n\nprint(sys.path)\n"


def test_every_finding_ends_in_a_state_and_all_but_fixed_ones_say_why(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {"a.py": UNUSED + "\ndef f(x=[]):\n    return x == None\n", "b.py": "def (\n", "c.js": "eval(x);\n"},
    )
    run = analyse(tree, tmp_path / "out")
    assert {one["state"] for one in run.findings} == {"fixed", "no_fix"}
    assert all((one["reason"] is None) == (one["state"] == "fixed") for one in run.findings)
    unsafe = run.of("a.py", "ruff:E711") + run.of("a.py", "ruff:B006")
    assert all("unsafe fixes" in one["reason"] for one in unsafe)


def test_an_import_that_another_module_takes_from_here_stays(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {
            "pkg/compat.py": "import json\nimport os\n",
            "pkg/use.py": "from .compat import json\n\njson.dumps(1)\n",
        },
    )
    run = analyse(tree, tmp_path / "out")
    held, fixed = run.of("pkg/compat.py", "ruff:F401")
    assert fixed["state"] == "fixed"
    assert held["state"] == "no_fix"
    assert held["reason"].startswith("Removing `json` could break `pkg/use.py`, which mentions both")


def test_a_mention_in_another_pack_or_in_a_file_that_is_not_scanned_counts(tmp_path: Path) -> None:
    files = {"pkg/compat.py": "import json\n", "pkg/zz.txt": "pkg.compat:json", "a.py": ""}
    run = analyse(write_tree(tmp_path / "tree", files), tmp_path / "out", packs=3)
    [held] = run.findings
    assert (held["state"], "`pkg/zz.txt`" in held["reason"]) == ("no_fix", True)


def test_a_removal_that_frees_another_is_followed_across_files_and_recorded(tmp_path: Path) -> None:
    files = {"pkg/base.py": "import json\n", "pkg/middle.py": "from .base import json\n"}
    tree = write_tree(tmp_path / "tree", files)
    run = analyse(tree, tmp_path / "out")
    by_file = {fix["file"]: fix for fix in run.fixes}
    assert by_file["pkg/middle.py"]["needs"] == []
    assert by_file["pkg/base.py"]["needs"] == [by_file["pkg/middle.py"]["key"]]
    again = analyse(run.patched(tmp_path / "new"), tmp_path / "again")
    assert again.fixes == []


def test_fixes_that_overlap_come_one_after_the_other(tmp_path: Path) -> None:
    source = "def f(x):\n    if x:\n        return True\n    else:\n        if not x == 2:\n            return None\n"
    tree = write_tree(tmp_path / "tree", {"a.py": source})
    run = analyse(tree, tmp_path / "out", options=Options(unsafe=True))
    later = [fix for fix in run.fixes if fix["needs"]]
    assert later
    assert set(later[-1]["needs"]) <= {fix["key"] for fix in run.fixes}
    new = run.patched(tmp_path / "new")
    py_compile.compile(str(new / "a.py"), doraise=True)
    assert analyse(new, tmp_path / "again", options=Options(unsafe=True)).fixes == []


def test_two_fixes_that_would_together_leave_an_import_unused_leave_none(tmp_path: Path) -> None:
    source = "import functools\n\n\ndef f():\n    return 1\n    functools\n\n\nx = f\n"
    uses = "import warnings\n\n\ndef f():\n    warnings\n    pass\n\n\ndef g():\n    pass\n    warnings\n"
    tree = write_tree(tmp_path / "tree", {"a.py": source, "b.py": uses})
    new = analyse(tree, tmp_path / "out").patched(tmp_path / "new")
    again = analyse(new, tmp_path / "again")
    assert not [one for one in again.findings if one["rule"] == "ruff:F401"]


def test_an_unsafe_fix_waits_for_the_option(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"a.py": "def f(x):\n    return x == None\n"})
    assert analyse(tree, tmp_path / "safe").fixes == []
    [fix] = analyse(tree, tmp_path / "unsafe", options=Options(unsafe=True)).fixes
    assert fix["safe"] is False
    assert "+    return x is None" in fix["diff"]


def test_only_the_wanted_categories_are_told_and_fixed(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"a.py": UNUSED + "eval(sys.argv[1])\n"})
    run = analyse(tree, tmp_path / "out", options=Options(categories=("security",)))
    assert {one["category"] for one in run.findings} == {"security"}
    assert run.fixes == []
    told = [item for progress in run.progress for item in progress.items]
    assert [item["key"] for item in told] == [one["key"] for one in run.findings]


def test_noqa_and_the_ignores_of_the_project_are_honoured(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {
            "pyproject.toml": '[tool.ruff.lint.per-file-ignores]\n"gen/*" = ["F401"]\n',
            "gen/a.py": "import os\n",
            "b.py": "import os  # noqa: F401\n",
            "c.py": "import os\n",
        },
    )
    assert [one["file"] for one in analyse(tree, tmp_path / "out").findings] == ["c.py"]


def test_the_own_configuration_of_the_repository_never_reaches_ruff(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {"a.py": UNUSED, "ruff.toml": 'extend = "/etc/passwd"\n', "sub/ruff.toml": "[", "sub/b.py": UNUSED},
    )
    assert len(analyse(tree, tmp_path / "out").fixes) == 2


def test_a_file_that_does_not_parse_is_one_finding(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "tree", {"a.py": "import os\ndef f(:\n  x = = 1\n", "b.js": "function (] {\n let = ;\n"}
    )
    run = analyse(tree, tmp_path / "out")
    assert run.states() == {
        ("a.py", "ruff:invalid-syntax"): {"no_fix"},
        ("b.js", "ast-grep:syntax-error"): {"no_fix"},
    }
    assert len(run.findings) == 2


def test_newer_syntax_is_a_finding_only_where_the_project_names_an_older_python(tmp_path: Path) -> None:
    source = "if (x := 1):\n    print(x)\n"
    silent = write_tree(tmp_path / "silent", {"a.py": source})
    assert analyse(silent, tmp_path / "out1").findings == []
    declared = write_tree(
        tmp_path / "declared", {"a.py": source, "setup.cfg": "[options]\npython_requires = >=3.7\n"}
    )
    assert analyse(declared, tmp_path / "out2").states() == {("a.py", "ruff:invalid-syntax"): {"no_fix"}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xef\xbb\xbfimport os\nx = 1\n", b"\xef\xbb\xbfx = 1\n"),
        (b"import os\r\nx = 1\r\n", b"x = 1\r\n"),
        (b"import os\rx = 1\r", b"x = 1\r"),
        (b"x = 1\nimport os", b"x = 1\n"),
        (b"import os\n\x0cx = 1\r\ny = 2\n\x0c", b"\x0cx = 1\r\ny = 2\n\x0c"),
        ("é = '😀'; import os; y = '😀'\n".encode(), "é = '😀'; y = '😀'\n".encode()),
        (
            "# -*- coding: utf-8 -*-\ns = 'ü'\nimport os\n".encode(),
            "# -*- coding: utf-8 -*-\ns = 'ü'\n".encode(),
        ),
    ],
    ids=["bom", "crlf", "cr", "no last newline", "form feed, mixed ends", "wide characters", "cookie"],
)
def test_encoding_and_line_ends_survive_byte_for_byte(tmp_path: Path, before: bytes, after: bytes) -> None:
    tree = write_tree(tmp_path / "tree", {"a.py": before})
    run = analyse(tree, tmp_path / "out")
    assert (run.patched(tmp_path / "new") / "a.py").read_bytes() == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"f();\n  debugger;\ng();\n", b"f();\ng();\n"),
        (b"f();\r\n\tdebugger; \r\ng();\r\n", b"f();\r\ng();\r\n"),
        (b"f(); debugger;\ng();\n", b"f(); \ng();\n"),
    ],
    ids=["its own line", "crlf and blanks", "after a statement"],
)
def test_a_statement_that_goes_leaves_no_blank_line(tmp_path: Path, before: bytes, after: bytes) -> None:
    run = analyse(write_tree(tmp_path / "tree", {"a.js": before}), tmp_path / "out")
    assert (run.patched(tmp_path / "new") / "a.js").read_bytes() == after


def test_a_file_that_is_not_utf_8_is_skipped_with_a_reason_and_left_alone(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"a.py": b"# coding: latin-1\nimport os\ns = '\xe9'\n"})
    run = analyse(tree, tmp_path / "out")
    assert run.skipped == [{"file": "a.py", "reason": "it is not UTF-8"}]
    assert (run.findings, run.patch) == ([], b"")


@pytest.mark.parametrize(
    "name", ["with blank.py", 'quo"te.py', "back\\slash.py", "ünï/cödé.py", "-dash.py", "@at.py"]
)
def test_any_file_name_gives_a_patch_that_git_takes(tmp_path: Path, name: str) -> None:
    tree = write_tree(tmp_path / "tree", {name: UNUSED, "line\nbreak.py": UNUSED})
    run = analyse(tree, tmp_path / "out")
    assert {one["file"] for one in run.findings} == {name, "line\nbreak.py"}
    assert "import os" not in (run.patched(tmp_path / "new") / name).read_text()


def test_a_file_of_nothing_but_an_unused_import_becomes_empty_and_stays(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"a.py": "import os\n"})
    assert (analyse(tree, tmp_path / "out").patched(tmp_path / "new") / "a.py").read_bytes() == b""


def test_tests_are_judged_as_tests(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"tests/test_a.py": "eval(input())\n", "a.py": "eval(input())\n"})
    assert {one["file"] for one in analyse(tree, tmp_path / "out").findings} == {"a.py"}


def test_fingerprints_survive_lines_added_above(tmp_path: Path) -> None:
    one = analyse(write_tree(tmp_path / "a", {"a.py": UNUSED}), tmp_path / "out1")
    two = analyse(write_tree(tmp_path / "b", {"a.py": '"""Text."""\n\n' + UNUSED}), tmp_path / "out2")
    assert one.findings[0]["fingerprint"] == two.findings[0]["fingerprint"]
    assert one.findings[0]["startLine"] != two.findings[0]["startLine"]


def test_a_file_with_very_many_fixes_is_judged_in_groups_and_says_so(tmp_path: Path) -> None:
    source = "def f(x):\n" + "".join(f"    if x == None:\n        print({n})\n" for n in range(300))
    tree = write_tree(tmp_path / "tree", {"a.py": source})
    run = analyse(tree, tmp_path / "out", options=Options(unsafe=True))
    assert len(run.fixes) == 300
    assert "in one scan with 299 others" in run.fixes[0]["evidence"][0]["detail"]
    assert b"== None" not in (run.patched(tmp_path / "new") / "a.py").read_bytes()


def test_the_target_version_keeps_a_fix_from_writing_newer_syntax(tmp_path: Path) -> None:
    body = "    try:\n        return 1\n    except asyncio.TimeoutError:\n        return 2\n"
    source = "import asyncio\n\n\ndef f():\n" + body
    old = write_tree(tmp_path / "old", {"a.py": source})
    new = write_tree(tmp_path / "new", {"a.py": source, "setup.cfg": "[options]\npython_requires = >=3.12\n"})
    assert settings_of(old).target == "py37"
    assert analyse(old, tmp_path / "out1", options=Options(unsafe=True)).fixes == []
    assert analyse(new, tmp_path / "out2", options=Options(unsafe=True)).of("a.py", "ruff:UP041")


def test_a_file_that_compiles_worse_loses_its_fixes_and_the_others_keep_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worse(states: Sequence[FileState]) -> list[str]:
        return [state.path for state in states if state.path == "a.py" and state.fixes]

    monkeypatch.setattr("nyxcore.analysis.combining.compile_worse", worse)
    tree = write_tree(tmp_path / "tree", {"a.py": UNUSED, "b.py": UNUSED})
    run = analyse(tree, tmp_path / "out")
    assert run.states() == {("a.py", "ruff:F401"): {"failed"}, ("b.py", "ruff:F401"): {"fixed"}}
    assert "compiled before its fixes and not after" in run.of("a.py", "ruff:F401")[0]["reason"]
    assert b"a.py" not in run.patch


def test_without_git_the_evidence_says_that_the_patch_was_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nyxcore.analysis.service.shutil.which", lambda _: None)
    run = analyse(write_tree(tmp_path / "tree", {"a.py": UNUSED}), tmp_path / "out")
    checks = {one["check"] for one in run.fixes[0]["evidence"]}
    assert "patch_not_tried" in checks
    assert "patch_applies" not in checks
    assert run.summary["gitChecked"] is False

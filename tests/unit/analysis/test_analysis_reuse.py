"""A second run takes over what has not changed, and nothing that has."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_run import Outcome, analyse, write_tree

from nyxcore.analysis.models import Options

FILES = {
    "pkg/compat.py": "import json\nimport os\n",
    "pkg/use.py": "from .compat import json\n\njson.dumps({})\n",
    "pkg/other.py": "def f():\n    pass\n    return None\n",
    "web/a.js": "const a = !!x ? true : false;\n",
    "README.md": "words\n",
}


def _files(run: Outcome) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.folder.iterdir()}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", FILES)
    one, two = analyse(tree, tmp_path / "1"), analyse(tree, tmp_path / "2")
    assert _files(one) == _files(two)


def test_an_unchanged_tree_gives_the_same_bytes_without_scanning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = write_tree(tmp_path / "tree", FILES)
    one = analyse(tree, tmp_path / "1", packs=2)
    monkeypatch.setattr("nyxcore.analysis.service._program", lambda _: "/nonexistent")
    monkeypatch.setattr("nyxcore.analysis.service.rules_fingerprint", service_fingerprint(one))
    two = analyse(tree, tmp_path / "2", packs=2, known=one)
    assert _files(one) == _files(two)


def service_fingerprint(run: Outcome) -> object:
    """The fingerprint under which a run was made, for a service whose tools are gone."""
    from nyxcore.analysis import service

    value = service.rules_fingerprint()
    assert run.findings
    return lambda: value


def test_a_changed_file_is_judged_anew_and_so_is_all_that_crosses_files(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", FILES)
    one = analyse(tree, tmp_path / "1")
    assert one.states()["pkg/compat.py", "ruff:F401"] == {"no_fix", "fixed"}
    (tree / "pkg/use.py").write_text("import json\n\njson.dumps({})\n")
    two = analyse(tree, tmp_path / "2", known=one)
    fresh = analyse(tree, tmp_path / "3")
    assert two.states()["pkg/compat.py", "ruff:F401"] == {"fixed"}
    assert _files(two) == _files(fresh)


def test_what_is_known_under_other_settings_or_options_is_not_taken(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", FILES | {"c.py": "def f(x):\n    return x == None\n"})
    one = analyse(tree, tmp_path / "1")
    two = analyse(tree, tmp_path / "2", known=one, options=Options(unsafe=True))
    assert two.states()["c.py", "ruff:E711"] == {"fixed"}
    (tree / "setup.cfg").write_text("[flake8]\nignore = E711\n")
    assert ("c.py", "ruff:E711") not in analyse(tree, tmp_path / "3", known=two).states()


def test_packs_may_be_cut_in_any_way(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", FILES)
    one, three = analyse(tree, tmp_path / "1"), analyse(tree, tmp_path / "3", packs=3)
    assert one.patch == three.patch
    assert sorted(map(str, one.findings)) == sorted(map(str, three.findings))
    assert sorted(map(str, one.fixes)) == sorted(map(str, three.fixes))


def test_the_tree_is_not_changed(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", FILES)
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    analyse(tree, tmp_path / "out")
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before

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


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run on FILES, in processes of its own; its tree is not to be changed."""
    folder = tmp_path_factory.mktemp("base")
    return analyse(write_tree(folder / "tree", FILES), folder / "out")


def _files(run: Outcome) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.folder.iterdir()}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, base: Outcome) -> None:
    assert _files(analyse(base.tree, tmp_path / "again")) == _files(base)


@pytest.mark.usefixtures("in_process")
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


@pytest.mark.usefixtures("in_process")
def test_a_changed_file_is_judged_anew_and_so_is_all_that_crosses_files(
    tmp_path: Path, base: Outcome
) -> None:
    tree = write_tree(tmp_path / "tree", FILES)
    assert base.states()["pkg/compat.py", "ruff:F401"] == {"no_fix", "fixed"}
    (tree / "pkg/use.py").write_text("import json\n\njson.dumps({})\n")
    two = analyse(tree, tmp_path / "2", known=base)
    fresh = analyse(tree, tmp_path / "3")
    assert two.states()["pkg/compat.py", "ruff:F401"] == {"fixed"}
    assert _files(two) == _files(fresh)


@pytest.mark.usefixtures("in_process")
def test_what_is_known_under_other_settings_or_options_is_not_taken(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", FILES | {"c.py": "def f(x):\n    return x == None\n"})
    one = analyse(tree, tmp_path / "1")
    two = analyse(tree, tmp_path / "2", known=one, options=Options(unsafe=True))
    assert two.states()["c.py", "ruff:E711"] == {"fixed"}
    (tree / "setup.cfg").write_text("[flake8]\nignore = E711\n")
    assert ("c.py", "ruff:E711") not in analyse(tree, tmp_path / "3", known=two).states()


@pytest.mark.usefixtures("in_process")
def test_packs_may_be_cut_in_any_way(tmp_path: Path, base: Outcome) -> None:
    three = analyse(base.tree, tmp_path / "3", packs=3)
    assert base.patch == three.patch
    assert sorted(map(str, base.findings)) == sorted(map(str, three.findings))
    assert sorted(map(str, base.fixes)) == sorted(map(str, three.fixes))


def test_the_tree_is_not_changed(base: Outcome) -> None:
    found = {
        path.relative_to(base.tree).as_posix(): path.read_text()
        for path in base.tree.rglob("*")
        if path.is_file()
    }
    assert found == FILES

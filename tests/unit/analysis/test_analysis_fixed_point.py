"""On real packages: the patch applies, the code compiles and imports as before, a second run fixes nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from engine_run import analyse, write_tree

from nyxcore.analysis.models import Options

pytestmark = pytest.mark.usefixtures("in_process")

# Packages that the development environment holds anyway; `requests` and `werkzeug` re-export much.
PACKAGES = ["jinja2", "requests", "six", "werkzeug"]
_IGNORED = shutil.ignore_patterns("__pycache__", "*.so", "*.pyc")


def _copy(package: str, target: Path) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    origin = Path(spec.origin)
    if origin.name == "__init__.py":
        shutil.copytree(origin.parent, target / package, ignore=_IGNORED)
    else:
        target.mkdir()
        shutil.copy(origin, target)
    return target


def _compiles(path: Path) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except SyntaxError:
            return False
    return True


def _imported(tree: Path, package: str) -> str:
    """What importing every module of a package from a tree gives: names, or the kind of error."""
    program = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter("ignore")
package = importlib.import_module(sys.argv[1])
assert package.__file__.startswith(sys.path[0]), package.__file__
names = [one.name for one in pkgutil.walk_packages(getattr(package, "__path__", []), sys.argv[1] + ".")]
for name in [sys.argv[1], *names]:
    try:
        print(name, sorted(importlib.import_module(name).__dict__))
    except Exception as error:
        print(name, type(error).__name__)
"""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, package],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, str]]:
    """A package as it is, and what importing it gives."""

    @cache
    def of(package: str) -> tuple[Path, str]:
        tree = _copy(package, tmp_path_factory.mktemp(package) / "tree")
        return tree, _imported(tree, package)

    return of


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
@pytest.mark.parametrize("package", PACKAGES)
def test_a_patched_package_compiles_imports_and_has_nothing_left_to_fix(
    package: str, unsafe: bool, tmp_path: Path, original: Callable[[str], tuple[Path, str]]
) -> None:
    tree, imported = original(package)
    run = analyse(tree, tmp_path / "out", options=Options(unsafe=unsafe))
    new = run.patched(tmp_path / "new")
    for path in new.rglob("*.py"):
        assert _compiles(path) or not _compiles(tree / path.relative_to(new))
    before, after = imported.splitlines(), _imported(new, package).splitlines()
    assert [line.partition(" ")[0] for line in before] == [line.partition(" ")[0] for line in after]
    assert [line for line in before if "[" not in line] == [line for line in after if "[" not in line]

    again = analyse(new, tmp_path / "again", options=Options(unsafe=unsafe))
    assert again.fixes == []
    assert Counter(one["state"] for one in again.findings)["fixed"] == 0
    left = Counter((one["file"], one["rule"]) for one in run.findings if one["state"] != "fixed")
    assert Counter((one["file"], one["rule"]) for one in again.findings) <= left


def test_scripts_are_fixed_too_and_come_to_rest(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {
            "a.js": "function f(x) {\r\n  return x ? true : false;\r\n}\r\n",
            "b.ts": "export const g = (x: number): boolean => (x > 1 ? true : false);\n",
            "c.tsx": "export const C = () => <p>{!!a ? true : false}</p>;\n",
            "broken.js": "function h( {\n}\nconst y = !(a == b);\nconst z = c ? true : false;\n",
        },
    )
    run = analyse(tree, tmp_path / "out", options=Options(unsafe=True))
    assert {"a.js", "b.ts"} <= {fix["file"] for fix in run.fixes}
    assert ("broken.js", "ast-grep:syntax-error") in run.states()
    new = run.patched(tmp_path / "new")
    assert b"true : false" not in (new / "a.js").read_bytes()
    assert (new / "a.js").read_bytes().count(b"\r\n") == (new / "a.js").read_bytes().count(b"\n")
    assert analyse(new, tmp_path / "again", options=Options(unsafe=True)).fixes == []

"""Our reading of .gitignore against git's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_trees import sources, write_tree

from nyxcore.sources import gitignore, wildmatch
from nyxcore.sources.folder import read_folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("git")
    git(root, "init", "-q")
    yield root


def git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root.parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], input=stdin, capture_output=True, env=environment, check=False
    )
    assert done.returncode <= 1, done.stderr
    return done.stdout


def ignored_by_git(root: Path, paths: set[str]) -> set[str]:
    asked = b"\0".join(path.encode() for path in sorted(paths))
    answer = git(root, "check-ignore", "-z", "--stdin", stdin=asked)
    return {path.decode() for path in answer.split(b"\0") if path}


def ignored_by_us(root: Path) -> set[str]:
    """Every file below `root` that the rules ignore, alone or in an ignored folder."""
    found: set[str] = set()

    def visit(folder: str, chain: tuple[gitignore.Rules, ...], inside_ignored: bool) -> None:
        here = root / folder
        if (here / ".gitignore").is_file():
            rules, _ = gitignore.parse((here / ".gitignore").read_bytes(), folder.encode())
            chain = (rules, *chain) if rules else chain
        for entry in here.iterdir():
            if entry.name == ".git":
                continue
            path = folder + entry.name
            gone = inside_ignored or gitignore.is_ignored(
                chain, path.encode(), entry.name.encode(), is_folder=entry.is_dir()
            )
            if entry.is_dir():
                visit(path + "/", chain, gone)
            elif gone:
                found.add(path)

    visit("", (), inside_ignored=False)
    return found


def empty(root: Path) -> None:
    for entry in root.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


NAMES = st.sampled_from(["a", "b", "ab", "aab", "a.b", "a-b", "a b", "[a]", "é", "A", "!a", "#a", "b\\"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PIECES_OF_PATTERNS = r"""
a b ab .b * ** *** ? / / \ [ab] [!a] [^a-b] [a []a] [a-] [--0] [[:alpha:]] [[:nope:]] [[:a] [\]a] \* \a ! # é -
"""
PIECES = st.sampled_from([*PIECES_OF_PATTERNS.split(), " ", "\\ ", "\t", "\r"])
LINES = st.lists(PIECES, min_size=1, max_size=7).map("".join)
IGNORES = st.lists(LINES, max_size=6).map("\n".join)


def without_conflicts(paths: set[str]) -> list[str]:
    """Paths of which none is a folder of another."""
    return [path for path in sorted(paths) if not any(other.startswith(path + "/") for other in paths)]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paths=st.sets(PATHS, min_size=1, max_size=8), root_rules=IGNORES, inner_rules=IGNORES, bom=st.booleans()
)
def test_every_file_is_ignored_exactly_when_git_ignores_it(
    repository: Path, paths: set[str], root_rules: str, inner_rules: str, bom: bool
) -> None:
    empty(repository)
    files = without_conflicts(paths)
    write_tree(repository, dict.fromkeys(files, b""))
    (repository / ".gitignore").write_bytes(b"\xef\xbb\xbf" * bom + root_rules.encode())
    folder = repository / files[0].partition("/")[0]
    if folder.is_dir():
        (folder / ".gitignore").write_bytes(inner_rules.encode())

    expected = ignored_by_git(repository, set(files))

    assert ignored_by_us(repository) & set(files) == expected


EASILY_MISREAD = r"""
a**/b a/**/b **/a/** a/** /**/b **a * /* !/a **/**/b a/*/b a\/b *a*b* a/**b a/**/*b/**/a
[a]/b a[/]b a?b */ **/ / // a//b a/ a/b/ \ a\ ! [!/]a
"""


@pytest.mark.parametrize("pattern", EASILY_MISREAD.split())
def test_patterns_that_are_easily_misread_mean_what_git_says(repository: Path, pattern: str) -> None:
    empty(repository)
    deep = [
        "a/b/a",
        "a/a/b",
        "a/ab/b/a",
        "b/a/b",
        "ab/b",
        "aab",
        "b",
        "aa/x/b",
        "a/x/y/b",
        "x/a/q/b/r/a",
        "x/a/b",
    ]
    write_tree(repository, {path + "/f": b"" for path in deep} | {"f": b"", "a.b": b""})
    files = {path + "/f" for path in deep} | {"f", "a.b"}
    (repository / ".gitignore").write_text(pattern + "\n")

    assert ignored_by_us(repository) & files == ignored_by_git(repository, files)


@pytest.mark.parametrize(
    "line", [b"a\r", b"a  ", b"a\\ ", b"a\\  ", b"a\\\\ ", b"a\t", b"a\0b", b"#a", b"\\#a", b"\\!a", b"! a"]
)
def test_line_ends_spaces_and_marks_are_read_as_git_reads_them(repository: Path, line: bytes) -> None:
    empty(repository)
    files = {"a", "a ", "a\\", "a\t", "a\r", "b", "#a", "!a", " a"}
    write_tree(repository, dict.fromkeys(files, b""))
    for text in (b"*\n!" + line, line, line + b"\n", b"b\r\n" + line + b"\r\n"):
        (repository / ".gitignore").write_bytes(text)
        assert ignored_by_us(repository) & files == ignored_by_git(repository, files)


def test_a_folder_is_walked_as_git_would_with_nested_files_and_negation(
    repository: Path, tmp_path: Path
) -> None:
    empty(repository)
    files = {
        ".gitignore": "build/\n*.gen.py\n!keep.gen.py\n/top.py\nlogs/**/x.py\n",
        "top.py": "",
        "pkg/top.py": "",
        "pkg/a.gen.py": "",
        "pkg/keep.gen.py": "",
        "build/lib/a.py": "",
        "pkg/build/a.py": "",
        "pkg/.gitignore": "!a.gen.py\nlocal/\n",
        "pkg/local/a.py": "",
        "logs/x.py": "",
        "logs/1/2/x.py": "",
        "logs/y.py": "",
        "local/a.py": "",
    }
    write_tree(repository, files)
    code = {path for path in files if path.endswith(".py")}

    found = sources(read_folder(repository), tmp_path / "out")

    assert found == ["local/a.py", "logs/y.py", "pkg/a.gen.py", "pkg/keep.gen.py", "pkg/top.py"]
    assert set(found) == code - ignored_by_git(repository, code)


def test_the_exclude_file_of_a_clone_is_honoured(repository: Path, tmp_path: Path) -> None:
    empty(repository)
    write_tree(repository, {"mine.py": "", "theirs.py": ""})
    exclude = repository / ".git/info/exclude"
    exclude.parent.mkdir(exist_ok=True)
    before = exclude.read_bytes() if exclude.exists() else b""
    exclude.write_bytes(b"mine.py\n")
    try:
        assert sources(read_folder(repository), tmp_path / "out") == ["theirs.py"]
    finally:
        exclude.write_bytes(before)


@pytest.mark.parametrize(
    "pattern", [b"*a" * 60 + b"c", b"**/a/" * 60 + b"c", b"*/**/a*" * 40 + b"c", b"x/" + b"*a?" * 60]
)
def test_no_pattern_takes_for_ever(pattern: bytes) -> None:
    rules, _ = gitignore.parse(pattern, b"")
    assert rules is not None
    path = b"a" * 200 + b"/" + b"a/" * 300 + b"a" * 200
    assert rules.verdict(path, path.rpartition(b"/")[2], is_folder=False) is None


def test_a_broken_bracket_matches_nothing() -> None:
    assert wildmatch.translate(b"[a", is_path=False) is None
    assert wildmatch.translate(b"[[:nope:]]", is_path=False) is None


def test_rules_beyond_the_limit_are_reported_as_unread() -> None:
    text = b"".join(b"name%d\n" % i for i in range(gitignore.MAX_RULES + 5))
    rules, unread = gitignore.parse(text, b"")
    assert unread
    assert rules is not None
    assert rules.verdict(b"name0", b"name0", is_folder=False) is True
    last = b"name%d" % (gitignore.MAX_RULES + 1)
    assert rules.verdict(last, last, is_folder=False) is None

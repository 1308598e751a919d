"""Edits and the diffs made from them, against git on random texts."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nyxcore.analysis.diffs import Lines, path_in, quoted, unified
from nyxcore.analysis.edits import BackMap, Taken, apply, compose, merged, rebase, tidy
from nyxcore.analysis.models import Edit, Edits

PIECES = [b"a", b"bb", b"\n", b"\n", b"\r\n", b"\r", "é".encode(), b"x\n", b"x\n", b"\x0c"]
NAMES = ["plain.py", "with blank.py", 'quo"te\\.py', "ünï.py", "tab\there.py"]


def _text(random_: random.Random, pieces: int) -> bytes:
    return b"".join(random_.choice(PIECES) for _ in range(pieces))


def _edits(random_: random.Random, content: bytes) -> Edits:
    taken = Taken()
    found = []
    for _ in range(random_.choice([1, 2, 6])):
        start = random_.randint(0, len(content))
        end = min(len(content), start + random_.choice([0, 0, 1, 3, 8, 30]))
        edit = Edit(start, end, _text(random_, random_.choice([0, 0, 1, 3, 6])))
        if (edit.text or edit.end > edit.start) and taken.claim((edit,)):
            found.append(edit)
    return merged([found])


@pytest.mark.parametrize("seed", range(12))
def test_git_makes_of_a_composed_diff_the_very_bytes_that_the_edits_make(seed: int, tmp_path: Path) -> None:
    random_ = random.Random(seed)
    parts, expected = [], {}
    for number in range(25):
        content = _text(random_, random_.choice([1, 3, 30, 120]))
        first = _edits(random_, content)
        middle = apply(content, first)
        second = _edits(random_, middle)
        both = compose(first, second, middle)
        assert apply(content, both) == apply(middle, second)
        name = f"{number}/{random_.choice(NAMES)}"
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(content)
        parts.append(unified(name, Lines(content), both, git_header=True))
        expected[name] = apply(content, both)
    (tmp_path / "patch").write_bytes(b"".join(parts))
    done = subprocess.run(["git", "apply", "patch"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, content in expected.items():
        assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("seed", range(40))
def test_a_later_edit_in_terms_of_the_base_is_a_part_of_both_together(seed: int) -> None:
    random_ = random.Random(1000 + seed)
    content = _text(random_, 60)
    first = _edits(random_, content)
    middle = apply(content, first)
    second = _edits(random_, middle)[:1]
    assert set(rebase(first, second, middle)) <= set(compose(first, second, middle))


def test_places_are_mapped_back_across_edits() -> None:
    edits = (Edit(2, 4, b"long text"), Edit(6, 6, b"!"))
    back = BackMap(edits)
    assert [back(offset) for offset in (0, 1, 2, 5, 11, 12, 13, 14)] == [0, 1, 2, 2, 4, 5, 6, 6]
    assert back.inside(3, 11)
    assert not back.inside(1, 5)


def test_two_insertions_at_one_place_collide() -> None:
    taken = Taken()
    assert taken.claim((Edit(5, 5, b"import a\n"),))
    assert not taken.claim((Edit(5, 5, b"import a\n"),))
    assert not taken.claim((Edit(3, 5, b""),))
    assert taken.claim((Edit(6, 8, b""), Edit(8, 9, b"x")))


def test_edits_that_make_no_sense_are_refused() -> None:
    assert tidy([Edit(0, 5, b""), Edit(4, 6, b"")], 10) is None
    assert tidy([Edit(0, 11, b"")], 10) is None
    assert tidy([Edit(3, 3, b"")], 10) is None
    assert tidy([Edit(3, 3, b"a"), Edit(3, 5, b"b")], 10) == (Edit(3, 5, b"ab"),)


def test_a_diff_has_three_lines_of_context_and_says_where_no_newline_is() -> None:
    content = b"1\n2\n3\n4\n5\n6\n7\n8"
    diff = unified("a.txt", Lines(content), (Edit(8, 9, b"five"), Edit(14, 15, b"eight")))
    assert diff == (
        b"--- a/a.txt\n+++ b/a.txt\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n"
        b"-8\n\\ No newline at end of file\n+eight\n\\ No newline at end of file\n"
    )


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
@example('ü "x"\\y\n\t 中文/ملف.py')
def test_the_name_of_a_diff_s_file_is_read_back(path: str) -> None:
    diff = unified(path, Lines(b"a\n"), [Edit(0, 1, b"b")]).decode("ascii")
    assert path_in(diff) == path


def test_names_are_quoted_as_git_does() -> None:
    assert quoted('a/ü "x"\\y\n') == rb'"a/\303\274 \"x\"\\y\n"'
    assert quoted("a/with blank.py") == b"a/with blank.py"

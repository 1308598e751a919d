"""What a removal leaves behind: nothing but what was there."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_run import analyse, write_tree

from nyxcore.analysis.blank_lines import close_up
from nyxcore.analysis.edits import apply
from nyxcore.analysis.locate import Rows
from nyxcore.analysis.models import Edit, Options


def _without(source: bytes, *removed: bytes) -> bytes:
    edits = tuple(
        Edit(start, start + len(text), b"") for text in removed if (start := source.index(text)) >= 0
    )
    return apply(source, close_up(source, Rows(source), edits))


@pytest.mark.parametrize(
    ("source", "removed", "after"),
    [
        (b"a\n\nDEL\n\n\nb\n", b"DEL\n", b"a\n\n\nb\n"),
        (b"a\r\n\r\n    DEL\r\n\r\n\r\nb\r\n", b"    DEL\r\n", b"a\r\n\r\n\r\nb\r\n"),
        (b"a\r\rDEL\r\r\rb\r", b"DEL\r", b"a\r\r\rb\r"),
        (b"a\n\nDEL\n\nb\n", b"DEL\n", b"a\n\n\nb\n"),
        (b"a\n\n\n\nDEL\n\nb\n", b"DEL\n", b"a\n\n\n\nb\n"),
        (b"a\n\n  \nDEL\n", b"DEL\n", b"a\n"),
        (b"a\n\n    DEL", b"DEL", b"a\n"),
        (b"a\n\nDEL\n\n\n", b"DEL\n", b"a\n\n\n"),
        (b"a\n\x0c\n\nDEL\n\n\nb\n", b"DEL\n", b"a\n\x0c\n\n\nb\n"),
        (b"f(); DEL\n\n\n\nb\n", b"DEL", b"f(); \n\n\n\nb\n"),
        (b"\xef\xbb\xbfDEL\n\nb\n", b"DEL\n", b"\xef\xbb\xbf\nb\n"),
    ],
)
def test_blank_lines_around_a_removed_line(source: bytes, removed: bytes, after: bytes) -> None:
    assert _without(source, removed) == after


def test_two_removals_do_not_take_the_same_blank_lines() -> None:
    assert _without(b"x\n\n\nA\n\n\nB\n\n\ny\n", b"A\n", b"B\n") == b"x\n\n\ny\n"
    assert _without(b"x\n\nA\n\n\nB\n", b"A\n", b"B\n") == b"x\n\n\n\n"


def test_an_edit_with_text_is_byte_exact_unless_it_leaves_blanks_at_the_end_of_a_line() -> None:
    source = b"f(\n    [\n  x\n  ]\n)\n"
    exact = (Edit(7, 8, b"(  "), Edit(15, 16, b")"))
    assert close_up(source, Rows(source), exact) == exact
    listed = (Edit(7, 16, b"\n  x\n  "),)
    assert apply(source, close_up(source, Rows(source), listed)) == b"f(\n  x\n)\n"


@pytest.mark.parametrize(
    ("source", "after"),
    [
        (
            'class A(Exception):\n    """Doc."""\n\n    pass\n\n\nx = 1\n',
            'class A(Exception):\n    """Doc."""\n\n\nx = 1\n',
        ),
        ("def f():\n    print(1)\n\n    return\n", "def f():\n    print(1)\n"),
        (
            "def f(y):\n    return set(\n        [\n            x + 1 for x in y\n        ]\n    )\n",
            "def f(y):\n    return {\n            x + 1 for x in y\n    }\n",
        ),
    ],
    ids=["pass", "return", "set"],
)
def test_fixes_of_ruff_leave_no_gap_and_no_blanks(
    tmp_path: Path, in_process: None, source: str, after: str
) -> None:
    tree = write_tree(tmp_path / "tree", {"a.py": source})
    run = analyse(tree, tmp_path / "out", options=Options(unsafe=True))
    assert (run.patched(tmp_path / "new") / "a.py").read_text() == after

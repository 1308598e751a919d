"""Where a stream begins, for every state of a run and its log."""

from __future__ import annotations

import pytest

from nyxcore.errors import BadCursor
from nyxcore.runs.cursor import BEYOND, Beginning, beginning, parse


@pytest.mark.parametrize(
    ("header", "query", "expected"),
    [
        (None, None, None),
        ("", None, None),
        ("", "", None),
        (None, "0", 0),
        ("5", "9", 5),
        ("", "9", 9),
        ("007", None, 7),
        ("0" * 50 + "7", None, 7),
        ("-0", None, 0),
        ("-3", None, -1),
        ("-" + "9" * 40, None, -1),
        ("9" * 18, None, 10**18 - 1),
        ("1" + "0" * 18, None, BEYOND),
        ("9" * 10_000, None, BEYOND),
    ],
)
def test_a_cursor_is_read_from_the_header_first(
    header: str | None, query: str | None, expected: int | None
) -> None:
    assert parse(header, query) == expected


@pytest.mark.parametrize(
    "text", ["x", " 1", "1 ", "+1", "--1", "1.0", "1e3", "\uff11", "\u0663", "1\n", "\0"]
)
def test_what_is_no_number_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadCursor, match="is not a number"):
        parse(text, "1")


@pytest.mark.parametrize(
    ("cursor", "finished", "next_seq", "expected"),
    [
        (None, False, 1, "snapshot"),
        (None, True, 1, "replay"),
        (None, True, 9, "reset"),  # all but `done` is removed
        (0, False, 1, "replay"),
        (0, True, 9, "reset"),
        (4, False, 5, "replay"),
        (4, True, 5, "replay"),
        (4, True, 9, "reset"),
        (8, True, 9, "replay"),
        (9, False, None, "replay"),
        (9, True, None, "ended"),
        (10, False, None, "reset"),
        (10, True, None, "reset"),
        (-1, False, 1, "reset"),
        (BEYOND, True, None, "reset"),
    ],
)
def test_the_beginning_follows_from_cursor_run_and_log(
    cursor: int | None, finished: bool, next_seq: int | None, expected: Beginning
) -> None:
    assert beginning(cursor, finished=finished, last_seq=9, next_seq=next_seq) == expected

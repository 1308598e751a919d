"""Cursors of lists."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyxcore.errors import BadCursor
from nyxcore.paging import PageRequest, cut


@given(st.uuids())
def test_a_page_goes_on_after_its_last_row(last: UUID) -> None:
    page = cut([UUID(int=1), last, UUID(int=2)], 2, "runs", lambda each: each)
    assert page.items == [UUID(int=1), last]
    assert PageRequest(2, page.next_cursor).after_id("runs") == last


@given(st.integers(0, (1 << 31) - 1))
def test_a_position_survives_its_cursor(position: int) -> None:
    page = cut([position, 0], 1, "findings", lambda each: each)
    assert PageRequest(1, page.next_cursor).after_position("findings") == position


def test_the_last_page_has_no_cursor() -> None:
    assert cut([1, 2], 2, "findings", lambda each: each).next_cursor is None
    assert cut([], 2, "findings", lambda each: each).next_cursor is None


@given(st.text(max_size=80))
def test_a_cursor_that_was_never_issued_is_refused_in_words(text: str) -> None:
    for read in (PageRequest(1, text).after_id, PageRequest(1, text).after_position):
        with pytest.raises(BadCursor):
            read("runs")


def test_without_a_cursor_the_list_begins_at_its_start() -> None:
    assert PageRequest().after_id("runs") is None
    assert PageRequest().after_position("findings") is None

"""What stands at the head of a page is as much of a title as fits."""

import pytest
from page_documents import document

from nyxcore.pages.running_head import running_head, shortened


def test_a_title_that_fits_stays_as_it_is() -> None:
    title = "flask-3.1.3 · A review of all that there is, and of the tests that hold it · 2026-11-26"
    assert running_head(document(title=title, project="Flask")) == (title, "Flask")
    assert running_head(document(title=title, project="flask-3.1.3")) == (title, "")


@pytest.mark.parametrize("sign", ["w", "W", "漢", "🚀", "ш", "ض"])
def test_a_longer_one_ends_with_an_ellipsis(sign: str) -> None:
    shown = shortened(sign * 200, 30)
    assert shown == sign * (len(shown) - 1) + "…"
    assert 26 < len(shown) < 60


def test_wide_characters_count_double() -> None:
    assert 1.6 < len(shortened("n" * 200, 60)) / len(shortened("漢" * 200, 60)) < 2


@pytest.mark.parametrize("whole", ["👩‍💻", "e\N{COMBINING ACUTE ACCENT}\N{COMBINING DOT BELOW}"])
def test_what_is_one_character_to_a_reader_is_not_torn_apart(whole: str) -> None:
    for room in range(2, 12):
        shown = shortened(whole * 30, room)
        assert shown == whole * ((len(shown) - 1) // len(whole)) + "…"


def test_no_blank_or_dot_stands_before_the_ellipsis() -> None:
    assert shortened("Atlas · " * 30, 4.2) == "Atlas…"

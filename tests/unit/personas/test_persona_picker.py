"""Sections, cards, search and levels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nyxcore.ids import uuid7
from nyxcore.personas import picker, progress
from nyxcore.personas.models import CATEGORIES, PersonaRow

_ROW = PersonaRow(
    id=uuid7(),
    key="threat-modeller",
    origin="own",
    name="Bedrohungs-Modellierer Žofia",
    category="security",
    summary="Findet, was ein Angreifer zuerst versucht.",
    traits=["ruhig"],
    specializations=["Injektion", "暗号"],
    prompt="You are a threat modeller.",
    portrait="guest",
    based_on=None,
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
    updated_at=datetime(2026, 11, 23, tzinfo=UTC),
    gone_at=None,
    xp=240,
    uses=24,
)


@pytest.mark.parametrize(
    ("xp", "level", "following", "fraction"),
    [(0, 1, 100, 0.0), (90, 1, 100, 0.9), (100, 2, 200, 0.0), (110, 2, 200, 0.1), (31_560, 316, 31_600, 0.6)],
)
def test_a_level_is_100_xp(xp: int, level: int, following: int, fraction: float) -> None:
    assert (progress.level(xp), progress.next_level_xp(xp), progress.fraction(xp)) == (
        level,
        following,
        fraction,
    )


def test_a_card_tells_how_far_the_level_is() -> None:
    card = picker.card(_ROW)
    assert (card.level, card.xp, card.next_level_xp, card.progress, card.uses) == (3, 240, 300, 0.4, 24)


@pytest.mark.parametrize(
    "query",
    [
        "", "  ", "threat", "ZOFIA", "žofia", "modellierer angreifer", "security and compliance", "RUHIG", "暗号",
        "ｒｕｈｉｇ",
    ],
)  # fmt: skip
def test_it_is_found_by_any_word_of_its_card(query: str) -> None:
    assert picker.matches(_ROW, query)


@pytest.mark.parametrize("query", ["threat nothing", "You are", "\0", "%", "暗暗"])
def test_it_is_not_found_by_what_is_not_on_its_card(query: str) -> None:
    assert not picker.matches(_ROW, query)


def test_sections_come_in_their_order_with_the_built_in_first_then_by_name() -> None:
    rows = [
        replace(_ROW, id=uuid7(), name="b", category="other"),
        replace(_ROW, id=uuid7(), name="b"),
        replace(_ROW, id=uuid7(), name="Á"),
        replace(_ROW, id=uuid7(), name="z", origin="built-in"),
        replace(_ROW, id=uuid7(), name="c", category="research"),
    ]
    shown = picker.pick(rows)
    assert [(group.category, [card.name for card in group.personas]) for group in shown.groups] == [
        ("research", ["c"]),
        ("security", ["z", "Á", "b"]),
        ("other", ["b"]),
    ]
    assert [group.count for group in shown.groups] == [1, 3, 1] and shown.count == 5
    assert shown.groups[0].title == CATEGORIES["research"][0]


def test_a_filter_leaves_out_what_does_not_match_and_sections_that_are_empty() -> None:
    rows = [_ROW, replace(_ROW, id=uuid7(), category="other"), replace(_ROW, id=uuid7(), traits=["laut"])]
    assert picker.pick(rows, category="other").count == 1
    assert [group.category for group in picker.pick(rows, query="laut").groups] == ["security"]
    assert picker.pick(rows, query="laut", category="other").groups == []

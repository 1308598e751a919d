"""The picker: which personas match what was typed, and in which section each is shown. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from nyxcore.personas import progress
from nyxcore.personas.applying import system_text
from nyxcore.personas.models import (
    CATEGORIES,
    Category,
    Persona,
    PersonaCard,
    PersonaGroup,
    PersonaPicker,
    PersonaRow,
)
from nyxcore.personas.portraits import data_uri


def card(row: PersonaRow) -> PersonaCard:
    """The persona as a picker shows it."""
    return PersonaCard(
        id=row.id,
        key=row.key,
        origin=row.origin,
        name=row.name,
        category=row.category,
        summary=row.summary,
        traits=row.traits,
        specializations=row.specializations,
        portrait=row.portrait,
        portrait_uri=data_uri(row.portrait),
        level=progress.level(row.xp),
        xp=row.xp,
        next_level_xp=progress.next_level_xp(row.xp),
        progress=progress.fraction(row.xp),
        uses=row.uses,
    )


def whole(row: PersonaRow) -> Persona:
    """The persona with what it says."""
    return Persona(
        **card(row).model_dump(),
        prompt=row.prompt,
        system=system_text(row),
        based_on=row.based_on,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def pick(rows: Iterable[PersonaRow], *, query: str = "", category: Category | None = None) -> PersonaPicker:
    """Sections in the order of `CATEGORIES`, of the personas that match."""
    cards = [card(row) for row in rows if matches(row, query) and category in (None, row.category)]
    cards.sort(key=lambda each: (each.origin != "built-in", _folded(each.name), each.id))
    groups = [_group(name, [each for each in cards if each.category == name]) for name in CATEGORIES]
    return PersonaPicker(groups=[group for group in groups if group.count], count=len(cards))


def matches(row: PersonaRow, query: str) -> bool:
    """Whether every word of the query is part of what a card shows; case and accents make no difference."""
    title = CATEGORIES[row.category][0]
    shown = _folded("\n".join([row.name, row.key, row.summary, title, *row.traits, *row.specializations]))
    return all(word in shown for word in _folded(query).split())


def _group(category: Category, cards: list[PersonaCard]) -> PersonaGroup:
    title, description = CATEGORIES[category]
    return PersonaGroup(
        category=category, title=title, description=description, count=len(cards), personas=cards
    )


def _folded(text: str) -> str:
    """The text without case, accents and variants of width, to be compared."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each)).casefold()

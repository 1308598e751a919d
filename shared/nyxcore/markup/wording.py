"""The few words that the conversion itself writes, in the languages of the reports."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from nyxcore.errors import InvalidInput

type Phrase = Literal[
    "note", "tip", "important", "warning", "caution", "footnotes", "back", "image", "image_too_large", "image_broken",
    "too_long", "too_deep", "too_many_blocks", "too_many_marks",
]  # fmt: skip

_ENGLISH: Mapping[Phrase, str] = MappingProxyType(
    {
        "note": "Note",
        "tip": "Tip",
        "important": "Important",
        "warning": "Warning",
        "caution": "Caution",
        "footnotes": "Footnotes",
        "back": "Back to the text",
        "image": "image",
        "too_long": "Shown as plain text, since it is longer than {limit:,} characters without a blank line.",
        "too_deep": "Shown as plain text, since it is nested more than {limit:,} levels deep.",
        "too_many_blocks": "Shown as plain text from here on, since the document has more than {limit:,} parts.",
        "too_many_marks": "Shown as plain text from here on, since the document has more than {limit:,} marks.",
        "image_too_large": "left out, since it is too large",
        "image_broken": "left out, since it is no PNG, JPEG, GIF or WebP",
    }
)
_GERMAN: Mapping[Phrase, str] = MappingProxyType(
    {
        "note": "Hinweis",
        "tip": "Tipp",
        "important": "Wichtig",
        "warning": "Warnung",
        "caution": "Vorsicht",
        "footnotes": "Fußnoten",
        "back": "Zurück zum Text",
        "image": "Bild",
        "too_long": "Als einfacher Text gezeigt: länger als {limit:,} Zeichen ohne Leerzeile.",
        "too_deep": "Als einfacher Text gezeigt: mehr als {limit:,} Ebenen tief verschachtelt.",
        "too_many_blocks": "Von hier an als einfacher Text gezeigt: Das Dokument hat mehr als {limit:,} Teile.",
        "too_many_marks": "Von hier an als einfacher Text gezeigt: Das Dokument hat mehr als {limit:,} Auszeichnungen.",
        "image_too_large": "weggelassen, weil zu groß",
        "image_broken": "weggelassen, weil kein PNG, JPEG, GIF oder WebP",
    }
)
LANGUAGES: Mapping[str, Mapping[Phrase, str]] = MappingProxyType({"en": _ENGLISH, "de": _GERMAN})


def words(language: str) -> Mapping[Phrase, str]:
    """The phrases of `language`.

    Raises
    ------
    InvalidInput : for a language that has none.
    """
    if language not in LANGUAGES:
        raise InvalidInput(
            f"there are no words for the language {language!r}; there are {', '.join(LANGUAGES)}"
        )
    return LANGUAGES[language]

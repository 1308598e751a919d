"""Headings: an id for each that is unique, safe and readable."""

from __future__ import annotations

import re

from nyxcore.markup.characters import plain
from nyxcore.markup.models import Heading
from nyxcore.markup.targets import SECTION

_DROPPED = re.compile(r"[^\w\- ]+")
MAX_SLUG = 80
MAX_TEXT = 500


class Headings:
    """The headings of one document, in order."""

    def __init__(self) -> None:
        self.found: list[Heading] = []
        self._next: dict[str, int] = {}

    def add(self, level: int, text: str) -> Heading:
        """Give the next heading its id: GitHub's way to make one from the text, behind `section-`."""
        text = plain(" ".join(text.split())[:MAX_TEXT])
        heading = Heading(
            level, SECTION + self._unique(_DROPPED.sub("", text.lower()).strip().replace(" ", "-")), text
        )
        self.found.append(heading)
        return heading

    def _unique(self, slug: str) -> str:
        slug = slug[:MAX_SLUG] or "untitled"
        base, number = slug, self._next.get(slug, 0)
        while slug in self._next:
            number += 1
            slug = f"{base}-{number}"
        self._next[base] = number
        self._next.setdefault(slug, 0)
        return slug

"""Keyset paging: a page is what follows a key, so rows that come or go elsewhere never shift it.

A cursor is opaque to clients: base64url of the list's name and the last key of the page before. A
cursor of one list is refused by another.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from nyxcore.errors import BadCursor

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True)
class PageRequest:
    """Which page is asked for: at most `limit` rows after `cursor`, from the start without one."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def after_id(self, list_name: str) -> UUID | None:
        """The id after which the page begins. Raises BadCursor for one that this list never issued."""
        key = _decode(list_name, self.cursor)
        if key is None:
            return None
        try:
            return UUID(key)
        except ValueError:
            raise _bad(self.cursor) from None

    def after_position(self, list_name: str) -> int | None:
        """The position after which the page begins. Raises BadCursor for one that this list never issued."""
        key = _decode(list_name, self.cursor)
        if key is None:
            return None
        if not (key.isascii() and key.isdigit() and int(key) < 1 << 31):
            raise _bad(self.cursor)
        return int(key)


@dataclass(frozen=True)
class Page[T]:
    """Some rows of a list, and the cursor of the page after them (None at the end)."""

    items: Sequence[T]
    next_cursor: str | None


def cut[T](rows: Sequence[T], limit: int, list_name: str, key: Callable[[T], UUID | int]) -> Page[T]:
    """The page of `limit` rows out of `limit + 1` that were read: the last row only says that more follow."""
    items = rows[:limit]
    more = len(rows) > limit
    return Page(items, _encode(list_name, str(key(items[-1]))) if more else None)


def _encode(list_name: str, key: str) -> str:
    return base64.urlsafe_b64encode(f"{list_name}:{key}".encode()).rstrip(b"=").decode()


def _decode(list_name: str, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (UnicodeError, binascii.Error):
        raise _bad(cursor) from None
    name, colon, key = text.partition(":")
    if not colon or name != list_name:
        raise _bad(cursor)
    return key


def _bad(cursor: str | None) -> BadCursor:
    return BadCursor(
        f"the cursor {cursor!r} was not issued for this list; use nextCursor of a page, or leave it out"
    )

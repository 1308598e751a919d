"""From the rows and columns that ruff reports to byte offsets.

ruff breaks rows at CR LF, CR and LF and at nothing else (no form feed, no U+2028), counts columns in
characters from 1, and does not count a byte order mark.
"""

from __future__ import annotations

from bisect import bisect_right
from codecs import BOM_UTF8
from itertools import accumulate


class Rows:
    """Where the rows of one content begin.

    Parameters
    ----------
    content : UTF-8, with or without a byte order mark.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._ascii = content.isascii()
        self._starts = list(accumulate(map(len, content.splitlines(keepends=True)), initial=0))
        if content and content[-1] not in b"\r\n":
            self._starts.pop()
        if content.startswith(BOM_UTF8):
            self._starts[0] = len(BOM_UTF8)

    def offset(self, row: int, column: int) -> int:
        """Byte offset of a row and column, both from 1; ValueError when the file has no such place."""
        if not 1 <= row <= len(self._starts) or column < 1:
            raise ValueError(f"row {row}, column {column} is not in the file")
        start = self._starts[row - 1]
        if self._ascii or column == 1:
            offset = start + column - 1
        else:
            stop = self._starts[row] if row < len(self._starts) else len(self._content)
            offset = start + len(self._content[start:stop].decode()[: column - 1].encode())
        if offset > len(self._content):
            raise ValueError(f"row {row}, column {column} is not in the file")
        return offset

    def row(self, offset: int) -> int:
        """The row, from 1, that holds the byte at `offset`."""
        return max(1, bisect_right(self._starts, offset))

    def begin(self, row: int) -> int:
        """Offset of the first byte of a row; of the content's end for the row behind the last."""
        return self._starts[row - 1] if row <= len(self._starts) else len(self._content)

    def text(self, row: int) -> bytes:
        """The bytes of a row, with its line end."""
        return self._content[self.begin(row) : self.begin(row + 1)]

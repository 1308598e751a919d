"""What Chromium does not do to its PDFs: author, creator, dates and id; and what it has written, read back.

Chromium (Skia) writes PDF 1.4 with one cross-reference table and without object streams, so an object is found by its
number and replaced in place. ISO 32000-1: 7.5 file structure, 12.3.2.3 named destinations, 14.3.3 information,
14.4 ids.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from nyxpdf.errors import BrowserFailed

_START: Final = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_ENTRY: Final = 20  # bytes of a line of the cross-reference table
_REFERENCE: Final = re.compile(rb"(\d+) 0 R")
_DESTINATION: Final = re.compile(rb"/([^\s\[\]<>()/]+)\s*\[(\d+) 0 R\s*/XYZ")
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_TITLE: Final = re.compile(rb"/Title\s*(<[0-9A-Fa-f\s]*>|\((?:[^()\\]|\\.)*\))", re.DOTALL)
_PRODUCER: Final = re.compile(rb"/Producer\s*(\([^()\\]*\))")


class Pdf:
    """A PDF as Chromium has written it. Raises BrowserFailed when it is none."""

    def __init__(self, data: bytes) -> None:
        start = _START.search(data, max(0, len(data) - 64))
        if not data.startswith(b"%PDF-") or start is None:
            raise BrowserFailed("Chromium has answered with something that is no PDF.")
        self._data = data
        self._table = int(start[1])
        head = re.compile(rb"xref\s+0 (\d+)\s*\n").match(data, self._table)
        if head is None:
            raise BrowserFailed("Chromium's PDF has no cross-reference table.")
        self._first, self._count = head.end(), int(head[1])
        self._trailer = data[self._first + self._count * _ENTRY : start.start()]
        self._catalog = self._object(self._number(self._trailer, b"Root"))

    def page_count(self) -> int:
        """Number of its pages."""
        root = self._object(self._number(self._catalog, b"Pages"))
        return int(_required(re.search(rb"/Count (\d+)", root))[1])

    def pages_of(self) -> dict[str, int]:
        """The page, counted from 1, of every id to which the document has a link."""
        if b"/Dests" not in self._catalog:
            return {}
        order = {number: place for place, number in enumerate(self._leaves(), start=1)}
        found = _DESTINATION.findall(self._object(self._number(self._catalog, b"Dests")))
        return {_name(name): order[int(page)] for name, page in found}

    def stamped(self, *, author: str, created: datetime) -> bytes:
        """The same document with author, creator and dates, and an id that follows from its content."""
        number = self._number(self._trailer, b"Info")
        old = self._object(number)
        title, producer = _TITLE.search(old), _PRODUCER.search(old)
        day = created.astimezone(UTC).strftime("(D:%Y%m%d%H%M%SZ)").encode()
        entries = {
            b"Title": title[1] if title else b"()",
            b"Author": _text(author),
            b"Creator": b"(nyxcore)",
            b"Producer": producer[1] if producer else b"(Chromium)",
            b"CreationDate": day,
            b"ModDate": day,
        }
        new = b"<<" + b"\n".join(b"/%s %s" % entry for entry in entries.items()) + b">>"
        return self._replaced(number, old, new)

    def _replaced(self, number: int, old: bytes, new: bytes) -> bytes:
        begin = self._data.index(old, self._offset(number))
        longer = len(new) - len(old)
        body = self._data[:begin] + new + self._data[begin + len(old) : self._table]
        lines = []
        for each in range(self._count):
            line = self._line(each)
            offset = int(line[:10])
            lines.append(b"%010d" % (offset + longer) + line[10:] if offset > begin else line)
        identity = hashlib.sha256(body).hexdigest()[:32].encode()
        trailer = self._trailer.rstrip().removesuffix(b">>") + b"\n/ID [<%s> <%s>]>>" % (identity, identity)
        table = b"xref\n0 %d\n" % self._count + b"".join(lines)
        return b"%s%s%s\nstartxref\n%d\n%%%%EOF\n" % (body, table, trailer, len(body))

    def _leaves(self) -> list[int]:
        """Numbers of the page objects in reading order."""
        waiting, found = [self._number(self._catalog, b"Pages")], []
        while waiting:
            number = waiting.pop()
            node = self._object(number)
            kids = re.search(rb"/Kids \[([^\]]*)\]", node)
            if kids:
                waiting += [int(kid) for kid in reversed(_REFERENCE.findall(kids[1]))]
            else:
                found.append(number)
        return found

    def _line(self, number: int) -> bytes:
        start = self._first + number * _ENTRY
        return self._data[start : start + _ENTRY]

    def _offset(self, number: int) -> int:
        return int(self._line(number)[:10])

    def _object(self, number: int) -> bytes:
        """The bytes of an object that has no stream."""
        begin = self._data.index(b"obj", self._offset(number)) + 3
        return self._data[begin : self._data.index(b"endobj", begin)].strip()

    def _number(self, dictionary: bytes, key: bytes) -> int:
        return int(_required(re.search(rb"/%s (\d+) 0 R" % key, dictionary))[1])


def _required(found: re.Match[bytes] | None) -> re.Match[bytes]:
    if found is None:
        raise BrowserFailed("Chromium's PDF is not built as it used to be.")
    return found


def _name(written: bytes) -> str:
    """The id that a name object stands for: Skia has escaped what Blink had percent-encoded."""
    return unquote(
        _ESCAPE.sub(lambda code: bytes.fromhex(code[1].decode()), written).decode("ascii", "replace")
    )


def _text(value: str) -> bytes:
    """A text string: UTF-16 with its byte order mark, in hexadecimal."""
    return b"<" + (b"\xfe\xff" + value.encode("utf-16-be")).hex().upper().encode() + b">"

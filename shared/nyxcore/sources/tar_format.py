"""The tar format: a reader that trusts nothing, and the headers of our own packs.

POSIX.1-2017 pax(1), "ustar Interchange Format" and "pax Header Block", and GNU tar's long names and base-256
numbers. Not `tarfile`: that reads extension headers of any size into memory, keeps every member it has seen,
and takes five times as long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nyxcore.sources.streams import ArchiveBroken, Stream

BLOCK = 512
END = bytes(2 * BLOCK)
_ZEROS = bytes(BLOCK)
_COMMENT = re.compile(rb"(?:\A|\n)\d+ comment=([^\n]+)\n")
_MAX_EXTENSION = 1 << 20  # bytes of an extension header; a path takes 4 KiB at the most


@dataclass(frozen=True, slots=True)
class TarMember:
    """One member: the bytes of its name, how much content follows, and its type flag."""

    name: bytes
    size: int
    flag: bytes

    @property
    def is_file(self) -> bool:
        return self.flag in (b"0", b"\0", b"7")

    @property
    def is_folder(self) -> bool:
        return self.flag == b"5"

    @property
    def is_link(self) -> bool:
        return self.flag in (b"1", b"2")


class TarReader:
    """Goes through the members of a tar in order; content is read on demand, or passed over."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = 0  # of the present member's content and padding
        self._size = 0
        self._name = b""
        self.comment: bytes | None = None
        """The comment in a header for all members; `git archive` writes the commit there."""

    def next(self) -> TarMember | None:
        """The next member, or None at the end marker. Raises ArchiveBroken."""
        name: bytes | None = None
        size: int | None = None
        sparse = False
        while True:
            self._pass_over()
            block = self._stream.read(BLOCK)
            if block == _ZEROS:
                return None
            member = _parse(block, after=self._name)
            if member.flag in (b"x", b"g", b"L", b"K"):
                body = self._extension(member)
                if member.flag == b"g" and (found := _COMMENT.search(body)):
                    self.comment = found[1]
                elif member.flag == b"x":
                    name, size, sparse = _pax(body, name, size)
                elif member.flag == b"L":
                    name = body.partition(b"\0")[0]
                continue
            flag = b"S" if sparse else member.flag
            size = member.size if size is None else size
            return self._begin(member.name if name is None else name, size, flag)

    def content(self) -> bytes:
        """The whole content of the member that `next` gave last."""
        data = self._stream.read(self._size)
        self._left -= len(data)
        if len(data) < self._size:
            raise ArchiveBroken(f"ends in the middle of {_shown(self._name)}")
        return data

    def _begin(self, name: bytes, size: int, flag: bytes) -> TarMember:
        if flag in (b"0", b"\0") and name.endswith(b"/"):
            flag = b"5"  # how tars before POSIX wrote a folder
        has_content = flag not in (b"1", b"2", b"3", b"4", b"5", b"6")
        self._name, self._size = name, size if has_content else 0
        self._left = self._size + -self._size % BLOCK
        return TarMember(name, self._size, flag)

    def _extension(self, member: TarMember) -> bytes:
        if member.size > _MAX_EXTENSION:
            raise ArchiveBroken(
                f"has an extension header of {member.size:,} bytes after {_shown(self._name)}"
            )
        self._size = member.size
        self._left = member.size + -member.size % BLOCK
        return self.content()

    def _pass_over(self) -> None:
        if self._left and self._stream.skip(self._left) < self._left:
            raise ArchiveBroken(f"ends in the middle of {_shown(self._name)}")
        self._left = 0


def is_header(block: bytes) -> bool:
    """Whether `block` is the header of a member, by its checksum."""
    try:
        _parse(block, after=b"")
    except ArchiveBroken:
        return False
    return True


def _parse(block: bytes, *, after: bytes) -> TarMember:
    if len(block) < BLOCK:
        raise ArchiveBroken(f"is cut off after {_shown(after)}: its end marker is missing")
    total = sum(block) - sum(block[148:156]) + 8 * 0x20
    try:
        if _number(block[148:156]) != total:
            raise ArchiveBroken(f"is damaged after {_shown(after)}: a header's checksum is wrong")
        size = _number(block[124:136])
    except ValueError:
        raise ArchiveBroken(
            f"is damaged after {_shown(after)}: a header holds no number where one belongs"
        ) from None
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and prefix:
        name = prefix + b"/" + name
    return TarMember(name, size, block[156:157])


def _number(field: bytes) -> int:
    """An octal number, or GNU's base 256. Raises ValueError; a negative number is none."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:])
    text = field.partition(b"\0")[0].strip()
    if text and not text.isdigit():
        raise ValueError
    return int(text or b"0", 8)


def _pax(body: bytes, name: bytes | None, size: int | None) -> tuple[bytes | None, int | None, bool]:
    """Name, size and whether the member is sparse, from `length key=value` records."""
    sparse = False
    at = 0
    while at < len(body) and body[at : at + 1] != b"\0":
        length, _, _ = body[at : at + 20].partition(b" ")
        end = at + int(length) if length.isdigit() else at
        if not at + len(length) + 1 < end <= len(body):
            raise ArchiveBroken("holds an extension header that cannot be read")
        key, _, value = body[at + len(length) + 1 : end].removesuffix(b"\n").partition(b"=")
        if key == b"path":
            name = value
        elif key == b"size":
            if not value.isdigit() or len(value) > 20:
                raise ArchiveBroken("holds an extension header whose size is no number")
            size = int(value)
        sparse = sparse or key.startswith(b"GNU.sparse.")
        at = end
    return name, size, sparse


def _shown(name: bytes) -> str:
    return repr(name[:200].decode("utf-8", "backslashreplace")) if name else "its first byte"


def header(path: bytes, size: int) -> bytes:
    """The header of a regular file, the same for the same two: mode 0644, owner 0, time 0.

    A path that is not ASCII, or longer than 100 bytes, stands in a pax header before it.
    """
    if len(path) <= 100 and path.isascii():
        return _ustar(path, size, b"0")
    record = b" path=" + path + b"\n"
    length = len(record)
    while length != len(str(length)) + len(record):
        length = len(str(length)) + len(record)
    body = str(length).encode() + record
    short = path.decode("utf-8").encode("ascii", "replace")[-100:]
    return _ustar(b"pax", len(body), b"x") + body + bytes(-len(body) % BLOCK) + _ustar(short, size, b"0")


_BEFORE_SIZE = b"0000644\0" + b"0000000\0" * 2
_TIME = b"%011o\0" % 0
_AFTER_FLAG = bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(155 + 12)
_FIXED_SUM = sum(_BEFORE_SIZE) + sum(_TIME) + 8 * 0x20 + sum(_AFTER_FLAG)


def _ustar(name: bytes, size: int, flag: bytes) -> bytes:
    digits = b"%011o\0" % size
    checksum = b"%06o\0 " % (_FIXED_SUM + sum(name) + sum(digits) + flag[0])
    return b"".join((name.ljust(100, b"\0"), _BEFORE_SIZE, digits, _TIME, checksum, flag, _AFTER_FLAG))

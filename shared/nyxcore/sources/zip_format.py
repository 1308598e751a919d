"""The zip format (PKWARE APPNOTE 6.3.10): the central directory, and one member's content at a time.

Not `zipfile`: that takes the whole central directory into memory before anyone has counted it, refuses an
archive for one name that is not the UTF-8 it says it is, and decodes other names as code page 437.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from nyxcore.sources.streams import ArchiveBroken

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")  # a first member, or an empty archive
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True, slots=True)
class ZipMember:
    """One entry of the central directory.

    Attributes
    ----------
    name : bytes as they stand there, whatever encoding the flags promise.
    size, packed : bytes of the content and of what it is compressed to, as the directory says.
    offset : of the local header, from the start of the file.
    mode : Unix mode, 0 when there is none.
    """

    name: bytes
    size: int
    packed: int
    method: int
    crc: int
    offset: int
    mode: int

    @property
    def is_folder(self) -> bool:
        return self.name.endswith(b"/") or stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def is_special(self) -> bool:
        return stat.S_IFMT(self.mode) not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)

    @property
    def problem(self) -> str | None:
        """Why the content cannot be read here, None when it can."""
        return None if self.method in (_STORED, _DEFLATED) else f"compressed by method {self.method}"


def members(file: BinaryIO) -> Iterator[ZipMember]:
    """The members in the order of the central directory, read as they are asked for.

    Raises ArchiveBroken for a directory that is damaged or cut off, and for an encrypted member.
    """
    start, end, shift = _directory(file)
    file.seek(start)
    at = start
    while at < end:
        row = _row(file, _CENTRAL, b"PK\x01\x02")
        flags, method, crc, packed, size = row[3], row[4], row[7], row[8], row[9]
        name_length, extra_length, comment_length = row[10], row[11], row[12]
        name = file.read(name_length)
        extra = file.read(extra_length)
        file.seek(comment_length, os.SEEK_CUR)
        at += _CENTRAL.size + name_length + extra_length + comment_length
        if at > end:
            raise ArchiveBroken("holds a damaged central directory")
        if flags & _ENCRYPTED:
            raise ArchiveBroken(f"is encrypted ({_shown(name)} is); pack it without a password")
        size, packed, offset = _wide(extra, size, packed, row[16])
        yield ZipMember(name, size, packed, method, crc, offset + shift, row[15] >> 16)


def refuse_overlaps(found: list[ZipMember]) -> None:
    """Raise ArchiveBroken where two members share bytes: no packer writes that, bombs do."""
    end, before = 0, b""
    for member in sorted(found, key=lambda member: member.offset):
        if member.offset < end:
            raise ArchiveBroken(f"holds members that overlap ({_shown(before)} and {_shown(member.name)})")
        end, before = member.offset + _LOCAL.size + len(member.name) + member.packed, member.name


def content(file: BinaryIO, member: ZipMember) -> bytes:
    """The content of a member, at most `member.size` bytes of memory more than it is.

    Raises ArchiveBroken when it is not what the central directory says.
    """
    if member.packed > 2 * member.size + 1024:
        raise ArchiveBroken(f"is damaged: {_shown(member.name)} is packed to far more than its size")
    file.seek(member.offset)
    row = _row(file, _LOCAL, b"PK\x03\x04")
    file.seek(row[9] + row[10], os.SEEK_CUR)
    data = file.read(member.packed)
    if member.method == _DEFLATED:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflate.decompress(data, member.size + 1)
        except zlib.error as error:
            raise ArchiveBroken(f"is damaged: {_shown(member.name)} cannot be unpacked ({error})") from None
    if len(data) != member.size or zlib.crc32(data) != member.crc:
        raise ArchiveBroken(f"is damaged: {_shown(member.name)} does not hold what its header says")
    return data


def comment(file: BinaryIO) -> bytes:
    """The comment of the archive; `git archive` writes the commit there. Raises ArchiveBroken."""
    row, end = _end(file)
    file.seek(end + _END.size)
    return file.read(row[7])


def _directory(file: BinaryIO) -> tuple[int, int, int]:
    """Start and end of the central directory, and how far every offset is off by bytes put in front."""
    row, end = _end(file)
    disk, size, offset = row[1], row[5], row[6]
    disk, size, offset, end = _zip64(file, end) or (disk, size, offset, end)
    if disk:
        raise ArchiveBroken("is one part of several; join them first")
    start = end - size
    if start < offset:
        raise ArchiveBroken("is cut off or damaged: its central directory is not where it should be")
    return start, end, start - offset


def _end(file: BinaryIO) -> tuple[tuple[int, ...], int]:
    """The record at the end of the central directory, and where it begins."""
    total = file.seek(0, os.SEEK_END)
    tail_start = max(total - _END.size - 0xFFFF, 0)
    file.seek(tail_start)
    tail = file.read()
    at = len(tail)
    while (at := tail.rfind(b"PK\x05\x06", 0, at)) >= 0:
        if at + _END.size <= len(tail):
            row = _END.unpack_from(tail, at)
            if at + _END.size + row[7] <= len(tail):
                return row, tail_start + at
    raise ArchiveBroken("is cut off or damaged: it has no central directory")


def _zip64(file: BinaryIO, end: int) -> tuple[int, int, int, int] | None:
    """Disk, size, offset and end of the directory as the zip64 records say; None when there are none."""
    at = end - _LOCATOR.size - _END64.size
    if at < 0:
        return None
    file.seek(at)
    record, locator = file.read(_END64.size), file.read(_LOCATOR.size)
    if not (record.startswith(b"PK\x06\x06") and locator.startswith(b"PK\x06\x07")):
        return None
    row = _END64.unpack(record)
    return row[4], row[8], row[9], at


def _wide(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Size, packed size and offset, taken from the zip64 field where the short fields are full."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            values = iter(struct.unpack_from(f"<{length // 8}Q", extra[: at + 4 + length], at + 4))
            try:
                size = next(values) if size == 0xFFFFFFFF else size
                packed = next(values) if packed == 0xFFFFFFFF else packed
                offset = next(values) if offset == 0xFFFFFFFF else offset
            except StopIteration:
                raise ArchiveBroken("holds a damaged zip64 field") from None
        at += 4 + length
    return size, packed, offset


def _row(file: BinaryIO, layout: struct.Struct, signature: bytes) -> tuple[int, ...]:
    data = file.read(layout.size)
    if len(data) < layout.size or not data.startswith(signature):
        raise ArchiveBroken("is damaged: a header is not where it should be")
    row: tuple[int, ...] = layout.unpack(data)
    return row


def _shown(name: bytes) -> str:
    return repr(name[:200].decode("utf-8", "backslashreplace"))

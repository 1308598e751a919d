"""Bytes of an archive in order, plain or gzipped (RFC 1952), with limits that hold before memory is taken."""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO, Protocol

_CHUNK = 1 << 18
_GZIP = b"\x1f\x8b"
MAX_UNPACKED = 2 << 30
MAX_RATIO = 200
RATIO_COUNTS_FROM = 100 << 20  # unpacked bytes; below this a high ratio harms nobody


class ArchiveBroken(Exception):
    """The archive cannot be read, or must not be. The message continues "The archive ..."."""


class Stream(Protocol):
    """Bytes in order."""

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end."""

    def skip(self, size: int) -> int:
        """Pass over `size` bytes; how many there were."""


class PlainStream(Stream):
    """The bytes of a file as they are."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def read(self, size: int) -> bytes:
        """The next `size` bytes of the file."""
        return self._file.read(size)

    def skip(self, size: int) -> int:
        """Pass over `size` bytes; reads what is buffered anyway and seeks over the rest."""
        if size <= _CHUNK:
            return len(self._file.read(size))
        at = self._file.tell()
        there = min(size, max(self._size - at, 0))
        self._file.seek(at + there)
        return there


class GzipStream(Stream):
    """What a gzip file unpacks to: one member after another, at most `MAX_UNPACKED` bytes.

    Bytes behind the last member that are no gzip are left alone, as gzip(1) does.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._packed = os.fstat(file.fileno()).st_size
        self._inflate = zlib.decompressobj(31)
        self._piece = b""
        self._at = 0
        self._produced = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        """The next `size` bytes. Raises ArchiveBroken for damaged, cut off or overlarge data."""
        if size <= len(self._piece) - self._at:
            self._at += size
            return self._piece[self._at - size : self._at]
        taken = []
        while size and (self._at < len(self._piece) or self._fill()):
            part = self._piece[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            taken.append(part)
        return b"".join(taken)

    def skip(self, size: int) -> int:
        """Unpack and drop `size` bytes."""
        wanted = size
        while size and (self._at < len(self._piece) or self._fill()):
            step = min(size, len(self._piece) - self._at)
            self._at += step
            size -= step
        return wanted - size

    def finish(self) -> None:
        """Unpack what is left, so that the checksum at the end is compared."""
        while self._fill():
            self._at = len(self._piece)

    def _fill(self) -> bool:
        self._piece, self._at = b"", 0
        while not self._piece and not self._ended:
            if self._inflate.eof:
                self._next_member()
                continue
            packed = self._inflate.unconsumed_tail or self._file.read(_CHUNK)
            try:
                self._piece = self._inflate.decompress(packed, _CHUNK)
            except zlib.error as error:
                raise ArchiveBroken(f"holds damaged gzip data ({error})") from None
            if not packed and not self._piece and not self._inflate.eof:
                raise ArchiveBroken("is cut off: its gzip data end too early")
        self._produced += len(self._piece)
        check_size(self._produced, self._packed)
        return bool(self._piece)

    def _next_member(self) -> None:
        rest = self._inflate.unused_data
        if len(rest) < len(_GZIP):
            rest += self._file.read(_CHUNK)
        if not rest.startswith(_GZIP):
            self._ended = True
            return
        self._inflate = zlib.decompressobj(31)
        try:
            self._piece = self._inflate.decompress(rest, _CHUNK)
        except zlib.error as error:
            raise ArchiveBroken(f"holds damaged gzip data ({error})") from None


def check_size(unpacked: int, packed: int) -> None:
    """Raise ArchiveBroken when an archive of `packed` bytes unpacks to more than it should."""
    if unpacked > MAX_UNPACKED:
        raise ArchiveBroken(f"unpacks to more than {MAX_UNPACKED >> 30} GiB, the most that is taken")
    if unpacked > RATIO_COUNTS_FROM and unpacked > MAX_RATIO * packed:
        raise ArchiveBroken(
            f"unpacks to more than {MAX_RATIO} times its {packed:,} bytes, as only a decompression bomb does"
        )

"""Packs a repository for the tasks that follow, and unpacks it again.

A pack is a tar (POSIX ustar, pax where a path needs it) with the same bytes for the same files: sorted paths,
mode 0644, owner 0, time 0. Beside each stands the list of its entries, so that a task reads its own pack's
alone; `manifest.json` holds what is true of the whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nyxcore.errors import SourceRefused
from nyxcore.sources import classify, tar_format
from nyxcore.sources.models import (
    MAX_NOTES,
    Entry,
    Kind,
    Language,
    LeftOut,
    Manifest,
    Pack,
    Progress,
    Reason,
    Totals,
    printable,
)
from nyxcore.sources.streams import ArchiveBroken, PlainStream
from nyxcore.sources.walk import Candidate, Listing, TooLarge

MAX_PACK_BYTES = 32 << 20
MAX_PACK_FILES = 2_000
MANIFEST = "manifest.json"
_PROGRESS_EVERY = 64
_BUFFER = 1 << 20
_SENTENCES = {
    Reason.LINK: "Links are not followed",
    Reason.SPECIAL: "Devices, pipes and sockets are not opened",
    Reason.BAD_NAME: "No patch can carry names that are not UTF-8, too long, or with control characters or backslashes",
    Reason.UNREADABLE: "Some files or folders could not be read",
}


def build(listing: Listing, out: Path, *, on_progress: Progress | None = None) -> Manifest:
    """Read every candidate once, and write packs, their entries and the manifest.

    Parameters
    ----------
    listing : from `read_folder` or `read_archive`; it can be built again.
    out : folder (made if missing) for `manifest.json`, `pack-0000.tar`, `pack-0000.jsonl`, ...
    on_progress : called now and then, and at the end; what it raises ends the build.

    Returns
    -------
    The manifest that was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    packer = _Packer(listing, out)
    total = len(listing.candidates)
    try:
        for done, candidate in enumerate(listing.candidates):
            if on_progress and done % _PROGRESS_EVERY == 0:
                on_progress(done, total)
            packer.take(candidate)
    finally:
        packer.close_pack()
    if on_progress:
        on_progress(total, total)
    manifest = packer.manifest()
    (out / MANIFEST).write_text(manifest.to_json(), encoding="utf-8", newline="\n")
    return manifest


def unpack(pack: Path, into: Path) -> None:
    """Write the files of one of our packs below `into`, which is made if missing; what is there is replaced.

    Raises
    ------
    SourceRefused
        The pack is damaged, or is none of ours.
    """
    into.mkdir(parents=True, exist_ok=True)
    base = os.fsencode(into) + b"/"
    made: set[bytes] = set()
    for path, content in _contents(pack):
        folder = path.rpartition(b"/")[0]
        if folder not in made:
            os.makedirs(base + folder, exist_ok=True)  # noqa: PTH103 - paths are bytes
            made.add(folder)
        _write(base + path, content)


def _write(path: bytes, content: bytes) -> None:
    """Three system calls a file: where each is slow, `open` would double the time of a pack."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        written = os.write(file, content)
        while written < len(content):  # the disk is nearly full: the next call says so
            written += os.write(file, content[written:])
    finally:
        os.close(file)


def read_pack(pack: Path) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file of one of our packs, without writing any. Raises SourceRefused."""
    for path, content in _contents(pack):
        yield path.decode("utf-8"), content


def _contents(pack: Path) -> Iterator[tuple[bytes, bytes]]:
    try:
        with pack.open("rb", buffering=_BUFFER) as file:
            reader = tar_format.TarReader(PlainStream(file))
            while (member := reader.next()) is not None:
                parts = member.name.split(b"/")
                if not member.is_file or any(part in (b"", b".", b"..") for part in parts):
                    raise ArchiveBroken(f"holds {printable(member.name)!r}, which no pack of ours does")
                yield member.name, reader.content()
    except ArchiveBroken as error:
        raise SourceRefused(f"The pack {pack.name} {error}. Start the run again.") from None


class _Packer:
    def __init__(self, listing: Listing, out: Path) -> None:
        self._tree = listing.tree
        self._tally = listing.tally.copy()
        self._notes = [*listing.notes]
        self._commit = listing.commit
        self._out = out
        self._packs: list[Pack] = []
        self._tar: BinaryIO | None = None
        self._lines: BinaryIO | None = None
        self._files = self._bytes = 0  # of the open pack
        self._tree_hash = hashlib.sha256()
        self._sources: dict[Language, int] = {}
        self._references = 0

    def take(self, candidate: Candidate) -> None:
        """Read, judge, hash and pack one file, or count why not."""
        path, kind, language, limit, counted = candidate
        try:
            content = self._tree.read(path, limit)
        except TooLarge:
            if not counted:
                self._tally.add(Reason.TOO_LARGE, path)
            return
        except OSError as error:
            self._tally.add(Reason.UNREADABLE, path)
            self._notes.append(f"{printable(path)} could not be read: {error.strerror or error}.")
            return
        reason = None
        if kind is Kind.SOURCE and language is not None:
            reason = classify.by_content(content, language)
        elif classify.is_binary(content):
            reason = Reason.BINARY
        if reason is not None:
            if not counted:
                self._tally.add(reason, path)
            if reason is Reason.BINARY or language is not Language.PYTHON:
                return
            kind = Kind.REFERENCE
        self._pack(path, kind, language, content)

    def _pack(self, path: bytes, kind: Kind, language: Language | None, content: bytes) -> None:
        if self._files == MAX_PACK_FILES or (self._files and self._bytes + len(content) > MAX_PACK_BYTES):
            self.close_pack()
        if self._tar is None or self._lines is None:
            stem = f"pack-{len(self._packs):04}"
            self._tar = (self._out / f"{stem}.tar").open("wb", buffering=_BUFFER)
            self._lines = (self._out / f"{stem}.jsonl").open("wb", buffering=_BUFFER)
        digest = hashlib.sha256(content).hexdigest()
        entry = Entry(path.decode("utf-8"), len(content), digest, kind, language, len(self._packs))
        self._tar.write(tar_format.header(path, len(content)))
        self._tar.write(content)
        self._tar.write(bytes(-len(content) % tar_format.BLOCK))
        self._lines.write(entry.line().encode("utf-8") + b"\n")
        self._tree_hash.update(b"%b\0%b\0%b\n" % (path, digest.encode(), kind.encode()))
        self._files += 1
        self._bytes += len(content)
        if kind is Kind.SOURCE and language is not None:
            self._sources[language] = self._sources.get(language, 0) + 1
        else:
            self._references += 1

    def close_pack(self) -> None:
        """Finish the open pack, if there is one."""
        if self._tar is None or self._lines is None:
            return
        self._tar.write(tar_format.END)
        self._tar.close()
        self._lines.close()
        stem = f"pack-{len(self._packs):04}"
        self._packs.append(Pack(f"{stem}.tar", f"{stem}.jsonl", self._files, self._bytes))
        self._tar = self._lines = None
        self._files = self._bytes = 0

    def manifest(self) -> Manifest:
        """What was packed and what was not."""
        totals = Totals(
            files=sum(pack.files for pack in self._packs),
            bytes=sum(pack.bytes for pack in self._packs),
            sources={language: self._sources[language] for language in Language if language in self._sources},
            references=self._references,
        )
        reasons = self._tally.reasons
        skipped = {reason: reasons[reason] for reason in Reason if reason in reasons}
        notes = self._notes[:MAX_NOTES]
        if len(self._notes) > MAX_NOTES:
            notes.append(f"{len(self._notes) - MAX_NOTES:,} more notes like these were left out.")
        notes += [_note(text, reasons[reason]) for reason, text in _SENTENCES.items() if reason in reasons]
        return Manifest(self._tree_hash.hexdigest(), totals, self._packs, skipped, notes, self._commit)


def _note(text: str, left_out: LeftOut) -> str:
    return f"{text}: {left_out.count:,} left out, such as {left_out.examples[0]}."

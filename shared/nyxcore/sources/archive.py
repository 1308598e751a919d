"""A repository in an uploaded archive, which is hostile until proven otherwise.

The names of members never become names of files: the content of every member worth opening goes into one
file, and the tree of names stands in memory. So nothing can be written outside the work folder, no link can
be made, and what the walk leaves out was never unpacked.
"""

from __future__ import annotations

import os
import re
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from nyxcore.errors import SourceRefused
from nyxcore.sources import classify, gitignore, tar_format, zip_format
from nyxcore.sources.checkout import commit_in
from nyxcore.sources.models import Reason, Tally
from nyxcore.sources.streams import ArchiveBroken, GzipStream, PlainStream, Stream, check_size
from nyxcore.sources.walk import MAX_DEPTH, MAX_PATH_BYTES, Listing, Node, TooLarge, Tree, Type, walk

MAX_FILES = 100_000
MAX_FOLDERS = 100_000
_SPOOL = "members.bin"
_DRIVE = re.compile(rb"[A-Za-z]:")
_JUNK = re.compile(rb"__MACOSX|\.DS_Store|\._.*|pax_global_header", re.DOTALL)
_NOT_KEPT = classify.TOOL_FOLDERS | classify.INSTALLED_FOLDERS


@dataclass(slots=True)
class _File:
    """A regular member. `offset` into the spool, or -1 when its content was not kept."""

    size: int
    offset: int = -1
    problem: str | None = None


type _Folder = dict[bytes, _Folder | _File | Type]  # Type: a link or a special file


class ArchiveTree(Tree):
    """The members of an archive, as a tree; what is worth reading lies in the spool."""

    def __init__(self, root: _Folder, spool: Path) -> None:
        self._root = root
        self._spool = os.open(spool, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._spool)

    def list(self, folder: bytes) -> list[Node]:
        """The names in `folder`."""
        found = self._find(folder) if folder else self._root
        if not isinstance(found, dict):
            raise NotADirectoryError(folder)
        return [Node(name, _type(member)) for name, member in found.items()]

    def read(self, path: bytes, limit: int) -> bytes:
        """The content of a member that was kept."""
        found = self._find(path)
        if not isinstance(found, _File):
            raise FileNotFoundError(path)
        if found.size > limit:
            raise TooLarge
        if found.offset < 0:
            raise OSError(0, found.problem or "its content was not kept")
        return os.pread(self._spool, found.size, found.offset)

    def _find(self, path: bytes) -> _Folder | _File | Type | None:
        found: _Folder | _File | Type | None = self._root
        for part in path.split(b"/"):
            found = found.get(part) if isinstance(found, dict) else None
        return found


def _type(member: _Folder | _File | Type) -> Type:
    if isinstance(member, dict):
        return Type.FOLDER
    return Type.FILE if isinstance(member, _File) else member


class _Members:
    """Takes members one by one, checks names and limits, and keeps what is worth reading."""

    def __init__(self, spool: BinaryIO, packed: int) -> None:
        self.root: _Folder = {}
        self.tally = Tally()
        self.replaced = 0
        self._spool = spool
        self._packed = packed
        self._unpacked = self._files = self._folders = 0

    def folder(self, name: bytes) -> None:
        """Add a folder of its own, which may be empty."""
        if parts := self._parts(name):
            self._enter(parts)

    def other(self, name: bytes, kind: Type) -> None:
        """Add a link or a special file: it is counted, and never made."""
        self._add(self._parts(name), kind)

    def file(self, name: bytes, size: int, problem: str | None = None) -> _File | None:
        """Add a regular file. Gives it back when its content should be handed to `keep`."""
        self._unpacked += size
        check_size(self._unpacked, self._packed)
        parts = self._parts(name)
        file = _File(size, problem=problem)
        self._add(parts, file)
        return file if parts and problem is None and size <= _wanted(parts) else None

    def keep(self, file: _File, content: bytes) -> None:
        """Store the content of a member in the spool."""
        file.offset = self._spool.tell()
        self._spool.write(content)

    def _add(self, parts: list[bytes], member: _File | Type) -> None:
        self._files += 1
        if self._files > MAX_FILES:
            raise ArchiveBroken(f"holds more than {MAX_FILES:,} files, the most that is taken")
        if parts:
            folder = self._enter(parts[:-1])
            self.replaced += parts[-1] in folder
            folder[parts[-1]] = member  # the last member of a name wins, as in every tar that was appended to

    def _enter(self, parts: list[bytes]) -> _Folder:
        folder = self.root
        for part in parts:
            inner = folder.get(part)
            if not isinstance(inner, dict):
                self.replaced += inner is not None
                self._folders += 1
                if self._folders > MAX_FOLDERS:
                    raise ArchiveBroken(f"holds more than {MAX_FOLDERS:,} folders, the most that is taken")
                folder[part] = inner = {}
            folder = inner
        return folder

    def _parts(self, name: bytes) -> list[bytes]:
        """The parts of a member's path; empty when it is left out. Raises ArchiveBroken for a way out."""
        if name.startswith((b"/", b"\\")) or _DRIVE.match(name) or b".." in re.split(rb"[/\\]", name):
            shown = repr(name[:200].decode("utf-8", "backslashreplace"))
            raise ArchiveBroken(f"holds a member that leads out of it ({shown})")
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        if len(name) > 2 * MAX_PATH_BYTES or len(parts) > MAX_DEPTH + 2:
            self.tally.add(Reason.BAD_NAME, name)
            return []
        return parts


def _wanted(parts: list[bytes]) -> int:
    """Bytes up to which the content of a file may be asked for; -1 when it never is.

    The first part may be the folder that is stripped, and so says nothing.
    """
    name, inside = parts[-1], parts[1:-1]
    if name == b".gitignore" or parts[-3:] == [b".git", b"info", b"exclude"]:
        return gitignore.MAX_BYTES
    if not _NOT_KEPT.isdisjoint(inside):
        return -1
    vendored = any(classify.is_vendor_folder(part) for part in inside)
    return classify.by_name(name, vendored=vendored).limit or -1


def read_archive(archive: Path, work: Path) -> Listing:
    """Read a .tar.gz, .tgz, .tar or .zip (told by its first bytes, whatever its name).

    Parameters
    ----------
    archive : the file; it is never held in memory as a whole.
    work : folder for one file with the content of members, needed until the listing has been packed.

    Returns
    -------
    The same listing as `read_folder` gives for the unpacked archive, without a single folder at its top.

    Raises
    ------
    SourceRefused
        It is missing, no archive, damaged, cut off, encrypted, a bomb, holds more than 100,000 files, or
        has a member whose path leads out of it.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        with archive.open("rb") as file, (work / _SPOOL).open("wb", buffering=1 << 20) as spool:
            members = _Members(spool, os.fstat(file.fileno()).st_size)
            commit = commit_in(_read(file, members).decode(errors="replace"))
    except ArchiveBroken as error:
        raise SourceRefused(f"The archive {error}. Pack the folder anew and upload that.") from None
    except FileNotFoundError:
        raise SourceRefused(f"There is no archive {archive}. Upload it first.") from None
    except IsADirectoryError:
        raise SourceRefused(f"{archive} is a folder, not an archive. Pack it as .tar.gz or .zip.") from None
    notes = []
    if members.replaced:
        notes.append(f"{members.replaced} member(s) of the archive had a name twice; the last one was taken.")
    tree = ArchiveTree(_stripped(members.root), work / _SPOOL)
    listing = replace(walk(tree, tree.list(b""), notes), commit=commit)
    for reason, left_out in members.tally.reasons.items():
        listing.tally.include(reason, left_out)
    return listing


def _read(file: BinaryIO, members: _Members) -> bytes:
    """Take all members; the archive's comment."""
    head = file.read(tar_format.BLOCK)
    file.seek(0)
    if head.startswith(b"\x1f\x8b"):
        stream = GzipStream(file)
        comment = _read_tar(stream, members)
        stream.finish()
        return comment
    if head.startswith(zip_format.SIGNATURES):
        _read_zip(file, members)
        return zip_format.comment(file)
    if len(head) == tar_format.BLOCK and (not any(head) or tar_format.is_header(head)):
        return _read_tar(PlainStream(file), members)
    raise ArchiveBroken("is not a .tar.gz, .tgz, .tar or .zip" + ("" if head else ": it is empty"))


def _read_tar(stream: Stream, members: _Members) -> bytes:
    reader = tar_format.TarReader(stream)
    while (member := reader.next()) is not None:
        if member.is_file:
            if (file := members.file(member.name, member.size)) is not None:
                members.keep(file, reader.content())
        elif member.is_folder:
            members.folder(member.name)
        else:
            members.other(member.name, Type.LINK if member.is_link else Type.SPECIAL)
    return reader.comment or b""


def _read_zip(file: BinaryIO, members: _Members) -> None:
    wanted: list[tuple[zip_format.ZipMember, _File]] = []
    found: list[zip_format.ZipMember] = []
    for member in zip_format.members(file):
        if member.is_folder:
            members.folder(member.name)
            continue
        found.append(member)
        if member.is_link or member.is_special:
            members.other(member.name, Type.LINK if member.is_link else Type.SPECIAL)
        elif (kept := members.file(member.name, member.size, member.problem)) is not None:
            wanted.append((member, kept))
    zip_format.refuse_overlaps(found)
    for member, kept in wanted:
        members.keep(kept, zip_format.content(file, member))


def _stripped(root: _Folder) -> _Folder:
    """The one folder at the top instead of the root, when there is nothing beside it that anyone wrote."""
    kept = {name: member for name, member in root.items() if not _JUNK.fullmatch(name)}
    if len(kept) == 1:
        [(name, member)] = kept.items()
        if isinstance(member, dict) and name not in _NOT_KEPT:
            return member
    return kept

"""Goes through a tree once and says which files are worth opening, by their names alone.

The tree may be a folder on disk or the members of an archive: both are judged by the same code, so that
the same repository gives the same manifest either way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from nyxcore.sources import classify, gitignore
from nyxcore.sources.models import Kind, Language, Reason, Tally, printable

MAX_PATH_BYTES = 1024
MAX_DEPTH = 100
_NOT_ENTERED = (b"pyvenv.cfg", b"conda-meta")  # what tells an environment of installed packages


class Type(Enum):
    """What stands under a name."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    SPECIAL = "special"


class Node(NamedTuple):
    """One name in a folder."""

    name: bytes
    type: Type


class TooLarge(Exception):
    """The file holds more bytes than the reader asked for."""


class Tree(Protocol):
    """A repository that can be listed and read. Paths are relative, with slashes, `b""` is the root."""

    def list(self, folder: bytes) -> list[Node]:
        """The names in `folder`, in any order. Raises OSError."""

    def read(self, path: bytes, limit: int) -> bytes:
        """The whole content of a regular file. Raises OSError, and TooLarge above `limit` bytes."""


class Candidate(NamedTuple):
    """A file to be opened.

    Attributes
    ----------
    path : relative to the root.
    kind : `reference` also for Python that is not scanned.
    language : None for a reference that is not Python.
    limit : bytes above which it is left out as too large.
    counted : it is in the tally already (and packed all the same).
    """

    path: bytes
    kind: Kind
    language: Language | None
    limit: int
    counted: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What a walk found: `candidates` sorted by the bytes of their paths, and why the rest is left out.

    `commit` is what the tree was taken from, where it says so.
    """

    tree: Tree
    candidates: list[Candidate]
    tally: Tally
    notes: list[str] = field(default_factory=list)
    commit: str | None = None


class _Folder(NamedTuple):
    path: bytes  # with a trailing slash; empty for the root
    chain: tuple[gitignore.Rules, ...]  # deepest first
    vendored: bool
    depth: int


class _Walk:
    def __init__(self, tree: Tree, notes: list[str]) -> None:
        self.tree = tree
        self.tally = Tally()
        self.notes = notes
        self.candidates: list[Candidate] = []

    def run(self, root: list[Node]) -> Listing:
        todo = self._enter(_Folder(b"", self._exclude_file(), False, 0), root)
        while todo:
            folder = todo.pop()
            try:
                nodes = self.tree.list(folder.path.removesuffix(b"/"))
            except OSError as error:
                self._unreadable(folder.path, error)
                continue
            if any(node.name in _NOT_ENTERED for node in nodes):
                self.tally.add(Reason.VENDORED, folder.path)
                continue
            todo += self._enter(folder, nodes)
        self.candidates.sort()
        return Listing(self.tree, self.candidates, self.tally, self.notes)

    def _enter(self, folder: _Folder, nodes: list[Node]) -> list[_Folder]:
        """Judge every name of a folder, and give the folders to be entered, last first."""
        chain = folder.chain
        if Node(b".gitignore", Type.FILE) in nodes:  # a link is not followed, by git neither
            chain = self._rules(folder.path + b".gitignore", folder.path, chain)
        inner = []
        for node in sorted(nodes, key=lambda node: node.name):
            name, is_folder = node.name, node.type is Type.FOLDER
            path = folder.path + name
            if is_folder and classify.is_tool_folder(name):
                continue
            if chain and gitignore.is_ignored(chain, path, name, is_folder=is_folder):
                self.tally.add(Reason.IGNORED, path + b"/" * is_folder)
            elif node.type is Type.LINK or node.type is Type.SPECIAL:
                self.tally.add(Reason(node.type.value), path)
            elif classify.is_bad_name(name) or len(path) > MAX_PATH_BYTES or folder.depth >= MAX_DEPTH:
                self.tally.add(Reason.BAD_NAME, path + b"/" * is_folder)
            elif not is_folder:
                self._file(path, name, vendored=folder.vendored)
            elif name in classify.INSTALLED_FOLDERS:
                self.tally.add(Reason.VENDORED, path + b"/")
            else:
                vendored = folder.vendored or classify.is_vendor_folder(name)
                inner.append(_Folder(path + b"/", chain, vendored, folder.depth + 1))
        return inner[::-1]

    def _file(self, path: bytes, name: bytes, *, vendored: bool) -> None:
        language, left_out, limit = classify.by_name(name, vendored=vendored)
        if left_out is not None:
            self.tally.add(left_out, path)
        if limit:
            kind = Kind.SOURCE if language is not None and left_out is None else Kind.REFERENCE
            self.candidates.append(Candidate(path, kind, language, limit, left_out is not None))

    def _exclude_file(self) -> tuple[gitignore.Rules, ...]:
        try:
            nodes = self.tree.list(b".git/info")
        except OSError:  # no repository of git, or a worktree, whose .git is a file
            return ()
        if Node(b"exclude", Type.FILE) not in nodes:
            return ()
        return self._rules(b".git/info/exclude", b"", ())

    def _rules(
        self, path: bytes, base: bytes, chain: tuple[gitignore.Rules, ...]
    ) -> tuple[gitignore.Rules, ...]:
        try:
            text = self.tree.read(path, gitignore.MAX_BYTES)
        except TooLarge:
            self.notes.append(f"{printable(path)} is larger than 128 KiB and was not honoured.")
            return chain
        except OSError as error:
            self.notes.append(f"{printable(path)} could not be read ({error.strerror}) and was not honoured.")
            return chain
        rules, unread = gitignore.parse(text, base)
        if unread:
            self.notes.append(
                f"{printable(path)} holds more than {gitignore.MAX_RULES} rules; the rest was not honoured."
            )
        return (rules, *chain) if rules else chain

    def _unreadable(self, path: bytes, error: OSError) -> None:
        self.tally.add(Reason.UNREADABLE, path)
        self.notes.append(f"The folder {printable(path)} could not be read: {error.strerror}.")


def walk(tree: Tree, root: list[Node], notes: list[str]) -> Listing:
    """Judge every file below `root` (the names in the tree's root); `notes` are kept and added to.

    Ignored folders, tools' own folders and installed packages are not entered. A folder that cannot be
    read is counted and noted.
    """
    return _Walk(tree, notes).run(root)

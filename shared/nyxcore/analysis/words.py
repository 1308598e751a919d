"""Which words stand in which file, so that a name is not removed while another file speaks of it.

A file's words are kept as one text with blanks between them. Beside the words themselves it holds two kinds
of marks: "." where the file imports from a package by dots alone (`from . import x`), and "*:name" where it
imports everything from a module of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from nyxcore.analysis.models import PYTHON

_SEPARATORS = bytes(
    32 if byte < 128 and not (chr(byte).isalnum() or byte == 95) else byte for byte in range(256)
)
_DOTS_IMPORT = re.compile(rb"\bfrom\s*\.+\s*import\b")
_STAR_IMPORT = re.compile(rb"\bfrom\s*([\w.\x80-\xff]+)\s*import\s*\*")
_LONGEST_WORD = 80


def words_of(content: bytes, language: str) -> str:
    """The words and marks of one file, sorted, with blanks between them."""
    found = set(content.translate(_SEPARATORS).split())
    if language == PYTHON and b"import" in found:
        if _DOTS_IMPORT.search(content):
            found.add(b".")
        if b"*" in content:
            found.update(
                b"*:" + (module.rpartition(b".")[2] or b".") for module in _STAR_IMPORT.findall(content)
            )
    words = [word for word in found if len(word) <= _LONGEST_WORD]
    return b" ".join(sorted(words)).decode("utf-8", "surrogateescape")


class Mentions:
    """The words of a whole tree, to ask which files mention a name together with its module."""

    def __init__(self, words: Iterable[tuple[str, str]]) -> None:
        self._words: dict[str, str] = {path: f" {text} " for path, text in words}
        self._holding: dict[str, frozenset[str]] = {}

    def update(self, changed: Mapping[str, str]) -> None:
        """Take the new words of files that were changed."""
        self._words.update({path: f" {text} " for path, text in changed.items()})
        self._holding.clear()

    def elsewhere(self, name: str, path: str) -> list[str]:
        """Paths of the other files that mention both `name` and the module at `path`, sorted.

        A module is mentioned by its own name, by dots alone from within the package that it is the
        `__init__` of, and by the name of any module that imports everything from it.
        """
        users = self._files_with(name) - {path}
        if not users:
            return []
        found: set[str] = set()
        for module in self._faces(path):
            for user in users - found:
                if user in self._files_with(_module_word(module)) or self._by_dots(user, module):
                    found.add(user)
        return sorted(found)

    def _by_dots(self, user: str, module: str) -> bool:
        return _is_above(module, user) and user in self._files_with(".")

    def _faces(self, path: str) -> Iterator[str]:
        """The module itself and those that hand on its names by a star import, however far."""
        seen = {path}
        queue = [path]
        while queue:
            module = queue.pop()
            yield module
            importers = self._files_with("*:" + _module_word(module))
            importers |= {user for user in self._files_with("*:.") if _is_above(module, user)}
            for importer in sorted(importers - seen):
                seen.add(importer)
                queue.append(importer)

    def _files_with(self, word: str) -> frozenset[str]:
        found = self._holding.get(word)
        if found is None:
            needle = f" {word} "
            found = frozenset(path for path, text in self._words.items() if needle in text)
            self._holding[word] = found
        return found


def _module_word(path: str) -> str:
    """The last part of the dotted name by which a file is imported."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return folder.rpartition("/")[2] if stem in ("__init__", "index") and folder else stem


def _is_above(module: str, user: str) -> bool:
    """Whether `module` is the `__init__` of a package that holds `user`."""
    folder, _, name = module.rpartition("/")
    return name.startswith("__init__.") and user.startswith(folder + "/" if folder else "")

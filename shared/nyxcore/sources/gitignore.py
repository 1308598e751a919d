"""What the `.gitignore` files of a tree say about a path, as gitignore(5) and git's `dir.c` do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from nyxcore.sources import wildmatch

MAX_RULES = 2_000  # a file with more is no longer a list that someone wrote
MAX_BYTES = 128 << 10  # as for the caller, who reads the file
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: which names or paths it means, and whether it takes them out or back in."""

    pattern: bytes  # without `!`, leading and trailing slash
    negated: bool
    folders_only: bool
    is_path: bool  # compared with the path from the file's folder, not with the last name alone
    regex: re.Pattern[bytes] | None  # None: the pattern holds no special byte and is compared as it is

    def matches(self, inner: bytes, name: bytes) -> bool:
        text = inner if self.is_path else name
        return text == self.pattern if self.regex is None else self.regex.fullmatch(text) is not None


class Rules:
    """The rules of one `.gitignore`.

    Most entries of a tree are touched by no rule, so that `verdict` first asks whether any rule could match
    (two set look-ups, one `endswith`, at most two regular expressions), and only then which is the last.
    """

    def __init__(self, rules: list[Rule], base: bytes) -> None:
        self._base = len(base)
        self._last_first = rules[::-1]
        literal = [rule for rule in rules if rule.regex is None]
        suffixes = [rule for rule in rules if _is_suffix(rule)]
        globs = [rule for rule in rules if rule.regex is not None and not _is_suffix(rule)]
        self._names = {rule.pattern for rule in literal if not rule.is_path}
        self._paths = {rule.pattern for rule in literal if rule.is_path}
        self._suffixes = tuple(rule.pattern[1:] for rule in suffixes)
        self._name_globs = _any_of([rule for rule in globs if not rule.is_path])
        self._path_globs = _any_of([rule for rule in globs if rule.is_path])

    def verdict(self, path: bytes, name: bytes, *, is_folder: bool) -> bool | None:
        """True: ignored. False: taken back by a `!` rule. None: no rule speaks of it.

        `path` is relative to the tree's root; it lies under the folder of this `.gitignore`.
        """
        inner = path[self._base :]
        if not (
            name in self._names
            or name.endswith(self._suffixes)
            or inner in self._paths
            or (self._name_globs and self._name_globs.fullmatch(name))
            or (self._path_globs and self._path_globs.fullmatch(inner))
        ):
            return None
        for rule in self._last_first:
            if rule.folders_only and not is_folder:
                continue
            if rule.matches(inner, name):
                return not rule.negated
        return None


def parse(text: bytes, base: bytes) -> tuple[Rules | None, bool]:
    """Read a `.gitignore`.

    Parameters
    ----------
    text : the file's bytes.
    base : the folder it stands in, relative to the root, with a trailing slash; empty for the root.

    Returns
    -------
    The rules (None when there is none), and whether lines beyond `MAX_RULES` were left unread.
    """
    rules = list(islice(_rules(text.removeprefix(_BOM)), MAX_RULES + 1))
    return (Rules(rules[:MAX_RULES], base) if rules else None), len(rules) > MAX_RULES


def is_ignored(chain: tuple[Rules, ...], path: bytes, name: bytes, *, is_folder: bool) -> bool:
    """Whether the nearest file of `chain` (deepest first) that speaks of `path` ignores it."""
    for rules in chain:
        verdict = rules.verdict(path, name, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


def _rules(text: bytes) -> Iterator[Rule]:
    for line in text.split(b"\n"):
        pattern = _trim(line.removesuffix(b"\r").partition(b"\0")[0])
        if pattern.startswith(b"#"):
            continue
        negated = pattern.startswith(b"!")
        pattern = pattern[negated:]
        folders_only = pattern.endswith(b"/")
        pattern = pattern.removesuffix(b"/")
        is_path = b"/" in pattern
        pattern = pattern.removeprefix(b"/")
        if not pattern:
            continue
        if wildmatch.literal_length(pattern) == len(pattern):
            yield Rule(pattern, negated, folders_only, is_path, None)
        elif (regex := wildmatch.translate(pattern, is_path=is_path)) is not None:
            yield Rule(pattern, negated, folders_only, is_path, re.compile(regex, re.DOTALL))


def _trim(line: bytes) -> bytes:
    """Without trailing spaces, save those behind a backslash (git: trim_trailing_spaces)."""
    kept = line.rstrip(b" ")
    if len(kept) == len(line):
        return line
    backslashes = len(kept) - len(kept.rstrip(b"\\"))
    return line[: len(kept) + backslashes % 2]


def _is_suffix(rule: Rule) -> bool:
    rest = rule.pattern[1:]
    return not rule.is_path and rule.pattern.startswith(b"*") and wildmatch.literal_length(rest) == len(rest)


def _any_of(rules: list[Rule]) -> re.Pattern[bytes] | None:
    patterns = [rule.regex.pattern for rule in rules if rule.regex is not None]
    return re.compile(b"|".join(patterns), re.DOTALL) if patterns else None

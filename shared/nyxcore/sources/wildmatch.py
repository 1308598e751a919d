"""Git's glob patterns as regular expressions over bytes.

Follows `wildmatch.c` of git (the matcher behind gitignore(5)) byte for byte: `?` is one byte, `**` crosses
folders only where it fills a whole path segment, a broken bracket matches nothing at all.

A pattern comes from a stranger's repository, so that no pattern may take long to say no. Every star but the
last of a stretch is therefore atomic: it takes the first place where the text behind it fits, which loses no
match (whatever a later place would leave over, the next star takes), and never comes back.
"""

from __future__ import annotations

import re
import string
from enum import Enum
from itertools import groupby

_SPECIAL = frozenset(b"*?[\\")  # git: is_glob_special
_ANY = b"[^/]"


class _Star(Enum):
    ONE = "*"  # any bytes but a slash
    FOLDERS = "**/"  # nothing, or any bytes up to and with a slash
    ALL = "**"  # any bytes


type _Token = bytes | _Star  # bytes: a regular expression for exactly one byte


class _NeverMatches(ValueError):
    """The pattern is malformed; git lets such a pattern match nothing."""


def literal_length(pattern: bytes) -> int:
    """How many bytes of `pattern` stand before its first special byte (git: simple_length)."""
    return next((i for i, byte in enumerate(pattern) if byte in _SPECIAL), len(pattern))


def translate(pattern: bytes, *, is_path: bool) -> bytes | None:
    """The regular expression (for `fullmatch`, with DOTALL) that says what `pattern` matches.

    Parameters
    ----------
    pattern : without a leading `!`, a leading slash, and a trailing slash.
    is_path : matched against a path (stars stop at slashes, `**` is special) or against a lone name.

    Returns
    -------
    None when the pattern is malformed and matches nothing.
    """
    prefix = literal_length(pattern) if is_path else 0  # git compares this part before it looks at stars
    try:
        tokens = _tokens(pattern[prefix:], is_path=is_path)
    except _NeverMatches:
        return None
    return re.escape(pattern[:prefix]) + _compose(tokens)


def _tokens(pattern: bytes, *, is_path: bool) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        if byte == b"*":
            star, at = _star(pattern, at, is_path=is_path)
            tokens.append(star)
        elif byte == b"[":
            members, at = _bracket(pattern, at + 1)
            tokens.append(members)
        elif byte == b"?":
            tokens.append(_ANY)
            at += 1
        else:
            at += byte == b"\\"
            if at == len(pattern):
                raise _NeverMatches
            tokens.append(re.escape(pattern[at : at + 1]))
            at += 1
    return tokens


def _star(pattern: bytes, at: int, *, is_path: bool) -> tuple[_Star, int]:
    end = at
    while pattern[end : end + 1] == b"*":
        end += 1
    rest = pattern[end:]
    whole_segment = (at == 0 or pattern[at - 1 : at] == b"/") and (
        not rest or rest.startswith((b"/", b"\\/"))
    )
    if not (is_path and end - at > 1 and whole_segment):
        return _Star.ONE, end
    if rest.startswith(b"/"):
        return _Star.FOLDERS, end + 1
    return _Star.ALL, end


def _bracket(pattern: bytes, at: int) -> tuple[bytes, int]:
    """The class that begins at `at`, just behind its `[`, and the position behind its `]`."""
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    members: set[int] = set()
    previous = 0  # the byte that a range may begin with; 0 when there is none
    first = True
    while first or pattern[at : at + 1] != b"]":
        first = False
        byte = _byte(pattern, at)
        if byte == ord("\\"):
            at += 1
            byte = _byte(pattern, at)
            members.add(byte)
        elif byte == ord("-") and previous and pattern[at + 1 : at + 2] not in (b"", b"]"):
            at += 1
            at += pattern[at : at + 1] == b"\\"
            members.update(range(previous, _byte(pattern, at) + 1))
            byte = 0
        elif byte == ord("[") and pattern[at + 1 : at + 2] == b":":
            end = pattern.find(b"]", at + 2)
            if end < 0:
                raise _NeverMatches
            if end > at + 2 and pattern[end - 1 : end] == b":":
                members |= _named_class(pattern[at + 2 : end - 1])
                at, byte = end, 0
            else:
                members.add(byte)
        else:
            members.add(byte)
        previous = byte
        at += 1
    return _class(members, negated=negated), at + 1


def _byte(pattern: bytes, at: int) -> int:
    if at >= len(pattern):
        raise _NeverMatches
    return pattern[at]


def _named_class(name: bytes) -> frozenset[int]:
    found = _CLASSES.get(name)
    if found is None:
        raise _NeverMatches
    return found


_CLASSES = {
    name.encode(): frozenset(members.encode())
    for name, members in {
        "alnum": string.ascii_letters + string.digits,
        "alpha": string.ascii_letters,
        "blank": " \t",
        "cntrl": "".join(map(chr, [*range(32), 127])),
        "digit": string.digits,
        "graph": string.ascii_letters + string.digits + string.punctuation,
        "lower": string.ascii_lowercase,
        "print": " " + string.ascii_letters + string.digits + string.punctuation,
        "punct": string.punctuation,
        "space": " \t\n\r\v\f",
        "upper": string.ascii_uppercase,
        "xdigit": string.hexdigits,
    }.items()
}


def _class(members: set[int], *, negated: bool) -> bytes:
    kept = (set(range(256)) - members if negated else members) - {ord("/")}
    if not kept:
        return b"(?!)"
    starts = sorted(byte for byte in kept if byte - 1 not in kept)
    ends = sorted(byte for byte in kept if byte + 1 not in kept)
    return b"[" + b"".join(b"\\x%02x-\\x%02x" % pair for pair in zip(starts, ends, strict=True)) + b"]"


def _compose(tokens: list[_Token]) -> bytes:
    """Join the tokens: stretches between stars that cross folders, each stretch split at its single stars."""
    stretches: list[tuple[_Star | None, list[_Token]]] = [(None, [])]
    for token in tokens:
        if token in (_Star.FOLDERS, _Star.ALL):
            stretches.append((_Star(token), []))
        else:
            stretches[-1][1].append(token)
    last = len(stretches) - 1
    out = b""
    for i, (star, stretch) in enumerate(stretches):
        body = _stretch(stretch, is_last=i == last)
        if star is None:
            out += body
        elif i == last:
            out += (b"(?:.*/)?" if star is _Star.FOLDERS else b".*") + body
        else:
            out += b"(?>" + (b"(?:.*?/)??" if star is _Star.FOLDERS else b".*?") + body + b")"
    return out


def _stretch(tokens: list[_Token], *, is_last: bool) -> bytes:
    """A stretch without folder-crossing stars, each star atomic with the fixed text behind it."""
    pieces = [b""]
    for is_star, group in groupby(tokens, lambda token: token is _Star.ONE):
        if is_star:
            pieces.append(b"")
        else:
            pieces[-1] += b"".join(token for token in group if isinstance(token, bytes))
    out = pieces[0]
    for i, piece in enumerate(pieces[1:], start=2):
        ends_text = is_last and i == len(pieces)
        out += _ANY + b"*" + piece if ends_text else b"(?>" + _ANY + b"*?" + piece + b")"
    return out

"""How many tokens a text has, estimated: deterministic, without a download, and rather too many than too few.

The text is cut into the pieces that byte-pair encodings begin with (words, numbers of up to three digits, runs
of spaces and of signs), and each piece is charged by its kind. Compared with three real vocabularies (OpenAI's
o200k_base and cl100k_base, Claude 2's) on prose in ten languages, code, data, tables, hashes and base64, the
estimate is 0.9 to 1.4 times the largest of the three (0.7 for Finnish); of the newest, which know whole words, it
is up to 3.5 times the count for Arabic or Hindi. tests/unit/llm/test_tokens.py keeps those counts.

No piece of ASCII is looked at by itself: one integer holds the whole text, a byte a character and a bit of it for
each kind of character, and the pieces are counted by shifting and counting bits. That is some ten times as fast.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import count as whole_numbers
from itertools import groupby
from math import ceil
from typing import Final

_LONG: Final = 40  # characters in a row that are a hash or base64, or a path
_UNREADABLE: Final = 20  # letters in a row that no word has: random text is cut every two characters
_KNOWN: Final = 7  # letters of a word that vocabularies know as a whole
_SCRIPTS: Final = re.compile(
    r"[\u00c0-\u024f]+|[\u0250-\u1fff]+|[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+|[^ ]"
)
# Newer vocabularies of Claude cut finer than the three that were compared: by up to 1.35, says Anthropic of
# Opus 4.7.
_FINER: Final = 1.35

_KINDS: Final = (
    b"abcdefghijklmnopqrstuvwxyz",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789",
    b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    b"\r\n",
    b" ",
    b"\t",
    bytes({*range(32), 127} - {*b"\r\n\t"}),
)
_KIND_OF: Final = bytes(sum((byte in kind) << bit for bit, kind in enumerate(_KINDS)) for byte in range(256))
_LONG_MARK: Final = b"x" * _LONG
_LONG_MARKS: Final = bytes(120 if byte in b"".join(_KINDS[:3]) + b"+/" else 32 for byte in range(256))
_NOT_ASCII: Final = bytes(byte if byte > 127 else 32 for byte in range(256))

type Mask = int
"""A text of n characters as an integer of n bytes, the first the highest; each is 1 where something holds, else 0."""


def count(text: str, model: str) -> int:
    """About how many tokens `text` is to `model` (a name as `nyxcore.llm.models.ModelCall` has it)."""
    data = text.encode("utf-8", "surrogatepass")
    other, accents = (0.0, 0) if text.isascii() else _other_scripts(data)
    words, letters = 0.0, 1
    data, long_runs = _long_runs(data)
    for run in long_runs:
        if run[-1:].islower():
            words += _long(run)
            letters += len(run)
        else:
            other += _long(run)
    kinds = int.from_bytes(data.translate(_KIND_OF))
    ones = int.from_bytes(b"\x01" * len(data))
    lower, upper, digits, signs, lines, spaces, tabs, controls = (
        kinds >> bit & ones for bit in range(len(_KINDS))
    )
    capitals = upper & lower << 8  # those that begin a word
    in_words = lower | capitals
    words += _of_words(in_words, capitals | _without(_first(lower), upper >> 8))
    letters += in_words.bit_count()
    other += (
        _of_capitals(upper ^ capitals)
        + _of_numbers(digits, spaces, spaces | tabs)
        + _of_signs(data, signs)
        + 0.95 * _first(lines).bit_count()
        + 0.02 * lines.bit_count()
        + _of_blanks(spaces | tabs, tabs)
        + 0.97 * controls.bit_count()
    )
    # vocabularies know English words best: a language that writes accents is cut finer, between them too
    total = other + words * (1 + min(0.6, 10 * accents / letters))
    return ceil(total * (_FINER if "claude" in model.lower() else 1.0))


def _of_words(letters: Mask, starts: Mask) -> float:
    """One token a word, and more for those that are long or that nobody can read."""
    later = _without(letters, starts)  # letters that are not the first of their word
    beyond_known = _after(later, _KNOWN - 1)
    beyond_readable = _after(later, _UNREADABLE - 1)
    unreadable = _first(beyond_readable).bit_count()
    their_letters = beyond_readable.bit_count() + _UNREADABLE * unreadable
    return (
        starts.bit_count()
        + 0.3 * beyond_known.bit_count()
        + 0.56 * their_letters
        - (unreadable + 0.3 * (their_letters - _KNOWN * unreadable))
    )


def _of_capitals(capitals: Mask) -> float:
    """Runs of capitals; one that stands alone costs more."""
    several = _after(capitals, 1)
    in_runs = several.bit_count() + _first(several).bit_count()
    return 0.45 * in_runs + 0.85 * (capitals.bit_count() - in_runs)


def _of_numbers(digits: Mask, spaces: Mask, blanks: Mask) -> float:
    """Three digits a token, and one for a single space before them."""
    groups = 0
    for third in whole_numbers():
        begun = _first(_after(digits, 3 * third))
        if not begun:
            break
        groups += begun.bit_count()
    single = _without(spaces, blanks >> 8)
    return groups + (_first(digits) & single >> 8).bit_count()


def _of_signs(data: bytes, signs: Mask) -> float:
    """Each run of one sign; a vocabulary knows long ones."""
    if not signs:
        return 0.0
    characters = int.from_bytes(data)
    differ = (characters ^ characters >> 8) & signs * 0x7F
    most = int.from_bytes(b"\x7f" * len(data))
    other_sign = (differ + most) >> 7 & signs  # than the character before it is, where that is one
    return 0.75 * (_first(signs) | other_sign).bit_count() + 0.016 * signs.bit_count()


def _of_blanks(blanks: Mask, tabs: Mask) -> float:
    """Runs of spaces and tabs, and tabs alone; a single space belongs to the word that follows."""
    several = _after(blanks, 1)
    runs = _first(several).bit_count()
    alone = _without(tabs, several | several << 8)
    return 0.95 * runs + 0.02 * (several.bit_count() + runs) + 0.97 * alone.bit_count()


def _first(mask: Mask) -> Mask:
    """The first of each run."""
    return _without(mask, mask >> 8)


def _after(mask: Mask, number: int) -> Mask:
    """The members that have so many members directly before them."""
    done = 0
    while done < number:
        step = min(done + 1, number - done)
        mask &= mask >> 8 * step
        done += step
    return mask


def _without(mask: Mask, other: Mask) -> Mask:
    return mask ^ mask & other


def _long_runs(data: bytes) -> tuple[bytes, list[bytes]]:
    """The text with a byte of no kind in the place of each run that no vocabulary knows, and these runs."""
    marked = data.translate(_LONG_MARKS)
    place = marked.find(_LONG_MARK)
    rest, runs, done = list[bytes](), list[bytes](), 0
    while place >= 0:
        end = marked.find(b" ", place)
        end = len(marked) if end < 0 else end
        rest += (data[done:place], b"\xff")
        runs.append(data[place:end])
        done = end
        place = marked.find(_LONG_MARK, end)
    return b"".join((*rest, data[done:])), runs


def _long(run: bytes) -> float:
    """A hash or base64 where enough digits are among the characters; else letters that no word has, or a path."""
    if run[-1:] in b"+/":
        return sum(0.75 + 0.016 * len(list(same)) for _, same in groupby(run))
    digits = len(run) - len(run.translate(None, _KINDS[2]))
    return (0.72 if digits > len(run) / 20 else 0.56) * len(run)


def _other_scripts(data: bytes) -> tuple[float, int]:
    """What is not ASCII: its tokens, and how many runs of accented Latin letters there are."""
    total, accents = 0.0, 0
    runs = b" ".join(data.translate(_NOT_ASCII).split()).decode("utf-8", "surrogatepass")
    for piece, often in Counter(_SCRIPTS.findall(runs)).items():
        total += len(piece) * _of_script(piece[-1]) * often
        if "\u00c0" <= piece[-1] <= "\u024f":
            accents += often
    return total, accents


def _of_script(character: str) -> float:
    """Tokens a character that is not ASCII."""
    if character <= "\u052f":
        return 1.2 if character <= "\u024f" else 0.52
    if character <= "\u1fff":
        return 1.05 if character < "\u0900" else 1.35
    return 1.1 if "\u2e80" <= character <= "\uffef" else 2.5

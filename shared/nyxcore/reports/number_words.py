"""Numbers that are written as words, in English and German, and as Roman numerals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from nyxcore.pages.models import Language as LanguageCode

VAGUE = "some number"
"""The value of a word for a number that nobody can check, such as "dozens"."""

_ONES: Mapping[LanguageCode, str] = {
    "en": "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn"
    " achtzehn neunzehn",
}
_TENS: Mapping[LanguageCode, str] = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
}
_SCALES = {
    "dozen": 12, "hundred": 100, "thousand": 1_000, "million": 1_000_000,
    "billion": 10**9, "trillion": 10**12,
    "dutzend": 12, "hundert": 100, "tausend": 1_000, "millionen": 1_000_000,
    "milliarde": 10**9, "milliarden": 10**9, "billionen": 10**12,
}  # fmt: skip
_AFTER_DIGITS = {
    "k": 1_000, "K": 1_000, "M": 1_000_000, "B": 10**9, "T": 10**12,
    "score": 20, "tsd": 1_000, "mio": 1_000_000, "mln": 1_000_000, "mn": 1_000_000, "mrd": 10**9, "bn": 10**9,
}  # fmt: skip
"""What is a number only behind one: "9 bn", but "the score"; single letters count as they are written."""
_OTHERS: Mapping[LanguageCode, dict[str, str]] = {
    "en": {"zero": "0", "twice": "2", "double": "2", "triple": "3", "both": "2", "couple": "2"}
    | {"half": "50%", "third": "33%", "thirds": "67%", "quarter": "25%", "quarters": "75%"}
    | {"a score": "20", "a fifth": "20%", "a tenth": "10%"}
    | dict.fromkeys(
        ("dozens", "hundreds", "thousands", "millions", "billions", "trillions", "countless"), VAGUE
    )
    | dict.fromkeys(("scores of", "tens", "myriad", "myriads", "umpteen", "fifths", "tenths"), VAGUE),
    "de": {"null": "0", "doppelt": "2", "doppelte": "2", "beide": "2", "beiden": "2"}
    | {"halb": "50%", "hälfte": "50%", "drittel": "33%", "viertel": "25%", "dreiviertel": "75%"}
    | {"fünftel": "20%", "zehntel": "10%", "anderthalb": "1.5", "eineinhalb": "1.5"}
    | dict.fromkeys(("dutzende", "hunderte", "tausende", "zahllose", "unzählige"), VAGUE),
}
_TIMES = re.compile(r"(.+?)(?:fach(?:e[mnrs]?)?|mal|fold)")
_SHARE = re.compile(r"(.+?)prozentige?[mnrs]?")
_AND_A_HALF = re.compile(r"(.+?)einhalb")
_ROMAN = re.compile(
    r"(?=[IVX]{2,}$|[IVXLCDM]{4,}$)M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
)


@cache
def _words(language: LanguageCode) -> Mapping[str, str]:
    """Word -> number or share. One is left out: it is an article, or stands for a noun."""
    small = dict(enumerate(_ONES[language].split(), start=2))
    words = {word: str(value) for value, word in small.items()} | _OTHERS[language]
    for ten, word in enumerate(_TENS[language].split(), start=2):
        words[word] = str(10 * ten)
        for one in range(1, 10):
            last = small.get(one, "one" if language == "en" else "ein")
            words[f"{word}-{last}" if language == "en" else f"{last}und{word}"] = str(10 * ten + one)
    return words


def scale_of(word: str) -> int | None:
    """What the number before this word is multiplied by, as in "13 thousand", "9 bn", "a 9 million-line file"."""
    first = word.partition("-")[0]
    low = first.lower()
    short = _AFTER_DIGITS.get(first if len(first) == 1 else low)
    return _SCALES.get(low, short)


def value_of(word: str, language: LanguageCode) -> str | None:
    """The number ("23"), share ("50%") or VAGUE that a word stands for; None for a word that is no number.

    A Roman numeral in capitals stands for itself, unless it may be an abbreviation: of a single letter, or of fewer
    than four with L, C, D or M among them.
    """
    if _ROMAN.fullmatch(word):
        return word
    low = " ".join(word.lower().split())
    words = _words(language)
    if low in words:
        return words[low]
    if low in _SCALES:
        return str(_SCALES[low])
    for pattern, ending in ((_TIMES, ""), (_SHARE, "%"), (_AND_A_HALF, ".5")):
        match = pattern.fullmatch(low)
        if match is not None and (match[1] in words or match[1] in _SCALES):
            return (words.get(match[1]) or str(_SCALES[match[1]])) + ending
    if language == "de":
        return _compound(low, words)
    return None


def _compound(word: str, words: Mapping[str, str]) -> str | None:
    """A German number in one word, "dreizehntausend"; longer ones are not read."""
    for scale in ("tausend", "hundert"):
        head, found, tail = word.partition(scale)
        factor = "1" if head == "ein" else words.get(head)
        if found and factor and not tail:
            return str(int(factor) * _SCALES[scale]) if factor.isdigit() else VAGUE
        if found and (factor or head == "hundert" or tail in words):
            return VAGUE
    return None

"""Numbers that are written as words, in English and German."""

from __future__ import annotations

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
    "dutzend": 12, "hundert": 100, "tausend": 1_000, "millionen": 1_000_000,
}  # fmt: skip
_OTHERS: Mapping[LanguageCode, dict[str, str]] = {
    "en": {"zero": "0", "twice": "2", "double": "2", "triple": "3", "both": "2", "couple": "2"}
    | {"half": "50%", "third": "33%", "thirds": "67%", "quarter": "25%", "quarters": "75%"}
    | dict.fromkeys(("dozens", "hundreds", "thousands", "millions", "countless"), VAGUE),
    "de": {"null": "0", "doppelt": "2", "doppelte": "2", "beide": "2", "beiden": "2"}
    | {"halb": "50%", "hälfte": "50%", "drittel": "33%", "viertel": "25%", "dreiviertel": "75%"}
    | dict.fromkeys(("dutzende", "hunderte", "tausende", "zahllose", "unzählige"), VAGUE),
}
_TIMES = ("fach", "fache", "mal", "fold")


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
    """What the number before this word is multiplied by, as in "13 thousand"."""
    return _SCALES.get(word.lower())


def value_of(word: str, language: LanguageCode) -> str | None:
    """The number ("23"), share ("50%") or VAGUE that a word stands for; None for a word that is no number."""
    low = word.lower()
    words = _words(language)
    if low in words:
        return words[low]
    if low in _SCALES:
        return str(_SCALES[low])
    for ending in _TIMES:
        if low.removesuffix(ending) in words and low.endswith(ending):
            return words[low.removesuffix(ending)]
    if language == "de":
        return _compound(low, words)
    return None


def _compound(word: str, words: Mapping[str, str]) -> str | None:
    """A German number in one word, "dreizehntausend"; longer ones are not read."""
    for scale in ("tausend", "hundert"):
        head, found, tail = word.partition(scale)
        if found and head in words and not tail:
            return str(int(words[head]) * _SCALES[scale]) if words[head].isdigit() else VAGUE
        if found and (head in words or tail in words):
            return VAGUE
    return None

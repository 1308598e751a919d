"""Every number of a text in one form, however it is written: what a report's prose is compared with its facts by; pure.

Digits that stand beside each other ("9 000", "9'000") are one number, and so are two words for numbers; a number that
touches letters ("9k", "v99") is a spelling of its own.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from nyxcore.pages.models import Language as LanguageCode
from nyxcore.reports.language import Language
from nyxcore.reports.number_words import scale_of, value_of

_TOKEN: Final = re.compile(
    r"(?<!\w)(?P<date>\d{4}-\d\d-\d\d(?!\d)|\d\d?\.\d\d?\.\d{4}(?!\d))"
    r"|(?<!\w)(?P<version>\d++(?:\.\d++){2,}+(?![\w,]))"
    r"|(?<!\w)(?P<number>(?:×\s?)?(?:(?<![\w.,])[.,])?\d++(?:[.,]\d++)*+)(?P<times>\s?[×xX])?+(?!\w)"
    r"|(?<!\w)(?P<glued>\d+(?:[.,]\d+)*[^\W\d]\w*|[^\W\d_]+\d\w*)"
    r"|(?i:(?P<points>(?:-|(?<!\w))(?:(?:percent(?:age)?|per cent)[ -]points?|Prozentpunkte?n?|pp)\b"
    r"|-?%[ -](?:points?|Punkte?n?)\b))"
    r"|(?i:(?P<basis>(?:-|(?<!\w))(?:basis points?|Basispunkte?n?)\b))"
    r"|(?i:(?P<mille>‰|(?:-|(?<!\w))(?:per mille|Promille)\b))"
    r"|(?i:(?P<percent>%|(?:-|(?<!\w))(?:percent|per cent|pct|Prozent|prozentige?[mnrs]?)\b))"
    r"|(?<!\w)(?P<word>(?i:a\s(?:score|fifth|tenth)|scores\sof)\b|[^\W\d_]++(?!\w)(?:-[^\W\d_]++(?!\w))*)"
)
_SHARES: Final = {"points": "pp", "basis": "bp", "mille": "‰", "percent": "%"}
_BLANK: Final = re.compile(r"[ \t]*\n?[ \t]*|['’]")  # no empty line: a paragraph ends a number
_GROUPS: Final = re.compile(r"[1-9]\d{0,2}(?:[ \t\n'’]\d{3})+")
_NUMERIC: Final = re.compile(r"\d+(?:\.\d+)?")


def numbers(text: str, language: Language) -> list[tuple[str, str]]:
    """Each number in one form, and as it is written: "13000", "2.5", "25%", "4×", "2026-11-23", "9k"."""
    found: list[tuple[str, str]] = []
    end, kind = -1, None
    for match in _TOKEN.finditer(text):
        between = text[end : match.start()] if end >= 0 else "."
        if found and (value := _joined(found[-1], between, kind, match, language)) is not None:
            found[-1] = value, f"{found[-1][1]}{between}{match[0]}"
            kind = "word" if match["word"] else match.lastgroup
        else:
            values = _values(match, language)
            found += [(value, match[0]) for value in values]
            kind = match.lastgroup if values else None
        end = match.end() if kind else -1
    return found


def _values(match: re.Match[str], language: Language) -> list[str]:
    if match["word"]:
        return _of_word(match["word"], language.code)
    if match["number"]:
        plain = _plain(match["number"].lstrip("× \t\n"), language)
        return [plain + "×" if match["times"] or match["number"].startswith("×") else plain]
    return [] if match.lastgroup in _SHARES else [match[0]]


def _joined(
    before: tuple[str, str], between: str, kind: str | None, match: re.Match[str], language: Language
) -> str | None:
    """What the last number and this token are together: a share, so many thousands, one number; None if two things."""
    value, written = before
    blank = _BLANK.fullmatch(between) is not None
    if not _NUMERIC.fullmatch(value) or not (blank or between == "-"):
        return None
    if match.lastgroup in _SHARES:
        return value + _SHARES[match.lastgroup]
    if match["word"] and (scale := scale_of(match["word"])):
        return format((Decimal(value) * scale).normalize(), "f")
    if not blank or kind not in ("number", "word") or kind != match.lastgroup:
        return None
    whole = f"{written}{between}{match[0]}"
    if _GROUPS.fullmatch(whole):
        return re.sub(r"\D", "", whole)
    (own,) = _values(match, language) or [""]
    return f"{value} {own}" if _NUMERIC.fullmatch(own) else None


def _of_word(word: str, code: LanguageCode) -> list[str]:
    """The numbers in a word, in its parts where it has a hyphen and is none as a whole ("two-thirds")."""
    whole = value_of(word, code)
    if whole is not None:
        return [whole]
    parts = word.split("-")
    return [] if len(parts) == 1 else [value for part in parts for value in _of_word(part, code)]


def _plain(number: str, language: Language) -> str:
    """A number without thousands separators and needless zeros; it stays a decimal ("5.0"), whose point may be a comma.

    What fits neither this language nor one that swaps the two signs, such as "007", stays as it is.
    """
    signs = re.escape(language("format.thousands")), re.escape(language("format.decimal"))
    for thousands, decimal in (signs, signs[::-1]):
        match = re.fullmatch(
            rf"(0|[1-9]\d*|[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+)(?:{decimal}(\d+))?", number
        )
        if match is not None:
            whole = re.sub(r"\D", "", match[1])
            return whole if match[2] is None else f"{whole}.{match[2].rstrip('0') or '0'}"
    return number

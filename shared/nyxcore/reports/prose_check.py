"""Whether what a model wrote says nothing that is not in the facts it was given; pure.

The check is strict where the two can differ: better no prose than prose with a number of its own. It compares words
and understands nothing, so this remains possible: the right number of the wrong thing, a comparison or an amount in
words ("most", "fewer"), a cause, an advice, a weakness by a name that `weakness_names` does not list, and a name of
one plain word. So prose stands beside the computed parts and never replaces one.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from markdown_it import MarkdownIt

from nyxcore.reports.claims import foreign_claim
from nyxcore.reports.language import Language
from nyxcore.reports.number_words import scale_of, value_of
from nyxcore.reports.weakness_names import foreign_weakness

MAX_CHARACTERS = 1_200

_ALLOWED = frozenset(
    {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak", "code_inline"}
    | {"strong_open", "strong_close", "em_open", "em_close"}
)
_NAMES = {"heading_open": "a heading", "link_open": "a link", "image": "an image", "html_block": "HTML"} | {
    "html_inline": "HTML", "fence": "a code block", "code_block": "a code block", "table_open": "a table",
    "bullet_list_open": "a list", "ordered_list_open": "a list", "blockquote_open": "a quote", "hr": "a rule",
}  # fmt: skip
_TOKEN = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d|\d\d?\.\d\d?\.\d{4})"
    r"|(?P<version>\d+(?:\.\d+){2,}(?![\d,]))"
    r"|(?P<number>(?<!\w)\d+(?:[.,]\d+)*)(?:\s*(?P<percent>%|percent\b|per cent\b|Prozent\b))?"
    r"|(?P<word>[^\W\d_]+(?:-[^\W\d_]+)*)"
)
_PATH = re.compile(
    r"[\w.@~-]*/[\w./@~-]+|\b[\w-]+\.(?:py|pyi|js|jsx|mjs|cjs|ts|tsx|toml|cfg|ini|json|ya?ml|md|txt)\b"
)
_FILE = re.compile(
    r"(?<![\w.])\.[A-Za-z][\w-]*(?:\.[\w-]+)*"
    r"|\b(?i:docker|container|make|gem|pip|rake|proc|jenkins|vagrant|brew|just|guard|pod|fast)file\b"
    r"|\b(?:README|LICEN[CS]E|CHANGELOG|CONTRIBUTING|CODEOWNERS|NOTICE|SECURITY|BUILD|WORKSPACE)\b"
    r"|\b(?i:kustomization|docker-compose|compose\.ya?ml)\b"
)
_RULE = re.compile(r"\b[a-z][a-z-]*:[\w-]+|\b[A-Z]{1,6}\d{2,5}\b|\bCVE-\d+-\d+")
_SYMBOL = re.compile(r"\b\w+\(\)|\b[A-Za-z]\w+(?:\.[A-Za-z_]\w+)+|\b\w*[a-z0-9]_\w+|\b[a-z]+[A-Z]\w*")
_ADDRESS = re.compile(r"\w+://|\bwww\.|\w@\w", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“„«‚‘]([^\"“”„«»‚‘’]{3,})[\"”“»’‘]")
_CODE = re.compile(r"`+([^`]+)`+")
_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})


def objection(prose: str, facts: str, language: Language) -> str | None:
    """Why `prose` must not stand beside `facts`, the computed Markdown of its section; None when it may.

    Numbers (in digits and in words, percentages, dates), paths, rules, symbols, severities, names of weaknesses,
    quotes and code spans must be in the facts as they are; a rounding counts only if the facts hold it, a claim on
    all findings or on none only if the facts have that sentence. Paragraphs are all the Markdown that is allowed,
    with code, bold and italics.
    """
    if not prose.strip():
        return "it is empty"
    if len(prose) > MAX_CHARACTERS:
        return f"it is {len(prose):,} characters long, more than {MAX_CHARACTERS:,}"
    return (
        _bad_character(prose)
        or _bad_markdown(prose)
        or _foreign_name(prose, facts)
        or _foreign_severity(prose, facts, language)
        or _foreign_number(prose, facts, language)
        or _foreign_claim(prose, facts, language)
        or _foreign_weakness(prose, facts)
    )


def _bad_character(prose: str) -> str | None:
    for char in prose:
        if char != "\n" and not char.isprintable():
            return f"it holds the character U+{ord(char):04X}"
        if not char.isascii() and unicodedata.numeric(char, None) is not None:
            return f"it writes a number as {char!r}"
    return None


def _bad_markdown(prose: str) -> str | None:
    if _ADDRESS.search(prose):
        return "it holds a link"
    for token in _MARKDOWN.parse(prose):
        for one in (token, *(token.children or ())):
            if one.type not in _ALLOWED:
                return f"it holds {_NAMES.get(one.type, one.type.removesuffix('_open'))}"
    return None


def _foreign_name(prose: str, facts: str) -> str | None:
    """A path, a rule, a symbol, a code span or a quote that the facts do not hold."""
    for what, pattern in (("the code", _CODE), ("the text", _QUOTED)):
        for match in pattern.finditer(prose):
            if not _holds(facts, match[1].strip()):
                return f"it names {what} {match[1]!r}, which is not in the facts"
    plain = _CODE.sub(" ", prose)
    for what, pattern in (
        ("the file", _PATH),
        ("the file", _FILE),
        ("the rule", _RULE),
        ("the name", _SYMBOL),
    ):
        for match in pattern.finditer(plain):
            if not _holds(facts, match[0].rstrip(".").removesuffix("()")):
                return f"it names {what} {match[0]!r}, which is not in the facts"
        plain = pattern.sub(" ", plain)
    return None


def _holds(facts: str, name: str) -> bool:
    """Whether the facts hold `name`, and not merely as a part of a longer one."""
    return re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w/-]|\.\w)", facts) is not None


def _foreign_severity(prose: str, facts: str, language: Language) -> str | None:
    for severity in ("critical", "high", "medium", "low"):
        word = language(f"severity.{severity}")
        pattern = rf"\b{word}(?:e[mnrs]?)?\b" if language.code == "de" else rf"\b{word}\b"
        if re.search(pattern, prose, re.IGNORECASE) and not re.search(rf"\b{word}\b", facts, re.IGNORECASE):
            return f"it speaks of severity {word!r}, which is not in the facts"
    return None


def _foreign_number(prose: str, facts: str, language: Language) -> str | None:
    known = {value for value, _ in _numbers(facts, language)}
    for value, written in _numbers(_CODE.sub(" ", prose), language):
        if value not in known:
            return f"it names the number {written!r}, which is not in the facts"
    return None


def _foreign_claim(prose: str, facts: str, language: Language) -> str | None:
    holds_one = any(value == "1" for value, _ in _numbers(facts, language))
    claim = foreign_claim(prose, facts, language.code, holds_one=holds_one)
    return None if claim is None else f"it says {claim!r} of findings, which is not in the facts"


def _foreign_weakness(prose: str, facts: str) -> str | None:
    name = foreign_weakness(prose, facts)
    return None if name is None else f"it names the weakness {name!r}, which is not in the facts"


def _numbers(text: str, language: Language) -> list[tuple[str, str]]:
    """Each number of a text in one form, and as it is written: "13000", "25%", "2026-11-23"."""
    found: list[tuple[str, str]] = []
    end = -1
    for match in _TOKEN.finditer(text):
        adjoins = found and text[end : match.start()].strip(" ") == ""
        if match["word"]:
            scale = scale_of(match["word"])
            if scale and adjoins and found[-1][0].isdigit():
                value, written = found.pop()
                found.append((str(int(value) * scale), f"{written} {match[0]}"))
                end = match.end()
                continue
            values = _of_word(match["word"], language)
        elif match["number"]:
            values = [_plain(match["number"], language) + ("%" if match["percent"] else "")]
        else:
            values = [match[0]]
        found += [(value, match[0]) for value in values]
        end = match.end() if values else -1
    return found


def _of_word(word: str, language: Language) -> list[str]:
    """The numbers in a word, in its parts where it has a hyphen and is none as a whole ("two-thirds")."""
    whole = value_of(word, language.code)
    if whole is not None:
        return [whole]
    parts = word.split("-")
    return [] if len(parts) == 1 else [value for part in parts for value in _of_word(part, language)]


def _plain(number: str, language: Language) -> str:
    """A number without its thousands separators and needless zeros; one that fits no language stays as it is."""
    thousands, decimal = language("format.thousands"), language("format.decimal")
    whole, _, fraction = number.partition(decimal)
    groups = whole.split(thousands)
    if any(len(group) != 3 for group in groups[1:]) or (fraction and not fraction.isdigit()):
        return number
    plain = "".join(groups) + (f".{fraction}" if fraction else "")
    return format(Decimal(plain).normalize(), "f")

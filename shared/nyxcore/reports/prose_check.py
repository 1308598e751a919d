"""Whether what a model wrote says nothing that is not in the facts it was given; pure.

The check is strict where the two can differ: better no prose than prose with a number of its own. It compares words
and understands nothing, so this remains possible: the right number of the wrong thing, a comparison or an amount in
words ("most", "fewer"), a cause, an advice, a weakness by a name that `weakness_names` does not list, and a name of
one plain word. Nor does it see a unit after a blank that is not the facts' ("9 h" for "9 s"), what could be reckoned
from numbers of the facts ("9 to the power of 5", "twenty and five"), numbers in words of another language, and a Roman
numeral that may be an abbreviation: a single letter, small letters, or fewer than four letters with L, C, D or M among
them (CI, MIX, CLI). A file that is named like an abbreviation ("d.h") or in capitals ("A/B") is taken for one. So prose
stands beside the computed parts and never replaces one.
"""

from __future__ import annotations

import html
import re
import unicodedata

from markdown_it import MarkdownIt

from nyxcore.reports.claims import foreign_claim
from nyxcore.reports.language import Language
from nyxcore.reports.weakness_names import foreign_weakness
from nyxcore.reports.written_numbers import numbers

MAX_CHARACTERS = 1_200

_ALLOWED = frozenset(
    {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak", "code_inline"}
    | {"strong_open", "strong_close", "em_open", "em_close"}
)
_NAMES = {"heading_open": "a heading", "link_open": "a link", "image": "an image", "html_block": "HTML"} | {
    "html_inline": "HTML", "fence": "a code block", "code_block": "a code block", "table_open": "a table",
    "bullet_list_open": "a list", "ordered_list_open": "a list", "blockquote_open": "a quote", "hr": "a rule",
}  # fmt: skip
_PATH = re.compile(
    r"[\w.@~-]*/[\w./@~-]+|\b[\w-]+\.(?:py|pyi|js|jsx|mjs|cjs|ts|tsx|toml|cfg|ini|json|ya?ml|md|txt)\b"
    r"|\b[\w-]+\.[A-Za-z](?![\w-])"
)
_NO_FILE = re.compile(
    r"(?<![\w./-])(?:e\.g|i\.e|a\.m|p\.m|a\.k\.a|U\.S(?:\.A)?|U\.K|E\.U|Ph\.D|z\.B|d\.h|u\.a|u\.U|z\.T|o\.g"
    r"|s\.o|s\.u|v\.a|i\.d\.R|and/or|und/oder|[A-Z]{1,3}/[A-Z]{1,3})(?![\w/]|\.\w)"
)
_FILE = re.compile(
    r"(?<![\w.])\.[A-Za-z][\w-]*(?:\.[\w-]+)*"
    r"|\b(?i:docker|container|make|gem|pip|rake|proc|jenkins|vagrant|brew|just|guard|pod|fast)file\b"
    r"|\b(?:README|LICEN[CS]E|CHANGELOG|CONTRIBUTING|CODEOWNERS|NOTICE|SECURITY|BUILD|WORKSPACE)\b"
    r"|\b(?i:kustomization|docker-compose|compose\.ya?ml)\b"
)
_RULE = re.compile(r"\b[a-z][a-z-]*:[\w-]+|\b[A-Z]{1,6}\d{2,5}\b|\bCVE-\d+-\d+")
_SYMBOL = re.compile(r"\b\w+\(\)|\b[A-Za-z]\w*(?:\.[A-Za-z_]\w*)+|\b\w*[a-z0-9]_\w+|\b[a-z]+[A-Z]\w*")
_ADDRESS = re.compile(r"\w+://|\bwww\.|\w@\w", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“„«‚‘]([^\"“”„«»‚‘’]{3,})[\"”“»’‘]")
_CODE = re.compile(r"`+([^`]+)`+")
_CODED_NUMBER = re.compile(r"`+([\d.,%]+)`+")
_UNIT = re.compile(r"(?<=\d)(?=[^\W\d])")  # where a blank may stand: "2.5s"
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
# emphasis, but no star between two words, "5*9"
_STARS = re.compile(r"(?<![\\\w*])\*+|(?<![\\*])\*+(?![\w*])")
_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})


def objection(prose: str, facts: str, language: Language) -> str | None:
    """Why `prose` must not stand beside `facts`, the computed Markdown of its section; None when it may.

    Numbers (in digits and in words, percentages, dates), paths, rules, symbols, severities, names of weaknesses,
    quotes and code spans must be in the facts as they are, and it counts how a reader sees the prose, not how its
    Markdown is written. A rounding counts only if the facts hold it, a claim on all findings or on none only if the
    facts have that sentence. Paragraphs are all the Markdown that is allowed, with code, bold and italics.
    """
    if not prose.strip():
        return "it is empty"
    if len(prose) > MAX_CHARACTERS:
        return f"it is {len(prose):,} characters long, more than {MAX_CHARACTERS:,}"
    if (bad := _bad_character(prose) or _bad_markdown(prose)) is not None:
        return bad
    shown = _shown(prose)
    facts = f"{facts}\n\n{_unmarked(facts)}"
    return (
        _bad_character(shown)
        or _foreign_name(shown, facts)
        or _foreign_severity(shown, facts, language)
        or _foreign_number(shown, facts, language)
        or _foreign_claim(shown, facts, language)
        or _foreign_weakness(shown, facts)
    )


def _bad_character(prose: str) -> str | None:
    for char in prose:
        if char != "\n" and not char.isprintable():
            return f"it holds the character U+{ord(char):04X}"
        if not char.isascii() and unicodedata.numeric(char, None) is not None:
            return f"it writes a number as {char!r}"
    return None


def _bad_markdown(prose: str) -> str | None:
    if _ADDRESS.search(prose) or _ADDRESS.search(_shown(prose)):
        return "it holds a link"
    for token in _MARKDOWN.parse(prose):
        for one in (token, *(token.children or ())):
            if one.type not in _ALLOWED:
                return f"it holds {_NAMES.get(one.type, one.type.removesuffix('_open'))}"
    return None


def _shown(prose: str) -> str:
    """What a reader sees of the Markdown: without emphasis and escapes, with code between backticks."""
    blocks = [block.children or () for block in _MARKDOWN.parse(prose) if block.type == "inline"]
    return "\n\n".join("".join(_shown_part(part.type, part.content) for part in parts) for parts in blocks)


def _shown_part(kind: str, content: str) -> str:
    if kind == "code_inline":
        return f"`{content}`"
    return "\n" if kind == "softbreak" else content.replace("`", "'")


def _unmarked(facts: str) -> str:
    """The facts without emphasis and escapes; their tables and lists stay as they are."""
    return html.unescape(_ESCAPE.sub(r"\1", _STARS.sub("", facts)))


def _foreign_name(prose: str, facts: str) -> str | None:
    """A path, a rule, a symbol, a code span or a quote that the facts do not hold."""
    for what, pattern in (("the code", _CODE), ("the text", _QUOTED)):
        for match in pattern.finditer(prose):
            if not _holds(facts, match[1].strip()):
                return f"it names {what} {match[1]!r}, which is not in the facts"
    plain = _NO_FILE.sub(" ", _CODE.sub(" ", prose))
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
    return re.search(rf"(?<![\w/.-])(?<!\d,){re.escape(name)}(?![\w/-]|\.\w|,\d)", facts) is not None


def _foreign_severity(prose: str, facts: str, language: Language) -> str | None:
    for severity in ("critical", "high", "medium", "low"):
        word = language(f"severity.{severity}")
        pattern = rf"\b{word}(?:e[mnrs]?)?\b" if language.code == "de" else rf"\b{word}\b"
        if re.search(pattern, prose, re.IGNORECASE) and not re.search(rf"\b{word}\b", facts, re.IGNORECASE):
            return f"it speaks of severity {word!r}, which is not in the facts"
    return None


def _foreign_number(prose: str, facts: str, language: Language) -> str | None:
    # a number of the facts may also be written without its "×", and 3.0 as 3
    known = {form for value, _ in numbers(facts, language) for form in (value, re.sub(r"×$|\.0$", "", value))}
    for value, written in numbers(_CODE.sub(" ", _CODED_NUMBER.sub(r"\1", prose)), language):
        spaced = _UNIT.sub(" ", written)
        if value not in known and (spaced == written or not _holds(facts, spaced)):
            return f"it names the number {written!r}, which is not in the facts"
    return None


def _foreign_claim(prose: str, facts: str, language: Language) -> str | None:
    holds_one = any(value in ("1", "1×") for value, _ in numbers(facts, language))
    claim = foreign_claim(prose, facts, language.code, holds_one=holds_one)
    return None if claim is None else f"it says {claim!r} of findings, which is not in the facts"


def _foreign_weakness(prose: str, facts: str) -> str | None:
    name = foreign_weakness(prose, facts)
    return None if name is None else f"it names the weakness {name!r}, which is not in the facts"

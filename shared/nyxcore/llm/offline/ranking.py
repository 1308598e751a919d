"""Which statements matter: those whose words the material repeats and the request names, each said once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log
from typing import Final

from nyxcore.llm.offline.phrases import common_words
from nyxcore.llm.offline.reading import Block, Statement

_WORD: Final = re.compile(r"[^\W\d_][\w-]{2,}")
_ORDERS: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override|ignoriere|vergiss|missachte)\b.{0,60}"
    r"\b(?:instruction|prompt|rule|above|previous|anweisung|vorherig|bisherig|obig|regel)"
    r"|\byou (?:are now|must now)\b|\b(?:system prompt|systemprompt)\b"
    r"|\b(?:respond|reply|answer|antworte) (?:only|nur)\b",
    re.IGNORECASE,
)
_DEMANDS: Final = re.compile(
    r"\b(?:must|should|shall|needs? to|has to|have to|recommend\w*|todo|fixme|muss|müssen|soll(?:te)?n?|empfehl\w*"
    r"|erforderlich|ist zu|sind zu)\b"
    r"|^(?:add|remove|replace|fix|use|move|split|validate|check|rename|introduce|document|test|ensure|avoid|keep|make"
    r"|find|detect|change|allow|prevent|let|stop|write|create|delete|support)\b|^we (?:want|need)\b",
    re.IGNORECASE,
)
_RULES: Final = re.compile(
    r"\b(?:must not|must never|may not|do not|don't|must (?:only|always|still|stay|remain)|darf|dürfen|nie(?:mals)?"
    r"|never|(?:has|have|needs?) to (?:stay|remain)|muss .{0,60}bleiben|müssen .{0,60}bleiben)\b",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"`([^`]+)`")
_TOO_LONG: Final = 400  # characters: beyond it a "sentence" is a wall of text
_ALIKE: Final = 0.6
_STEM: Final = 6  # letters: enough that complex and complexity, Funktion and Funktionen are one


def words(text: str) -> list[str]:
    """The words that carry meaning, in lower case, cut to their first letters."""
    return [word[:_STEM] for word in _meaningful(text)]


def terms(text: str) -> dict[str, str]:
    """What `words` gives, each once, and the first whole word that it was cut from."""
    found: dict[str, str] = {}
    for word in _meaningful(text):
        found.setdefault(word[:_STEM], word)
    return found


def _meaningful(text: str) -> list[str]:
    common = common_words()
    return [word for found in _WORD.findall(text) if (word := found.lower()) not in common]


def gives_orders(text: str) -> bool:
    """Whether the text speaks to a model in order to steer it."""
    return _ORDERS.search(text) is not None


def is_action(text: str) -> bool:
    """Whether the text says what is to be done; a question does not."""
    return _DEMANDS.search(text) is not None and not text.endswith("?")


def is_rule(text: str) -> bool:
    """Whether the text says what must, or must not, be so."""
    return _RULES.search(text) is not None and not text.endswith("?")


def statements_of(blocks: Iterable[Block]) -> list[Statement]:
    """All statements of the material that may be quoted, each once.

    None that is too short (a question is not: "Is it on by default?"), that only says what comes next, or that
    steers a model.
    """
    found: dict[str, Statement] = {}
    for block in blocks:
        for statement in block.statements():
            text = statement.text
            least = 1 if text.endswith("?") else 2
            if len(words(text)) >= least and not text.endswith(":") and not gives_orders(text):
                found.setdefault(text.casefold(), statement)
    return list(found.values())


def key_statements(statements: Sequence[Statement], request: str, limit: int) -> list[Statement]:
    """The `limit` statements that say most, in the order in which they stand."""
    often = Counter(word for statement in statements for word in set(words(statement.text)))
    named = set(words(request))
    scored = sorted(
        range(len(statements)), key=lambda index: (-_score(statements[index], often, named, index), index)
    )
    chosen: list[int] = []
    for index in scored:
        if len(chosen) == limit:
            break
        if not any(_alike(statements[index].text, statements[other].text) for other in chosen):
            chosen.append(index)
    return [statements[index] for index in sorted(chosen)]


def about(statements: Sequence[Statement], question: str, limit: int) -> list[Statement]:
    """The statements that share most words with the question, best first; none where nothing is shared."""
    rare = Counter(word for statement in statements for word in set(words(statement.text)))
    wanted = set(words(question))
    scored: list[tuple[float, int]] = []
    for index, statement in enumerate(statements):
        has = set(words(f"{statement.heading} {statement.text}"))
        shared = wanted & has
        weight = sum(1 + log(1 + len(statements) / (1 + rare[word])) for word in shared)
        if shared:
            scored.append((-weight / (1 + 0.02 * len(has)), index))
    best = [statements[index] for _, index in sorted(scored)]
    distinct: list[Statement] = []
    for statement in best:
        if len(distinct) == limit:
            break
        if not any(_alike(statement.text, other.text) for other in distinct):
            distinct.append(statement)
    return distinct


def _score(statement: Statement, often: Counter[str], named: set[str], index: int) -> float:
    own = set(words(statement.text))
    repeated = sum(log(often[word]) for word in own if often[word] > 1)
    score: float = (repeated + 2 * len(own & named)) / (len(own) + 4) ** 0.5
    score += 0.6 if any(character.isdigit() for character in statement.text) else 0
    score += 0.4 if "`" in statement.text else 0
    score += 0.5 / (1 + index / 4)  # what stands first is often the gist
    return score - (2 if len(statement.text) > _TOO_LONG else 0)


def _alike(one: str, other: str) -> bool:
    """Whether one says what the other says; of two files or functions the same may be said, and is not one thing."""
    if (named := set(_CODE.findall(one))) and (others := set(_CODE.findall(other))) and not named & others:
        return False
    left, right = set(words(one)), set(words(other))
    return len(left & right) / max(1, min(len(left), len(right))) >= _ALIKE

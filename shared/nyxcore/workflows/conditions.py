"""The language of `when`: comparisons of paths and literals, joined by and, or and not.

    condition  = conjunction ( "or" conjunction )*
    conjunction= negation ( "and" negation )*
    negation   = "not" negation | comparison
    comparison = operand ( ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" ) operand )?
    operand    = path | text in quotes | number | "true" | "false" | "(" condition ")"

Paths are those of prompts, and may stand between `{{` and `}}` too. `contains` asks a text for a text, or a
list for an element. Nothing is converted: comparing a number with a text is an error, not false.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nyxcore.errors import InvalidInput
from nyxcore.workflows.flaws import nearest, shown
from nyxcore.workflows.prompts.paths import PATH, Path, parse_path
from nyxcore.workflows.prompts.scope import Kind, Scope, Unknown, words_of

MAX_DEPTH = 50

_TOKEN = re.compile(
    rf"""\s*(?:(?P<operator>==|!=|<=|>=|<|>|\(|\))
      | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?![\w.]))
      | (?P<text>"[^"]*"|'[^']*')
      | \{{\{{\s*(?P<braced>{PATH})\s*\}}\}}
      | (?P<word>{PATH}))""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "contains")
_RESERVED = {"and", "or", "not", "contains", "true", "false"}
_HINTS = {"=": "==", "&": "and", "|": "or", "!": "not"}
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class ConditionUnreadable(InvalidInput):
    """A `when` that does not follow the grammar; `column` is counted from 1."""

    code = "condition_unreadable"

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (column {column})", column=column)
        self.column = column


class ConditionFailed(InvalidInput):
    """A `when` whose values cannot be compared as it asks."""

    code = "condition_failed"


@dataclass(frozen=True)
class Literal:
    """A text, a number, true or false."""

    value: str | float | bool


@dataclass(frozen=True)
class Named:
    """The value at the end of a path."""

    path: Path


@dataclass(frozen=True)
class Not:
    """True where its operand is false."""

    operand: Expression


@dataclass(frozen=True)
class Joined:
    """`and` or `or` of two or more."""

    word: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Compared:
    """Two operands and what is asked of them."""

    operator: str
    left: Expression
    right: Expression


type Expression = Literal | Named | Not | Joined | Compared


def parse_condition(text: str) -> Expression:
    """The expression in `text`.

    Raises
    ------
    ConditionUnreadable : with the column at which it breaks.
    """
    return _Reader(text).whole()


def paths(expression: Expression) -> Iterator[Path]:
    """Every path that the expression names."""
    match expression:
        case Named(path):
            yield path
        case Not(operand):
            yield from paths(operand)
        case Joined(_, operands):
            for operand in operands:
                yield from paths(operand)
        case Compared(_, left, right):
            yield from paths(left)
            yield from paths(right)


def problems(expression: Expression, scope: Scope) -> list[Unknown]:
    """What is wrong with an expression in its step: unknown paths, and comparisons that can never be made."""
    found: list[Unknown] = []
    kind = _kind(expression, scope, found)
    if kind not in ("boolean", "any"):
        found.append(Unknown(f"the condition is a {kind}, not true or false; compare it with something"))
    return found


def holds(expression: Expression, lookup: Callable[[Path], object]) -> bool:
    """Whether the condition is true, where `lookup` gives the value at the end of a path.

    Raises
    ------
    ConditionFailed : an operand has a kind that the operator does not take.
    """
    value = _value(expression, lookup)
    if not isinstance(value, bool):
        raise ConditionFailed(f"{value!r:.80} is not true or false; compare it with something")
    return value


def _value(expression: Expression, lookup: Callable[[Path], object]) -> object:
    match expression:
        case Literal(value):
            return value
        case Named(path):
            return lookup(path)
        case Not(operand):
            return not holds(operand, lookup)
        case Joined(word, operands):
            test = all if word == "and" else any
            return test(holds(operand, lookup) for operand in operands)
        case Compared(sign, left, right):
            return _compare(sign, _value(left, lookup), _value(right, lookup))


def _compare(sign: str, left: object, right: object) -> bool:
    kinds = _kind_of(left), _kind_of(right)
    # what may be anything before a run is known now: null and objects have no order, and hold no text
    unordered = sign in _ORDERED and "any" in kinds
    holds_nothing = sign == "contains" and (kinds[0] == "any" or kinds == ("text", "any"))
    if unordered or holds_nothing or not _comparable(sign, *kinds):
        raise ConditionFailed(
            f"{left!r:.80} {sign} {right!r:.80}: {kinds[0]} and {kinds[1]} cannot be asked that"
        )
    if sign == "contains":
        return right in left  # type: ignore[operator] # a text or a list, by _comparable
    if sign in _ORDERED:
        return _ORDERED[sign](left, right)
    return (left == right) is (sign == "==")


def _kind_of(value: object) -> Kind:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list | tuple) else "any"


def _comparable(sign: str, left: Kind, right: Kind) -> bool:
    if sign == "contains":
        return left in ("list", "any") or (left == "text" and right in ("text", "any"))
    if "any" in (left, right):
        return True
    return left == right and (sign in ("==", "!=") or left in ("number", "text"))


def _kind(expression: Expression, scope: Scope, found: list[Unknown]) -> Kind:
    match expression:
        case Literal(value):
            return _kind_of(value)
        case Named(path):
            kind = scope.kind(path)
            if isinstance(kind, Unknown):
                found.append(kind)
                return "any"
            return kind
        case Not(operand):
            _must_be_boolean("not", _kind(operand, scope, found), found)
        case Joined(word, operands):
            for operand in operands:
                _must_be_boolean(word, _kind(operand, scope, found), found)
        case Compared(sign, left, right):
            before = len(found)
            kinds = _kind(left, scope, found), _kind(right, scope, found)
            if not _comparable(sign, *kinds):
                found.append(
                    Unknown(f"{kinds[0]} {sign} {kinds[1]} can never be asked; compare like with like")
                )
            elif len(found) == before:
                found += _never_said(sign, left, right)
    return "boolean"


def _never_said(sign: str, left: Expression, right: Expression) -> Iterator[Unknown]:
    """A text that is compared with what is always one of a few words, and is none of them."""
    match left, right:
        case (Named(path), Literal(str(text))) | (Literal(str(text)), Named(path)):
            words = words_of(path)
        case _:
            return
    part, whole = ([text], words) if isinstance(left, Named) else (words, [text])
    holds_one = sign == "contains" and any(inner in outer for inner in part for outer in whole)
    if words and sign not in _ORDERED and text not in words and not holds_one:
        known = f"{', '.join(words[:-1])} or {words[-1]}"
        yield Unknown(f'{path} is {known}, never "{shown(text)}"', nearest(text, words, cutoff=0.6))


def _must_be_boolean(word: str, kind: Kind, found: list[Unknown]) -> None:
    if kind not in ("boolean", "any"):
        found.append(
            Unknown(f'"{word}" takes true or false, and here stands a {kind}; compare it with something')
        )


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


class _Reader:
    """Recursive descent, at most 50 levels deep."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._end = len(text) + 1
        self._depth = 0

    def whole(self) -> Expression:
        expression = self._joined("or")
        if (token := self._peek()) is not None:
            raise ConditionUnreadable(f"nothing may follow here, and there is {token.text}", token.column)
        return expression

    def _peek(self, *words: str) -> _Token | None:
        """The next token; where words are given, only if it is one of them."""
        token = self._tokens[self._next] if self._next < len(self._tokens) else None
        if token is None or not words:
            return token
        return token if token.kind in ("operator", "word") and token.text in words else None

    def _joined(self, word: str) -> Expression:
        operands = [self._operand_of(word)]
        while self._peek(word):
            self._next += 1
            operands.append(self._operand_of(word))
        return operands[0] if len(operands) == 1 else Joined(word, tuple(operands))

    def _operand_of(self, word: str) -> Expression:
        return self._joined("and") if word == "or" else self._negation()

    def _negation(self) -> Expression:
        if (token := self._peek("not")) is None:
            return self._comparison()
        self._next += 1
        self._deeper(token)
        operand = self._negation()
        self._depth -= 1
        return Not(operand)

    def _comparison(self) -> Expression:
        left = self._operand()
        if (token := self._peek(*_COMPARISONS)) is None:
            return left
        self._next += 1
        return Compared(token.text, left, self._operand())

    def _operand(self) -> Expression:
        token = self._peek()
        if token is None:
            raise ConditionUnreadable(
                "a path, a text, a number or a bracket is missing at the end", self._end
            )
        self._next += 1
        if token.text == "(" and token.kind == "operator":
            return self._bracket(token)
        if token.kind == "text":
            return Literal(token.text[1:-1])
        if token.kind == "number":
            return Literal(float(token.text) if "." in token.text else int(token.text))
        if token.kind == "word" and token.text in ("true", "false"):
            return Literal(token.text == "true")
        path = parse_path(token.text) if token.kind == "braced" or token.text not in _RESERVED else None
        if path is None:
            raise ConditionUnreadable(f"{token.text} cannot stand here", token.column)
        return Named(path)

    def _bracket(self, token: _Token) -> Expression:
        self._deeper(token)
        inner = self._joined("or")
        if self._peek(")") is None:
            raise ConditionUnreadable("this bracket is never closed", token.column)
        self._next += 1
        self._depth -= 1
        return inner

    def _deeper(self, token: _Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConditionUnreadable(f"more than {MAX_DEPTH} levels of brackets and not", token.column)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    end = len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            start = len(text) - len(text[position:].lstrip())
            sign = text[start]
            hint = (
                f"; write {_HINTS[sign]}"
                if sign in _HINTS
                else "; a text stands in quotes"
                if sign in "\"'"
                else ""
            )
            raise ConditionUnreadable(f"{sign} cannot be read{hint}", start + 1)
        kind = found.lastgroup or "word"
        yield _Token(kind, found[kind], found.start(kind) + 1)
        position = found.end()

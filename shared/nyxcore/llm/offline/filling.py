"""A typed answer without a model: each part of the schema is filled from the prompt, or says that it is not stated.

What a part is about is read from its name and description. Where a schema leaves no way to say "not stated" (an
enumeration, a number), the most cautious value that it allows stands there: null, "unknown", zero, false, or the
first of the enumeration. The member that is there for prose begins with the notice that no model was used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from nyxcore.llm.offline import comparing
from nyxcore.llm.offline.findings import Found, findings_of
from nyxcore.llm.offline.phrases import Language, language_of, phrase
from nyxcore.llm.offline.ranking import about, key_statements, statements_of
from nyxcore.llm.offline.reading import Reading, Statement, read
from nyxcore.llm.offline.verdicts import Verdict, judged_by, verdict
from nyxcore.llm.offline.writing import actions_of

_DEPTH, _ITEMS = 12, 25
_ENOUGH: Final = 5  # words, to tell the language of a request by
_UNKNOWN: Final = ("not stated", "not_stated", "unknown", "unclear", "none", "n/a", "other", "neutral")
_GRAVE: Final = re.compile(
    r"\b(?:findings?|issues?|problems?|vulnerabilit|risks?|befunde?|probleme?|risiken)"
)
_PICK: Final = re.compile(r"\b(?:best|pick|chosen|choice|winner|selected|decision|wahl|gewählt)")
_REASONS: Final = re.compile(r"\b(?:reasons?|why|rationale|justification|explanation|begründung|gründe)\b")
_PROSE: Final = re.compile(
    r"\b(?:reasons?|why|rationale|justification|explanation|summary|overview|abstract|gist|notes?|comments?|remarks?"
    r"|description|text|answer|content|message|analysis|assessment|conclusion|advice|report|details?"
    r"|zusammenfassung|überblick|begründung|erklärung|hinweise?|anmerkung|antwort|fazit)\b"
)
_NO_PROSE: Final = re.compile(
    r"\b(?:titles?|headline|names?|files?|paths?|ids?|keys?|urls?|links?|emails?|owner|author|dates?|time|deadline|due"
    r"|version|language|status|severity|category|labels?|type|kind|code|pick|winner|choice|best|titel|datei|datum)\b"
)
_FIRST_WORDS: Final = 30  # characters of the notice up to its colon
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PLACE: Final = re.compile(r"`?([\w./-]+\.\w{1,5})(?::(\d+))?`?")


@dataclass(frozen=True)
class _Source:
    """The prompt as it is filled from."""

    reading: Reading
    language: Language
    statements: list[Statement]
    found: list[Found]
    actions: list[Statement]
    verdict: Verdict | None

    @property
    def absent(self) -> str:
        return phrase(self.language, "not_stated")


@dataclass(frozen=True)
class _Part:
    """A place in the schema: its schema, its name, what surrounds it."""

    schema: dict[str, Any]
    root: dict[str, Any]
    name: str
    depth: int
    finding: Found | None = None

    @property
    def words(self) -> str:
        """What it is about."""
        described = f"{self.schema.get('title', '')} {self.schema.get('description', '')}"
        return f"{_CAMEL.sub(' ', self.name).replace('_', ' ')} {described}"

    def within(self, schema: Any, name: str, finding: Found | None = None) -> _Part:
        return _Part(_resolved(schema, self.root), self.root, name, self.depth + 1, finding or self.finding)


def fill(system: str, prompt: str, schema: dict[str, Any]) -> Any:
    """Data of the schema's shape; whether it fits every constraint is for the validator to say."""
    reading = read(prompt)
    statements = statements_of(reading.material)
    asked = judged_by(reading)
    language = language_of(asked if len(asked.split()) > _ENOUGH else f"{system}\n{prompt}")
    source = _Source(
        reading,
        language,
        statements,
        findings_of(reading.material),
        actions_of(statements),
        verdict(reading, language),
    )
    root = _Part(_resolved(schema, schema), schema, "", 0)
    return _with_notice(_value(root, source), root, phrase(language, "notice"))


def _with_notice(value: Any, part: _Part, notice: str) -> Any:
    """The value with the notice in a text of it: the first that is there for prose, else the first that may be."""
    if not isinstance(value, dict):
        return value
    members = {name: part.within(schema, name) for name, schema in part.schema.get("properties", {}).items()}
    texts = [
        name for name, member in members.items() if isinstance(value[name], str) and _has_room(member.schema)
    ]
    named = {name: _CAMEL.sub(" ", name).replace("_", " ").lower() for name in texts}
    chosen = [name for name in texts if _PROSE.search(named[name])]
    chosen += [name for name in texts if not _NO_PROSE.search(named[name])]
    if chosen:
        name = chosen[0]
        return value | {name: _begun_with(notice, value[name], members[name].schema)}
    for name, member in members.items():
        if (told := _with_notice(value[name], member, notice)) != value[name]:
            return value | {name: told}
    return value


def _has_room(schema: dict[str, Any]) -> bool:
    """Whether the first words of the notice may stand there."""
    return (
        not schema.keys() & {"enum", "const", "pattern", "format"}
        and schema.get("maxLength", 99) > _FIRST_WORDS
    )


def _begun_with(notice: str, text: str, schema: dict[str, Any]) -> str:
    """The text below the notice; below its first words where there is no room for all of them."""
    room = schema.get("maxLength", len(notice) + len(text) + 2)
    said = notice if len(notice) <= room else f"{notice.partition(':')[0]}."
    return f"{said}\n\n{text}"[:room]


def _value(part: _Part, source: _Source) -> Any:
    schema = part.schema
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return _chosen(part, schema["enum"], source)
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    nullable = "null" in kinds
    kind = next((one for one in kinds if one != "null"), "null")
    fillers: dict[str, Callable[[_Part, _Source, bool], Any]] = {
        "object": _object,
        "array": _array,
        "string": _string,
        "integer": _number,
        "number": _number,
        "boolean": lambda _part, _source, optional: None if optional else False,
    }
    if kind == "null" or part.depth > _DEPTH:
        return None
    return fillers[kind](part, source, nullable)


def _object(part: _Part, source: _Source, _nullable: bool) -> dict[str, Any]:
    properties = part.schema.get("properties", {})
    names = [*properties, *(name for name in part.schema.get("required", []) if name not in properties)]
    return {name: _value(part.within(properties.get(name, {}), name), source) for name in names}


def _array(part: _Part, source: _Source, _nullable: bool) -> list[Any]:
    items = part.within(part.schema.get("items", {}), part.name)
    least = part.schema.get("minItems", 0)
    most = min(part.schema.get("maxItems", _ITEMS), max(_ITEMS, least))
    if _is_object(items.schema):
        values = [_value(part.within(items.schema, part.name, one), source) for one in source.found]
    elif "enum" in items.schema:
        named = [value for value in items.schema["enum"] if _mentions(source, value)]
        values = named
    elif items.schema.get("type", "string") == "string":
        values = _texts(part, source, most)
    else:
        values = []
    while len(values) < least:
        values.append(_value(items, source))
    return values[:most]


def _string(part: _Part, source: _Source, nullable: bool) -> str | None:
    text = _text(part, source)
    if text is None:
        return None if nullable else source.absent
    return text[: part.schema.get("maxLength", len(text))]


def _text(part: _Part, source: _Source) -> str | None:
    named = part.words.lower()
    if part.finding is not None:
        return _of_finding(part.finding, named)
    if source.verdict is not None and _REASONS.search(named):
        return source.verdict.reasons
    if _PICK.search(named):
        blocks = comparing.alternatives(source.reading.blocks)
        if len(blocks) > 1:
            result = comparing.compare(source.reading.asked.text, blocks)
            return result.labels[result.best]
    if re.search(r"\b(?:title|titel|headline|name)\b", named):
        return next((heading for block in source.reading.material for heading in block.headings()), None)
    if re.search(r"\b(?:summary|overview|zusammenfassung|überblick|abstract|gist)\b", named):
        key = key_statements(source.statements, source.reading.asked.text, 3)
        return " ".join(statement.text for statement in key) or None
    fitting = about(source.statements, part.words, 2)
    return " ".join(statement.text for statement in fitting) or None


def _of_finding(finding: Found, named: str) -> str | None:
    place = _PLACE.search(finding.text)
    if re.search(r"\b(?:file|path|datei)\b", named):
        return place[1] if place else None
    if re.search(r"\b(?:severity|schweregrad)\b", named):
        return finding.severity
    if re.search(
        r"\b(?:fix|suggestion|recommendation|solution|reason|impact|lösung|empfehlung|grund)\b", named
    ):
        return None
    return finding.text


def _texts(part: _Part, source: _Source, most: int) -> list[str]:
    named = part.words.lower()
    if source.found and _GRAVE.search(named):
        return [finding.text for finding in source.found[:most]]
    if re.search(
        r"\b(?:actions?|tasks?|steps?|recommendations?|todos?|aufgaben|schritte|empfehlungen)\b", named
    ):
        return [statement.text for statement in source.actions[:most]]
    if re.search(r"\b(?:headings?|sections?|topics?|abschnitte|themen)\b", named):
        return [heading for block in source.reading.material for heading in block.headings()][:most]
    fitting = about(source.statements, part.words, min(most, 8))
    return [one.text for one in fitting or key_statements(source.statements, named, min(most, 5))]


def _number(part: _Part, source: _Source, nullable: bool) -> float | None:
    named = part.words.lower()
    value: float | None = None
    if part.finding is not None and "line" in named:
        place = _PLACE.search(part.finding.text)
        value = int(place[2]) if place and place[2] else None
    elif source.verdict is not None and _PICK.search(named):
        value = source.verdict.best + (0 if part.schema.get("minimum") == 0 else 1)
    elif re.search(r"\b(?:count|number|total|anzahl)\b", named):
        graded = [one for one in source.found if one.severity in named]
        value = len(graded or source.found) if "find" in named or graded or "issue" in named else None
    if value is None:
        return None if nullable else part.schema.get("minimum", 0)
    low, high = part.schema.get("minimum", value), part.schema.get("maximum", value)
    bounded: float = max(low, min(high, value))
    return bounded


def _chosen(part: _Part, allowed: list[Any], source: _Source) -> Any:
    """A value of an enumeration: the finding's, the best alternative, the only one that the material names."""
    texts = {str(value).lower(): value for value in allowed}
    if part.finding is not None and part.finding.severity in texts:
        return texts[part.finding.severity]
    blocks = comparing.alternatives(source.reading.blocks)
    if len(blocks) > 1 and comparing.is_wanted(source.reading.asked.text, source.reading.blocks):
        result = comparing.compare(source.reading.asked.text, blocks)
        best = blocks[result.best].label.lower()
        for text, value in texts.items():
            if text == best or text in best.split():
                return value
    if source.found and source.found[0].severity in texts:
        return texts[source.found[0].severity]
    cautious = [None] if None in allowed else [texts[name] for name in _UNKNOWN if name in texts]
    named = [value for value in allowed if value not in cautious and _mentions(source, value)]
    if len(named) == 1:
        return named[0]
    return cautious[0] if cautious else allowed[0]


def _mentions(source: _Source, value: Any) -> bool:
    pattern = re.compile(rf"\b{re.escape(str(value))}\b", re.IGNORECASE)
    return any(pattern.search(statement.text) for statement in source.statements)


def _is_object(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "object" or "properties" in schema


def _resolved(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    """The schema without references into the document and without alternatives: the first that is not null."""
    for _ in range(_DEPTH):
        if not isinstance(schema, dict):
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            target: Any = root
            for step in reference[2:].split("/"):
                target = target.get(step.replace("~1", "/").replace("~0", "~"), {})
            schema = target
        elif options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            schema = next((one for one in options if one.get("type") != "null"), {})
        else:
            return schema
    return {}

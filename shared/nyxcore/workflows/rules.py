"""What the members of a workflow and of a step must be together; each rule says where, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from pydantic import JsonValue

from nyxcore.workflows.conditions import ConditionUnreadable, parse_condition, problems
from nyxcore.workflows.definition import (
    MAX_CALL_SECONDS,
    MAX_FAN_OUT,
    MAX_PROMPT_BYTES,
    Input,
    Step,
    Workflow,
)
from nyxcore.workflows.flaws import Flaw, nearest, pointer, shown
from nyxcore.workflows.prompts.grammar import parse
from nyxcore.workflows.prompts.paths import Path, parse_path
from nyxcore.workflows.prompts.scope import Kind, Scope, Unknown, scope_of

type At = tuple[str | int, ...]

_CALL = (
    "system",
    "persona",
    "model",
    "models",
    "fallbacks",
    "temperature",
    "max_output_tokens",
    "output_schema",
)
_MANY = ("alternatives", "pick", "judge", "for_each")
# What a member means for a type of step; anywhere else it would be ignored in silence.
_UNUSED: Mapping[str, tuple[str, ...]] = {
    "llm": ("categories", "style"),
    "report": ("categories", "models", "output_schema", *_MANY),
    "review": ("categories", "style", "budget", "retries", "backoff", *_CALL, *_MANY),
    "analysis": ("prompt", "style", "budget", *_CALL, *_MANY),
}
_IS_OF: Mapping[str, Callable[[JsonValue], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
}


def head_flaws(head: Workflow, inputs: Mapping[str, Input | None]) -> Iterator[Flaw]:
    """Of the inputs (None where one has flaws of its own) and of what the workflow selects."""
    for name, given in inputs.items():
        if given is not None and given.default is not None and not is_of_type(given, given.default):
            message = f"{shown(given.default)} is no {given.type}, which this input is"
            yield Flaw(path=pointer("inputs", name, "default"), value=shown(given.default), message=message)
    scope = scope_of(head, head.steps[0], inputs)
    for index, text in enumerate(head.context):
        path = parse_path(text)
        kind = scope.kind(path) if path and path.parts[0] not in ("steps", "item", "goal") else None
        if path is None or kind is None:
            close = nearest(text, ["input", "memory", "docs", "policies", "project.wisdom"])
            message = f"{shown(text)} is nothing to select: input, memory, docs, docs.<name>, policies, project.wisdom"
            yield Flaw(path=pointer("context", index), value=shown(text), message=message, suggestion=close)
        elif isinstance(kind, Unknown):
            yield _unknown(kind, pointer("context", index), text)


def is_of_type(given: Input, value: JsonValue) -> bool:
    """Whether a value may be given for an input."""
    return _IS_OF[given.type](value)


def step_flaws(step: Step, at: At, *, whole: bool) -> Iterator[Flaw]:
    """What can be said of a step without looking at the others; `whole` is False where a member is missing."""
    yield from _misplaced(step, at)
    if whole:
        yield from _choice(step, at)
    yield from _limits(step, at)
    if step.type == "llm" and step.prompt is None:
        yield Flaw(
            path=pointer(*at, "prompt"),
            message="prompt is missing; a step of type llm asks a model something",
        )


def _misplaced(step: Step, at: At) -> Iterator[Flaw]:
    for name in _UNUSED[step.type]:
        if name in step.model_fields_set:
            alias = Step.model_fields[name].alias or name
            message = f"{alias} does nothing at a step of type {step.type}; remove it"
            yield Flaw(path=pointer(*at, alias), value=shown(getattr(step, name)), message=message)


def _choice(step: Step, at: At) -> Iterator[Flaw]:
    if step.alternatives > 1 and step.pick is None:
        message = f"{step.alternatives} alternatives and nobody picks one; add pick: person or pick: judge"
        yield Flaw(
            path=pointer(*at, "alternatives"),
            value=str(step.alternatives),
            message=message,
            suggestion="pick",
        )
    if step.pick is not None and step.answers == 1:
        message = "there is nothing to pick from; ask for alternatives (2 or 3) or for several models, or remove pick"
        yield Flaw(path=pointer(*at, "pick"), value=step.pick, message=message)
    if step.judge is not None and step.pick != "judge":
        yield Flaw(
            path=pointer(*at, "judge"), message="nobody asks this judge; add pick: judge, or remove it"
        )
    if step.judge is not None and "{{" in step.judge.criteria:
        message = (
            "nothing is inserted here, and the judge is given what the prompt names; say what counts in words"
        )
        yield Flaw(path=pointer(*at, "judge", "criteria"), value=shown(step.judge.criteria), message=message)
    judge = step.judge.model if step.judge else None
    models = [model for model in (step.model, judge, *step.models, *step.fallbacks) if model is not None]
    for name in (name for name in models if name.startswith("offline:")):
        yield Flaw(
            path=pointer(*at),
            value=name,
            message=f"{name} is no model; it is called offline",
            suggestion="offline",
        )
    if step.models and step.model is not None:
        yield Flaw(path=pointer(*at, "model"), value=step.model, message="give model or models, not both")
    if len(set(step.models)) < len(step.models):
        yield Flaw(
            path=pointer(*at, "models"), value=shown(list(step.models)), message="a model is named twice"
        )
    many = [name for name, used in _several(step) if used]
    if len(many) > 1:
        message = f"{' and '.join(many)} cannot stand together; make two steps of it"
        yield Flaw(path=pointer(*at, many[-1]), message=message)


def _several(step: Step) -> list[tuple[str, bool]]:
    return [
        ("forEach", step.for_each is not None),
        ("models", bool(step.models)),
        ("alternatives", step.alternatives > 1),
    ]


def _limits(step: Step, at: At) -> Iterator[Flaw]:
    for name, text in (("prompt", step.prompt), ("system", step.system)):
        size = len(text.encode("utf-8", "surrogatepass")) if text else 0
        if size > MAX_PROMPT_BYTES:
            message = f"{size:,} bytes; at most {MAX_PROMPT_BYTES:,}. Put long texts into docs, and name them"
            yield Flaw(path=pointer(*at, name), message=message)
    if isinstance(step.for_each, tuple):
        count = len(step.for_each)
        if not 1 <= count <= MAX_FAN_OUT:
            message = f"a list of {count:,} to run for; give 1 to {MAX_FAN_OUT}"
            yield Flaw(path=pointer(*at, "forEach"), message=message)
    if step.timeout is not None and step.type != "review" and step.timeout > MAX_CALL_SECONDS:
        message = f"{step.timeout} s is too long; the most is {MAX_CALL_SECONDS} s, save for a review"
        yield Flaw(path=pointer(*at, "timeout"), value=str(step.timeout), message=message)


def reference_flaws(step: Step, at: At, scope: Scope) -> Iterator[Flaw]:
    """Of every path that a step names: in its prompts, in `forEach` and in `when`."""
    for name, text in (("prompt", step.prompt), ("system", step.system)):
        if text is not None:
            yield from _prompt_flaws(text, pointer(*at, name), scope)
    if isinstance(step.for_each, str):
        yield from _list_flaws(step.for_each, pointer(*at, "forEach"), scope)
    if step.when is not None:
        yield from _condition_flaws(step.when, pointer(*at, "when"), scope)


def _prompt_flaws(text: str, path: str, scope: Scope) -> Iterator[Flaw]:
    template = parse(text)
    for misread in template.misread:
        where = f"line {misread.line}, column {misread.column}"
        yield Flaw(path=path, line=misread.line, value=misread.value, message=f"{where}: {misread.message}")
    for reference in template.references:
        kind = scope.kind(reference.path)
        where = f"line {reference.line}, column {reference.column}"
        if isinstance(kind, Unknown):
            kind = _with_member(kind, scope, "content")
            yield _unknown(kind, path, str(reference.path), line=reference.line, where=f"{where}: ")
        elif _is_list_of_step(reference.path, kind):
            content = f"steps.{reference.path.step}.content"
            message = f"{where}: {reference.path} is a list, for forEach; a prompt takes {content}"
            value = str(reference.path)
            yield Flaw(path=path, line=reference.line, value=value, message=message, suggestion=content)


def _list_flaws(text: str, at: str, scope: Scope) -> Iterator[Flaw]:
    path = parse_path(text)
    if path is None:
        message = f"{shown(text)} is no path; write it without braces, such as steps.outline.sections"
        yield Flaw(path=at, value=shown(text), message=message)
        return
    kind = scope.kind(path)
    if isinstance(kind, Unknown):
        yield _unknown(_with_member(kind, scope, "sections"), at, text)
    elif kind not in ("list", "any") or (kind == "any" and path.parts == ("input",)):
        close = f"steps.{path.step}.sections" if path.step else None
        message = f"{text} is no list; name an input of type list, or the sections of a step"
        yield Flaw(path=at, value=shown(text), message=message, suggestion=close)


def _is_list_of_step(path: Path, kind: Kind) -> bool:
    return kind == "list" and path.step is not None and len(path.parts) == 3


def _with_member(problem: Unknown, scope: Scope, member: Literal["content", "sections"]) -> Unknown:
    """The problem with a suggestion that can stand there, or none: `forEach` takes sections of a step, a prompt not."""
    path = parse_path(problem.suggestion or "")
    kind = scope.kind(path) if path is not None else None
    if path is None or kind is None or isinstance(kind, Unknown):
        return problem
    fits = not _is_list_of_step(path, kind) if member == "content" else kind in ("list", "any")
    instead = f"steps.{path.step}.{member}" if path.step else None
    return problem if fits else replace(problem, suggestion=instead)


def _condition_flaws(text: str, at: str, scope: Scope) -> Iterator[Flaw]:
    try:
        found = problems(parse_condition(text), scope)
    except ConditionUnreadable as error:
        yield Flaw(path=at, value=shown(text), message=error.message)
        return
    for problem in found:
        yield _unknown(problem, at, text)


def _unknown(problem: Unknown, path: str, value: str, *, line: int | None = None, where: str = "") -> Flaw:
    hint = f"; did you mean {problem.suggestion}?" if problem.suggestion else ""
    return Flaw(
        path=path,
        line=line,
        value=shown(value),
        message=f"{where}{problem.message}{hint}",
        suggestion=problem.suggestion,
    )

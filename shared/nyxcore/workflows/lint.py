"""Finds everything that is wrong with a definition, before anything runs and all at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from nyxcore.workflows import graph
from nyxcore.workflows.definition import Step, Workflow
from nyxcore.workflows.dependencies import step_needs
from nyxcore.workflows.flaws import MAX_FLAWS, Flaw, Place, WorkflowRefused, nearest, pointer, shown
from nyxcore.workflows.prompts.scope import scope_of
from nyxcore.workflows.rules import head_flaws, reference_flaws, step_flaws
from nyxcore.workflows.shape import Draft, read_shape
from nyxcore.workflows.source import read


def load(text: str, *, personas: Collection[str] | None = None) -> Workflow:
    """The workflow in a text, YAML or JSON.

    Raises
    ------
    WorkflowRefused : with every flaw that it has, and their lines where it is YAML.
    """
    source = read(text)
    flaws = [*source.flaws, *check(source.data, places=source.places, personas=personas)]
    if flaws:
        raise WorkflowRefused(sorted(flaws, key=lambda flaw: flaw.line or 0))
    return Workflow.model_validate(source.data)


def accept(document: object, *, personas: Collection[str] | None = None) -> Workflow:
    """The workflow in a document that has been read already, such as the body of a request; raises as `load`."""
    if flaws := check(document, personas=personas):
        raise WorkflowRefused(flaws)
    return Workflow.model_validate(document)


def check(
    document: object | Workflow,
    *,
    places: Mapping[str, Place] | None = None,
    personas: Collection[str] | None = None,
) -> list[Flaw]:
    """Every flaw of a document (the data of a YAML or JSON text) or of a workflow, in the order of its parts.

    Finding the nearest name takes time, so that of more than 500 flaws 500 are told.

    Parameters
    ----------
    places : where each value stands in the YAML, by its JSON pointer.
    personas : the keys of those that there are; None where that is not known here.
    """
    if isinstance(document, Workflow):
        document = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    draft = read_shape(document)
    told = {flaw.path for flaw in draft.flaws}
    further = (flaw for flaw in _whole_flaws(draft, personas) if flaw.path not in told)
    flaws = [*draft.flaws, *islice(further, MAX_FLAWS)][:MAX_FLAWS]
    return [located(flaw, places or {}) for flaw in sorted(flaws, key=_order_of)]


def _order_of(flaw: Flaw) -> tuple[tuple[int, str], ...]:
    parts = flaw.path.split("/")
    return tuple((int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts)


def located(flaw: Flaw, places: Mapping[str, Place]) -> Flaw:
    """The flaw with its line: that of its value, or of the nearest thing around it that has one."""
    if flaw.line is not None and flaw.path in places:  # a line of a prompt, counted from the prompt's first
        begin = places[flaw.path].text_line
        return flaw.model_copy(update={"line": begin + flaw.line - 1 if begin else places[flaw.path].line})
    path = flaw.path
    while path and path not in places:
        path = path.rpartition("/")[0]
    return flaw.model_copy(update={"line": places[path].line if path in places else None})


def _whole_flaws(draft: Draft, personas: Collection[str] | None) -> Iterator[Flaw]:
    """What only the parts together can show; members that could not be read are left out of it."""
    if draft.head is None:
        return
    yield from _twice(draft.keys)
    yield from head_flaws(draft.head, draft.inputs)
    workflow = draft.head.model_copy(
        update={"steps": tuple(step for step in draft.steps if step is not None)}
    )
    known = list(dict.fromkeys(key for key in draft.keys if key is not None))
    for index, step in enumerate(draft.steps):
        if step is None:
            continue
        at = ("steps", index)
        yield from step_flaws(step, at, whole=draft.whole[index])
        yield from _need_flaws(step, at, known)
        yield from _persona_flaws(step, at, personas)
        yield from reference_flaws(step, at, scope_of(workflow, step, draft.inputs).including(known))
    yield from _cycle_flaws(draft)


def _twice(keys: Sequence[str | None]) -> Iterator[Flaw]:
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key is None:
            continue
        if key in first:
            message = (
                f'"{shown(key)}" is the key of step {first[key] + 1} too; every step has a key of its own'
            )
            yield Flaw(path=pointer("steps", index, "key"), value=shown(key), message=message)
        first.setdefault(key, index)


def _need_flaws(step: Step, at: tuple[str | int, ...], known: Sequence[str]) -> Iterator[Flaw]:
    keys = set(known)
    for index, name in enumerate(step.needs):
        path = pointer(*at, "needs", index)
        if name not in keys:
            close = nearest(name, known)
            message = graph.unknown_need(step.key, shown(name), close)
            yield Flaw(path=path, value=shown(name), message=message, suggestion=close)
        elif name in step.needs[:index]:
            yield Flaw(path=path, value=name, message=f'"{name}" is named twice; leave one of them')


def _persona_flaws(step: Step, at: tuple[str | int, ...], personas: Collection[str] | None) -> Iterator[Flaw]:
    named = [(("persona",), step.persona), (("judge", "persona"), step.judge.persona if step.judge else None)]
    for members, key in named:
        if personas is not None and key is not None and key not in personas:
            close = nearest(key, sorted(personas))
            message = f'there is no persona "{key}"' + (f'; did you mean "{close}"?' if close else "")
            yield Flaw(path=pointer(*at, *members), value=key, message=message, suggestion=close)


def _cycle_flaws(draft: Draft) -> Iterator[Flaw]:
    needs: dict[str, list[str]] = {}
    position: dict[str, int] = {}
    for index, step in enumerate(draft.steps):
        if step is not None and step.key not in needs:
            needs[step.key] = step_needs(step)
            position[step.key] = index
    for cycle in graph.cycles(needs):
        first = draft.steps[position[cycle[0]]]
        member = "needs" if first is not None and cycle[1] in first.needs else "key"
        path = pointer("steps", position[cycle[0]], member)
        yield Flaw(path=path, value=cycle[0], message=graph.circle(cycle))

"""A workflow and the personas that it names, as one file that another tenant can take in.

The file is YAML (or JSON) with `format`, `workflow` and `personas`. What is written is read back the same, to
the last character. Keys of personas are those of the file: whoever takes it in decides what becomes of one that
is taken already.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from nyxcore.wire import Name, RequestModel
from nyxcore.workflows.definition import Key, Workflow
from nyxcore.workflows.flaws import Flaw, WorkflowRefused, pointer, shown
from nyxcore.workflows.lint import check, located
from nyxcore.workflows.shape import read_members
from nyxcore.workflows.source import read

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*(?<! )")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

_Trait = Annotated[str, Field(min_length=1, max_length=80)]


class BundledPersona(RequestModel):
    """A persona as a file carries it; its experience stays with its tenant."""

    key: Key
    name: Name
    category: Name
    summary: str = Field(default="", max_length=300)
    portrait: Key | None = Field(
        default=None, description="the name of one of the drawings that every tenant has"
    )
    traits: tuple[_Trait, ...] = Field(default=(), max_length=12)
    specializations: tuple[_Trait, ...] = Field(default=(), max_length=12)
    prompt: str = Field(min_length=1, max_length=20_000)


class _Around(RequestModel):
    """What stands in the file beside the workflow."""

    format: Literal[1] = 1
    personas: tuple[BundledPersona, ...] = ()


class Bundle(_Around):
    """What the file holds."""

    workflow: Workflow


def personas_of(workflow: Workflow) -> list[str]:
    """The keys of the personas that a workflow names, each once, in their order."""
    named = [
        key for step in workflow.steps for key in (step.persona, step.judge.persona if step.judge else None)
    ]
    return list(dict.fromkeys(key for key in named if key is not None))


def pack(workflow: Workflow, personas: Iterable[BundledPersona]) -> str:
    """The file, as YAML that people can read and change."""
    bundle = Bundle(workflow=workflow, personas=tuple(personas)).model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    return _dumped({"format": 1, "workflow": bundle["workflow"], "personas": bundle["personas"]})


def text_of(workflow: Workflow) -> str:
    """The definition alone, as YAML that people can read and change."""
    return _dumped(workflow.model_dump(mode="json", by_alias=True, exclude_unset=True))


def _dumped(data: Mapping[str, Any]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        """Texts are quoted wherever another reader of YAML could take them for something else."""

    Dumper.add_representer(str, _text)
    file: str = yaml.dump(data, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=10**9)
    return file


def _text(dumper: Any, text: str) -> Any:
    plain = _PLAIN.fullmatch(text) is not None and text.casefold() not in _WORDS
    style = None if plain else "|" if "\n" in text and "\r" not in text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def unpack(text: str, *, known: Collection[str] = ()) -> Bundle:
    """The bundle in a file.

    Parameters
    ----------
    known : the keys of personas that need not be in the file, such as the built-in ones.

    Raises
    ------
    WorkflowRefused : with every flaw of the workflow and of the personas.
    """
    source = read(text)
    data = source.data
    if not isinstance(data, Mapping) or "workflow" not in data:
        flaw = Flaw(
            path="", value=shown(data), message="a bundle is an object with format, workflow and personas"
        )
        raise WorkflowRefused([flaw])
    beside: list[Flaw] = []
    around = read_members(_Around, {name: data[name] for name in data if name != "workflow"}, (), beside)
    personas = around.personas if around is not None else ()
    flaws = [*source.flaws, *(located(flaw, source.places) for flaw in (*beside, *_twice(personas)))]
    places = {path.removeprefix("/workflow"): place for path, place in source.places.items()}
    keys = {*known, *(persona.key for persona in personas)}
    found = check(data["workflow"], places=places, personas=keys)
    flaws += (flaw.model_copy(update={"path": f"/workflow{flaw.path}"}) for flaw in found)
    if flaws:
        raise WorkflowRefused(sorted(flaws, key=lambda flaw: flaw.line or 0))
    return Bundle.model_validate(data)


def _twice(personas: Iterable[BundledPersona]) -> Iterable[Flaw]:
    seen: set[str] = set()
    for index, persona in enumerate(personas):
        if persona.key in seen:
            path = pointer("personas", index, "key")
            yield Flaw(
                path=path, value=persona.key, message="this key is that of a persona before; keep one of them"
            )
        seen.add(persona.key)

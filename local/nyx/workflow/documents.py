"""What FILE names on the command line: a file, a template that comes along, a team, or a workflow that is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nyx.api import Api, Json
from nyx.errors import BadUsage
from nyx.home import home_folder, is_new
from nyxcore.personas import library
from nyxcore.workflows import lint, templates
from nyxcore.workflows.bundle import unpack
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.flaws import Flaw, WorkflowRefused, nearest
from nyxcore.workflows.source import read

TEAM: Final = "team:"
OURS: Final = ("id", "version", "createdBy", "createdAt", "updatedAt")
"""What the service adds to a definition."""


@dataclass(frozen=True)
class Document:
    """A workflow's text.

    Attributes
    ----------
    name : what flaws are told of: the file as it was named, or the template.
    """

    name: str
    text: str


@dataclass(frozen=True)
class Checked:
    """What checking a document alone can say.

    Attributes
    ----------
    workflow : None where there are flaws.
    bundle : whether it carries personas.
    own_personas : those that it names and that do not come with the product: the service has to have them.
    """

    flaws: tuple[Flaw, ...] = ()
    workflow: Workflow | None = None
    bundle: bool = False
    own_personas: tuple[str, ...] = ()


def find(name: str) -> Document | None:
    """The file, `-` for stdin, or the template of this name; None where there is none.

    Raises
    ------
    BadUsage : it is a folder, or no text.
    """
    if name == "-":
        return Document("stdin", file_text(name))
    path = Path(name).expanduser()
    if path.is_dir():
        raise BadUsage(
            f"{name!r} is a folder. Give a workflow's file: `nyx workflow show NAME` prints one to start from."
        )
    if path.exists():
        return Document(name, file_text(name))
    return Document(name, templates.text(name)) if name in templates.names() else None


def file_text(name: str) -> str:
    """What stands in a file, `-` for stdin. Raises BadUsage where it cannot be read as text."""
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsage(f"{name!r} cannot be read as text: {error}.") from error


def require(name: str) -> Document:
    """As `find`. Raises BadUsage where there is nothing of this name, with the nearest template."""
    found = find(name)
    if found is None:
        raise BadUsage(
            f"There is no file {name!r}, and no template of that name.{_hint(name)}"
            " `nyx workflow list` shows the templates."
        )
    return found


def find_at_first(name: str) -> Document | None:
    """As `find`; where nothing can be kept yet, a wrong name is told before anything starts.

    Raises
    ------
    BadUsage : as `find`; and the home is new, and there is nothing of this name.
    """
    found = find(name)
    if found is None and not name.startswith(TEAM) and is_new(home_folder()):
        raise _nothing_named(name)
    return found


def check(document: Document) -> Checked:
    """Every flaw of the document, found without a stack."""
    own: tuple[str, ...] = ()
    bundle = False
    try:
        source = read(document.text)
        bundle = isinstance(source.data, Mapping) and "workflow" in source.data
        if bundle:
            return Checked((), unpack(document.text, known=built_in_personas()).workflow, bundle)
        own = tuple(dict.fromkeys(_named(source.data)))
        return Checked((), lint.load(document.text), bundle, own)
    except WorkflowRefused as refused:
        return Checked(refused.flaws, None, bundle, own)


def _named(data: object) -> Iterator[str]:
    """The personas that a document names and that do not come with the product, however broken the rest is."""
    known = built_in_personas()
    steps = data.get("steps") if isinstance(data, Mapping) else None
    for step in steps if isinstance(steps, list) else ():
        for holder in (step, step.get("judge")) if isinstance(step, Mapping) else ():
            key = holder.get("persona") if isinstance(holder, Mapping) else None
            if isinstance(key, str) and key not in known:
                yield key


def checked(document: Document) -> Checked:
    """As `check`. Raises WorkflowRefused where there are flaws."""
    found = check(document)
    if found.flaws:
        raise WorkflowRefused(found.flaws)
    return found


def kept(api: Api, name: str) -> Json:
    """The workflow that the service keeps under this id or name, or what `team:NAME` does; as it would be posted.

    Raises
    ------
    BadUsage : there is none.
    """
    if name.startswith(TEAM):
        return _of_team(api, name.removeprefix(TEAM))
    found = stored(api, name)
    if found is None:
        raise _nothing_named(name)
    return found


def _nothing_named(name: str) -> BadUsage:
    return BadUsage(
        f"There is no file {name!r}, and no template or workflow of that name.{_hint(name)}"
        " `nyx workflow list` shows what there is."
    )


def _hint(name: str) -> str:
    close = nearest(name, templates.names())
    return f" Did you mean {close}?" if close else ""


def stored(api: Api, name: str) -> Json | None:
    """The workflow of this id or name, the newest of several; None where there is none."""
    row = next((row for row in api.items("/workflows") if name in {row["id"], row["name"]}), None)
    return None if row is None else api.get(f"/workflows/{row['id']}")


def _of_team(api: Api, name: str) -> Json:
    teams = list(api.items("/teams"))
    for team in teams:
        if name in {team["id"], team["name"]}:
            return api.get(f"/teams/{team['id']}/workflow")
    known = ", ".join(team["name"] for team in teams[:10]) or "none yet: POST /api/v1/teams makes one"
    raise BadUsage(f"There is no team {name!r}. There are: {known}.")


def definition(answer: Json) -> Workflow:
    """The definition in what the service answers."""
    return Workflow.model_validate({key: value for key, value in answer.items() if key not in OURS})


def built_in_personas() -> set[str]:
    """The keys of the personas that come with the product."""
    return {persona.key for persona in library.read()}

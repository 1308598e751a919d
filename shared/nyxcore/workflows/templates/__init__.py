"""Workflows that come with the product, one YAML file each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from nyxcore.errors import NotFound
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.flaws import nearest
from nyxcore.workflows.lint import load

_FOLDER = Path(__file__).resolve().parent


def names() -> list[str]:
    """The names of the templates, in alphabetical order."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def text(name: str) -> str:
    """The YAML of a template.

    Raises
    ------
    NotFound : there is none of this name.
    """
    if name not in names():
        close = nearest(name, names())
        hint = f"did you mean {close}?" if close else f"there are {', '.join(names())}"
        raise NotFound(f"there is no template {name!r:.80}; {hint}")
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def template(name: str) -> Workflow:
    """A template, read; raises as `text` does."""
    return load(text(name))

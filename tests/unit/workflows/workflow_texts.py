"""Small workflows for the tests, as the data of their YAML."""

from __future__ import annotations

from typing import Any

from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.flaws import Flaw
from nyxcore.workflows.lint import accept, check


def step(key: str, prompt: str | None = "do it", **members: Any) -> dict[str, Any]:
    given = {} if prompt is None else {"prompt": prompt}
    return {"key": key, **given, **members}


def document(*steps: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"name": "Trial", "goal": "Make it better", "steps": list(steps), **members}


def workflow(*steps: dict[str, Any], **members: Any) -> Workflow:
    return accept(document(*steps, **members))


def flaws(*steps: dict[str, Any], **members: Any) -> list[Flaw]:
    return check(document(*steps, **members))


def only_flaw(*steps: dict[str, Any], **members: Any) -> Flaw:
    found = flaws(*steps, **members)
    assert len(found) == 1, [str(flaw) for flaw in found]
    return found[0]

"""nyx-events.d.ts declares what the server's own models send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from nyxcore.findings.models import Finding, Fix
from nyxcore.runs.models import Progress, Run, RunKind, RunStatus
from nyxcore.wire import WireModel

DECLARED = Path(__file__).parents[3].joinpath("clients/javascript/nyx-events.d.ts").read_text()


def test_the_declared_kinds_and_statuses_are_the_servers() -> None:
    status = re.search(r"type RunStatus = (.*);", DECLARED)
    assert status is not None
    assert literals(members("Run")["kind"]) == set(get_args(RunKind))
    assert literals(status[1]) == set(get_args(RunStatus))


@pytest.mark.parametrize(
    ("name", "model", "left_out"),
    [("Run", Run, set()), ("Progress", Progress, set()), ("Finding", Finding, set()), ("Fix", Fix, {"diff"})],
)
def test_the_declarations_have_the_fields_of_the_models(
    name: str, model: type[WireModel], left_out: set[str]
) -> None:
    fields = {field.alias: field for field in model.model_fields.values() if field.alias not in left_out}
    assert members(name).keys() == fields.keys()
    for alias, field in fields.items():
        optional = type(None) in get_args(field.annotation)
        assert ("null" in literals_and_types(members(name)[alias])) is optional, alias


def members(interface: str) -> dict[str, str]:
    """Name and type of what an interface of the declarations has."""
    body = re.search(rf"interface {interface} \{{(.*?)\n\}}", DECLARED, re.DOTALL)
    assert body is not None
    return dict(re.findall(r"^  (\w+): (.+);$", body[1], re.MULTILINE))


def literals(declared: str) -> set[str]:
    return set(re.findall(r'"([^"]+)"', declared))


def literals_and_types(declared: str) -> set[str]:
    return {part.strip() for part in declared.split("|")}

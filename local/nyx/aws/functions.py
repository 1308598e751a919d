"""What is to run locally, read from what is deployed: `template.yaml` and the state machines beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nyx.errors import StackFailed

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
SWEEP: Final = "SweepFunction"
_DEFAULT_TIMEOUT: Final = 3  # seconds; Lambda's own default
_DEFAULT_MEMORY: Final = 128  # MB
_PLACEHOLDER: Final = re.compile(r"\$\{(\w+?)Arn\}")


@dataclass(frozen=True)
class Function:
    """A Lambda function of the template. `database` says on which side of the wall it stands."""

    name: str
    handler: str
    timeout: float  # seconds
    memory: int  # MB
    database: bool

    @property
    def arn(self) -> str:
        """Its name in state machines."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


@dataclass(frozen=True)
class Machine:
    """A state machine, ready to be created."""

    kind: str
    definition: str


def functions_of(template: Path) -> dict[str, Function]:
    """Every `AWS::Serverless::Function` of a SAM template, by logical id.

    Raises StackFailed when the template is missing or cannot be read.
    """
    document = _load(template)
    general = document.get("Globals", {}).get("Function", {})
    found: dict[str, Function] = {}
    for name, resource in document.get("Resources", {}).items():
        if resource.get("Type") == "AWS::Serverless::Function":
            found[name] = _function(name, general, resource.get("Properties", {}), template)
    return found


def machines_of(pipelines: Path, functions: Mapping[str, Function]) -> list[Machine]:
    """The state machine of every folder below `pipelines` that has one; its kind is the folder's name."""
    return [Machine(_kind(path), _definition(path, functions)) for path in _definitions(pipelines)]


def machine_arns(pipelines: Path) -> dict[str, str]:
    """Kind of run -> ARN of its state machine, without reading any of them."""
    return {kind: machine_arn(kind) for kind in map(_kind, _definitions(pipelines))}


def machine_arn(kind: str) -> str:
    """The name for StartExecution of the state machine of this kind."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{kind}"


def _definitions(pipelines: Path) -> list[Path]:
    return sorted(pipelines.glob("*/pipeline.asl.json"))


def _kind(path: Path) -> str:
    return path.parent.name.replace("_", "-")


def _function(name: str, general: dict[str, Any], own: dict[str, Any], template: Path) -> Function:
    settings = {**general, **own}
    variables: dict[str, Any] = {}
    for source in (general, own):
        variables |= source.get("Environment", {}).get("Variables", {})
    if not isinstance(settings.get("Handler"), str):
        raise StackFailed(f"{name} in {template} has no Handler that can be read")
    return Function(
        name,
        settings["Handler"],
        float(settings.get("Timeout", _DEFAULT_TIMEOUT)),
        int(settings.get("MemorySize", _DEFAULT_MEMORY)),
        "NYX_DATABASE_URL" in variables,
    )


def _definition(path: Path, functions: Mapping[str, Function]) -> str:
    def arn(match: re.Match[str]) -> str:
        if match[1] not in functions:
            raise StackFailed(f"{path} names the function {match[1]}, which the template does not have")
        return functions[match[1]].arn

    definition = _PLACEHOLDER.sub(arn, path.read_text())
    try:
        json.loads(definition)
    except ValueError as error:
        raise StackFailed(f"{path} is not JSON: {error}") from error
    return definition


def _load(template: Path) -> dict[str, Any]:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Safe YAML, where a CloudFormation tag (`!Sub`, `!GetAtt`) leaves the value that it stands before."""

    def untagged(loader: Any, _tag: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Loader.add_multi_constructor("!", untagged)
    try:
        document = yaml.load(template.read_text(), Loader)  # noqa: S506 - derived from the safe loader
    except (OSError, yaml.YAMLError) as error:
        raise StackFailed(f"{template} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise StackFailed(f"{template} is no CloudFormation template")
    return document

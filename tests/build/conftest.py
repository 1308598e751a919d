"""What `make build` left in .aws-sam/build, and functions that run from there and from nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from built_functions import BUILT, SAM_PYTHON, BuiltFunction, event
from deployment import Deployment
from packaging.requirements import Requirement

# What AWS's own Python runtime has beside function and layers.
RUNTIME_PACKAGES = ("awslambdaric", "boto3")

_AS_JSON = """
import json, sys
from samcli.yamlhelper import yaml_parse
json.dump(yaml_parse(open(sys.argv[1]).read()), sys.stdout)
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.build)


@pytest.fixture(scope="session")
def functions() -> dict[str, BuiltFunction]:
    """Every function of the built template, by logical id."""
    if not (BUILT / "template.yaml").exists() or not SAM_PYTHON.exists():
        pytest.fail("nothing is built: run `make build` first")
    read = subprocess.run(
        [SAM_PYTHON, "-c", _AS_JSON, BUILT / "template.yaml"], capture_output=True, text=True, check=True
    )
    template = json.loads(read.stdout)
    general = template["Globals"]["Function"]["Environment"]["Variables"]
    found = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            own = properties.get("Environment", {}).get("Variables", {})
            found[name] = BuiltFunction(
                name=name,
                handler=properties["Handler"],
                timeout=properties["Timeout"],
                memory=properties["MemorySize"],
                code=BUILT / properties["CodeUri"],
                layers=tuple(BUILT / layer["Ref"] for layer in properties["Layers"]),
                variables=general | own,
            )
    return found


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like Lambda's /var/runtime: awslambdaric, boto3, and what these two need."""
    folder = tmp_path_factory.mktemp("runtime")
    waiting, seen = list(RUNTIME_PACKAGES), set()
    while waiting:
        package = distribution(waiting.pop())
        if package.name in seen:
            continue
        seen.add(package.name)
        tops = {file.parts[0] for file in package.files or () if file.parts[0] not in {"..", "__pycache__"}}
        for top in tops:
            (folder / top).symlink_to(Path(str(package.locate_file(top))))
        requirements = map(Requirement, package.requires or ())
        waiting += [
            needed.name
            for needed in requirements
            if not needed.marker or needed.marker.evaluate({"extra": ""})
        ]
    return folder


@pytest.fixture(scope="session")
def deployment(functions: dict[str, BuiltFunction], runtime: Path) -> Iterator[Deployment]:
    """The built stack with a database that its own migration has made."""
    with Deployment(functions, runtime) as deployed:
        applied = deployed.invoke("MigrateFunction", event("MigrateFunction"))
        assert applied.keys() == {"applied", "personas"}, applied
        yield deployed

"""What would be deployed: template.yaml after SAM's own translation, and the templates that it nests."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SAM_PYTHON = ROOT / ".build/sam/bin/python"


@pytest.fixture(scope="session")
def stack() -> dict[str, Any]:
    """`parameters`, `resources` of the translated template, and `nested` templates' resources by file name."""
    if not SAM_PYTHON.exists():
        pytest.fail(f"{SAM_PYTHON.relative_to(ROOT)} is missing: run `make build` first")
    script = Path(__file__).with_name("translate_with_sam.py")
    done = subprocess.run(
        [SAM_PYTHON, script, ROOT / "template.yaml"],
        env={"AWS_DEFAULT_REGION": "us-east-1", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    translated: dict[str, Any] = json.loads(done.stdout)
    return translated


@pytest.fixture(scope="session")
def parameters(stack: dict[str, Any]) -> dict[str, Any]:
    """What a deployment is asked for, by name."""
    found: dict[str, Any] = stack["parameters"]
    return found


@pytest.fixture(scope="session")
def resources(stack: dict[str, Any]) -> dict[str, Any]:
    """Resources of the translated template, by logical id."""
    found: dict[str, Any] = stack["resources"]
    return found


@pytest.fixture(scope="session")
def nested(stack: dict[str, Any]) -> dict[str, Any]:
    """Resources of the templates in infrastructure/, by file name."""
    found: dict[str, Any] = stack["nested"]
    return found


@pytest.fixture(scope="session")
def functions(resources: dict[str, Any]) -> dict[str, Any]:
    """Properties of every Lambda function, by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Function"
    }


@pytest.fixture(scope="session")
def api(resources: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document that API Gateway gets."""
    body: dict[str, Any] = resources["Api"]["Properties"]["Body"]
    return body

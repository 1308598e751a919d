"""The linters of SAM and CloudFormation have nothing to say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from built_functions import ROOT, SAM_PYTHON

# AWS's own tools want a region even where they call nobody.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "AWS_DEFAULT_REGION": "us-east-1",
    "SAM_CLI_TELEMETRY": "0",
}


def run(tool: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = [str(SAM_PYTHON.with_name(tool)), *arguments]
    environment = ENVIRONMENT | {"HOME": str(home), "__SAM_CLI_APP_DIR": str(home)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_sam_validates_and_lints_the_template(tmp_path: Path) -> None:
    done = run("sam", "validate", "--lint", home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "infrastructure").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_nested_templates_are_clean(path: Path, tmp_path: Path) -> None:
    done = run("cfn-lint", str(path), home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr

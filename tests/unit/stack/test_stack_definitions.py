"""What is read from the template, the state machines and the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nyx.aws.functions import functions_of, machine_arns, machines_of
from nyx.environment import Addresses, Shell, of_functions
from nyx.errors import BadUsage, StackFailed
from nyx.home import Home
from nyx.parts import Blueprint

TEMPLATE = """
Globals:
  Function:
    Timeout: 7
    Environment: {Variables: {NYX_BUCKET: !Ref Bucket}}
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  InsideFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b.handler
      Timeout: 60
      MemorySize: 512
      Environment: {Variables: {NYX_DATABASE_URL: !Sub ["x${y}", {y: !GetAtt Z.W}]}}
  OutsideFunction:
    Type: AWS::Serverless::Function
    Properties: {Handler: c.handler, Layers: [!Ref Core]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "pipelines" / "code_analysis").mkdir(parents=True)
    (tmp_path / "pipelines" / "no_machine").mkdir()
    return tmp_path


def write_machine(folder: Path, text: str) -> None:
    (folder / "pipelines" / "code_analysis" / "pipeline.asl.json").write_text(text)


def test_functions_are_read_past_the_tags_of_cloudformation(folder: Path) -> None:
    found = functions_of(folder / "template.yaml")
    assert sorted(found) == ["InsideFunction", "OutsideFunction"]
    inside, outside = found["InsideFunction"], found["OutsideFunction"]
    assert (inside.handler, inside.timeout, inside.memory, inside.database) == ("a.b.handler", 60, 512, True)
    assert (outside.handler, outside.timeout, outside.memory, outside.database) == (
        "c.handler",
        7,
        128,
        False,
    )


@pytest.mark.parametrize("text", ["a: [", "- a", "Resources: {A: {Type: 'AWS::Serverless::Function'}}"])
def test_a_template_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "template.yaml").write_text(text)
    with pytest.raises(StackFailed, match=r"template\.yaml"):
        functions_of(tmp_path / "template.yaml")


def test_a_state_machine_gets_the_arns_of_its_functions_and_the_name_of_its_kind(folder: Path) -> None:
    write_machine(folder, json.dumps({"Resource": "${InsideFunctionArn}", "Other.$": "$.x"}))
    (machine,) = machines_of(folder / "pipelines", functions_of(folder / "template.yaml"))
    assert machine.kind == "code-analysis"
    assert json.loads(machine.definition) == {
        "Resource": "arn:aws:lambda:us-east-1:000000000000:function:InsideFunction",
        "Other.$": "$.x",
    }
    assert machine_arns(folder / "pipelines") == {
        "code-analysis": "arn:aws:states:us-east-1:000000000000:stateMachine:code-analysis"
    }


@pytest.mark.parametrize(("text", "said"), [('{"a": "${GoneFunctionArn}"}', "GoneFunction"), ("{", "JSON")])
def test_a_state_machine_that_cannot_run_is_named(folder: Path, text: str, said: str) -> None:
    write_machine(folder, text)
    with pytest.raises(StackFailed, match=said):
        machines_of(folder / "pipelines", functions_of(folder / "template.yaml"))


def test_every_state_machine_of_the_repository_finds_its_functions() -> None:
    blueprint = Blueprint.of_repository()
    machines = machines_of(blueprint.pipelines, functions_of(blueprint.template))
    assert "auto-fix" in {machine.kind for machine in machines}


ADDRESSES = Addresses(
    "postgresql://app", "http://127.0.0.1:1", "http://127.0.0.1:2", "key", "secret", {"a": "arn"}
)


def test_functions_get_nothing_of_the_shell_but_what_is_meant_for_them(tmp_path: Path) -> None:
    shell = Shell.read(
        {
            "NYX_STREAM_WINDOW_SECONDS": "3",
            "NYX_BUCKET": "another",
            "AWS_PROFILE": "mine",
            "AWS_ACCESS_KEY_ID": "mine",
            "PYTHONPATH": "/evil",
            "HOME": "/root",
        }
    )
    found = of_functions(shell, Home(tmp_path), ADDRESSES)
    assert found["NYX_STREAM_WINDOW_SECONDS"] == "3"
    assert (found["NYX_BUCKET"], found["NYX_DEPLOYMENT"]) == ("nyxcore", "embedded")
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"]) == ("key", "secret")
    assert found["NYX_STATE_MACHINES"] == '{"a": "arn"}'
    assert {"AWS_PROFILE", "PYTHONPATH"}.isdisjoint(found)
    assert found["NYX_CREDENTIAL_KEY_FILE"] == str(tmp_path / "keys" / "credentials.json")
    assert found["NYX_MODEL_ADDRESS_EXCEPTIONS"] == '["127.0.0.0/8", "::1/128"]'
    assert Path(found["HOME"]).is_relative_to(tmp_path)


def test_real_aws_is_the_shells_own(tmp_path: Path) -> None:
    shell = Shell.read(
        {
            "NYX_AWS": "real",
            "NYX_DATABASE_URL": "postgresql://owner",
            "NYX_APP_DATABASE_URL": "postgresql://app",
            "NYX_BUCKET": "another",
            "NYX_STATE_MACHINES": "{}",
            "AWS_PROFILE": "mine",
        }
    )
    found = of_functions(shell, Home(tmp_path), ADDRESSES)
    assert (found["AWS_PROFILE"], found["NYX_BUCKET"], found["NYX_DEPLOYMENT"]) == ("mine", "another", "aws")
    assert {"NYX_AWS_ENDPOINT_URL", "AWS_SECRET_ACCESS_KEY"}.isdisjoint(found)


def test_the_app_connects_as_the_owner_where_no_other_url_is_given() -> None:
    assert Shell.read({"NYX_DATABASE_URL": "postgresql://o"}).app_url == "postgresql://o"
    assert Shell.read({}).owner_url is None


def test_half_of_real_aws_is_refused() -> None:
    with pytest.raises(BadUsage, match="NYX_STATE_MACHINES"):
        Shell.read({"NYX_AWS": "real", "NYX_DATABASE_URL": "x", "NYX_BUCKET": "x"})
    with pytest.raises(BadUsage, match="'yes'"):
        Shell.read({"NYX_AWS": "yes"})

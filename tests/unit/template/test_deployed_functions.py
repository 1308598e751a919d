"""What each Lambda function is given: code, layers, time, and one side of the wall."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrate.handler import Environment
from nyxcore.analysis.engine_process import WALL_SECONDS
from nyxcore.settings import Settings
from nyxpdf.limits import MIB, Limits

ROOT = Path(__file__).parents[3]
MIGRATION_VARIABLES = {f"NYX_{field.upper()}" for field in Environment.model_fields}
NO_DATABASE = {"AutoFixFetchFunction", "RenderPdfFunction", "WorkflowCallFunction"}
# scan asks the tools for their versions, which are part of what makes two runs alike
TOOLS = {"AutoFixScanFunction", "AutoFixDetectFunction", "AutoFixVerifyFunction", "AutoFixCombineFunction"}
MORE_LAYERS = {
    **{name: ["ToolsLayer"] for name in TOOLS},
    "StreamFunction": ["StreamRuntimeLayer"],
    "ApiFunction": ["PagesLayer"],  # a report as a page
    "PdfPrepareFunction": ["PagesLayer"],
    "WorkflowCallFunction": ["ModelsLayer"],
}


def variables(function: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = function["Environment"]["Variables"]
    return found


def layers(function: dict[str, Any]) -> list[str]:
    return [layer["Ref"] for layer in function["Layers"]]


def test_every_handler_is_a_module_in_functions(functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        module, _, attribute = function["Handler"].rpartition(".")
        assert attribute == "handler", name
        assert (ROOT / "functions" / Path(*module.split("."))).with_suffix(".py").is_file(), function[
            "Handler"
        ]


def test_every_handler_in_functions_is_deployed(functions: dict[str, Any]) -> None:
    deployed = {function["Handler"] for function in functions.values()}
    written = {
        ".".join((*path.relative_to(ROOT / "functions").with_suffix("").parts, "handler"))
        for path in (ROOT / "functions").rglob("*.py")
        if "\ndef handler(" in path.read_text() or "\nhandler = " in path.read_text()
    }
    assert written == deployed


def test_a_function_without_the_database_has_neither_its_address_nor_its_network(
    functions: dict[str, Any],
) -> None:
    for name in NO_DATABASE:
        assert "NYX_DATABASE_URL" not in variables(functions[name])
        assert "SecretArn" not in json.dumps(functions[name]), "no secret of the database reaches it"
        assert "VpcConfig" not in functions[name]


def test_every_other_function_is_in_the_vpc_with_the_database(functions: dict[str, Any]) -> None:
    for name in functions.keys() - NO_DATABASE:
        assert ("NYX_DATABASE_URL" in variables(functions[name])) != (name == "MigrateFunction"), name
        assert "Network" in json.dumps(functions[name]["VpcConfig"]["SubnetIds"]), name


def test_functions_connect_through_the_proxy_with_a_token_and_hold_no_password(
    functions: dict[str, Any], nested: dict[str, Any]
) -> None:
    for name in functions.keys() - NO_DATABASE - {"MigrateFunction"}:
        assert variables(functions[name])["NYX_DATABASE_URL"] == {
            "Fn::GetAtt": ["Database", "Outputs.AppUrl"]
        }, name
        assert variables(functions[name])["NYX_DATABASE_AUTH"] == "iam", name
        assert "secret" not in json.dumps(functions[name]).lower(), name
    (auth,) = nested["database"]["Proxy"]["Properties"]["Auth"]
    assert (auth["IAMAuth"], auth["SecretArn"]) == ("REQUIRED", {"Ref": "AppSecret"})


def test_the_proxy_is_verified_and_its_address_holds_no_password() -> None:
    template = (ROOT / "infrastructure/database.yaml").read_text()
    (address,) = re.findall(r'AppUrl:\n    Value: !Sub "(.*)"', template)
    assert conninfo_to_dict(address.replace("${Proxy.Endpoint}", "proxy.example")) == {
        "user": "nyx_app",
        "host": "proxy.example",
        "port": "5432",
        "dbname": "nyxcore",
        "sslmode": "verify-full",
        "sslrootcert": "/opt/python/certifi/cacert.pem",
    }


def test_the_migration_has_the_passwords_of_the_cluster_itself(functions: dict[str, Any]) -> None:
    def url(role: str, secret: str, database: str) -> dict[str, str]:
        password = f"{{{{resolve:secretsmanager:${{Database.Outputs.{secret}Arn}}:SecretString:password}}}}"
        address = f"${{Database.Outputs.Writer}}/{database}?${{Database.Outputs.WriterTls}}"
        return {"Fn::Sub": f"postgresql://{role}:{password}@{address}"}

    migration = variables(functions["MigrateFunction"])
    assert migration["NYX_MASTER_URL"] == url("nyx_master", "MasterSecret", "postgres")
    assert migration["NYX_OWNER_URL"] == url("nyx_owner", "OwnerSecret", "nyxcore")


def test_every_function_but_the_renderer_has_the_core_layer_and_only_some_have_more(
    functions: dict[str, Any],
) -> None:
    assert [layer[:-10] for layer in layers(functions["RenderPdfFunction"])] == ["ChromiumLayer"]
    for name, function in functions.items():
        if name == "RenderPdfFunction":
            continue
        kinds = [layer[:-10] for layer in layers(function)]  # SAM appends ten hexadecimal digits
        assert kinds == ["CoreLayer", *MORE_LAYERS.get(name, [])], name


def test_the_renderer_is_told_its_bucket_and_its_browser_and_nothing_else(functions: dict[str, Any]) -> None:
    given = variables(functions["RenderPdfFunction"])
    kept = {name: value for name, value in given.items() if value != {"Ref": "AWS::NoValue"}}
    assert kept == {
        "NYX_BUCKET": {"Fn::GetAtt": ["Storage", "Outputs.BucketName"]},
        "NYX_CHROMIUM": "/opt/chromium",
    }


def test_the_renderer_gives_up_with_a_reason_before_lambda_stops_it_without_one(
    functions: dict[str, Any],
) -> None:
    function, limits = functions["RenderPdfFunction"], Limits()
    assert function["Timeout"] >= limits.seconds + 15
    assert function["MemorySize"] * MIB >= limits.memory + 10 * limits.job_bytes


def test_the_stream_function_starts_through_the_loop_that_can_stream(functions: dict[str, Any]) -> None:
    wrapped = {
        name for name, function in functions.items() if "AWS_LAMBDA_EXEC_WRAPPER" in variables(function)
    }
    assert wrapped == {"StreamFunction"}
    wrapper = Path(variables(functions["StreamFunction"])["AWS_LAMBDA_EXEC_WRAPPER"])
    assert wrapper.is_relative_to("/opt/bin")


def test_streams_cannot_take_the_concurrency_of_everything_else(functions: dict[str, Any]) -> None:
    assert functions["StreamFunction"]["ReservedConcurrentExecutions"] == {"Ref": "StreamConcurrency"}


def test_no_tenant_and_no_run_can_take_all_the_streams(
    functions: dict[str, Any], parameters: dict[str, Any]
) -> None:
    given = variables(functions["StreamFunction"])
    assert given["NYX_STREAMS_PER_TENANT"] == {"Ref": "StreamsPerTenant"}
    assert given["NYX_STREAMS_PER_RUN"] == {"Ref": "StreamsPerRun"}
    names = ("StreamsPerRun", "StreamsPerTenant", "StreamConcurrency")
    run, tenant, everyone = (parameters[name]["Default"] for name in names)
    assert run < tenant < everyone


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("ApiFunction", 29),  # API Gateway gives up after 29 s
        ("AuthorizerFunction", 29),
        ("SweepFunction", 60),  # called every minute
    ],
)
def test_no_function_outlives_who_waits_for_it(functions: dict[str, Any], name: str, seconds: int) -> None:
    assert functions[name]["Timeout"] <= seconds


def test_a_stream_closes_by_itself_before_its_function_is_stopped(functions: dict[str, Any]) -> None:
    window = Settings.model_fields["stream_window_seconds"].default
    assert window + 30 <= functions["StreamFunction"]["Timeout"]


def test_the_engine_gives_up_with_a_reason_before_lambda_stops_it_without_one(
    functions: dict[str, Any],
) -> None:
    for name in TOOLS - {"AutoFixScanFunction"}:
        assert functions[name]["Timeout"] >= WALL_SECONDS + 30, name


def test_functions_stay_within_the_limits_of_lambda(functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        assert function["Timeout"] <= 900, name
        assert 128 <= function["MemorySize"] <= 10_240, name
        assert function["Runtime"] == "python3.13", name
        assert function["Architectures"] == ["x86_64"], name
        assert len(function["Layers"]) <= 5, name


def test_no_pipeline_task_outlives_a_run(functions: dict[str, Any]) -> None:
    deadline = Settings.model_fields["run_deadline_seconds"].default
    tasks = [function["Timeout"] for name, function in functions.items() if name.startswith("AutoFix")]
    assert max(tasks) < deadline


def test_every_variable_is_one_that_the_settings_know(functions: dict[str, Any]) -> None:
    shared = {f"NYX_{field.upper()}" for field in Settings.model_fields}
    for name, function in functions.items():
        own = {"MigrateFunction": MIGRATION_VARIABLES, "RenderPdfFunction": {"NYX_CHROMIUM"}}
        known = shared | own.get(name, set())
        unknown = {key for key in variables(function) if key.startswith("NYX_")} - known
        assert not unknown, name


def test_the_sweep_runs_every_minute_and_when_an_execution_ended_badly(resources: dict[str, Any]) -> None:
    rules = [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Events::Rule"
        and resource["Properties"]["Targets"][0]["Arn"] == {"Fn::GetAtt": ["SweepFunction", "Arn"]}
    ]
    assert [rule["ScheduleExpression"] for rule in rules if "ScheduleExpression" in rule] == [
        "rate(1 minute)"
    ]
    (pattern,) = [rule["EventPattern"] for rule in rules if "EventPattern" in rule]
    machines = [
        name for name, each in resources.items() if each["Type"] == "AWS::StepFunctions::StateMachine"
    ]
    assert pattern["source"] == ["aws.states"]
    assert pattern["detail-type"] == ["Step Functions Execution Status Change"]
    assert set(pattern["detail"]["status"]) == {"FAILED", "TIMED_OUT", "ABORTED"}
    assert {arn["Ref"] for arn in pattern["detail"]["stateMachineArn"]} == set(machines)


def test_whoever_begins_steps_knows_the_default_model_and_whoever_prepares_calls_who_may_use_bedrock(
    functions: dict[str, Any],
) -> None:
    def given(variable: str) -> dict[str, Any]:
        return {
            name: variables(function)[variable]
            for name, function in functions.items()
            if variable in variables(function)
        }

    default = given("NYX_DEFAULT_MODEL")
    begin = {"ApiFunction", "WorkflowPrepareFunction", "WorkflowRecordFunction", "WorkflowFailFunction"}
    assert default == {name: {"Ref": "DefaultModel"} for name in begin}
    bedrock = given("NYX_BEDROCK_TENANTS")
    assert bedrock.keys() == {"ApiFunction", "WorkflowPrepareFunction", "ReportPrepareFunction"}
    for value in bedrock.values():
        condition, some, none = value["Fn::If"]
        assert (condition, none) == ("HasBedrockTenants", "[]")
        assert some["Fn::Sub"][0] == '["${Ids}"]'
        separator, _ = some["Fn::Sub"][1]["Ids"]["Fn::Join"]
        assert Settings(bedrock_tenants='["' + separator.join([str(UUID(int=1)), str(UUID(int=2))]) + '"]')

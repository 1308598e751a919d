"""Every built function answers its sample event under the Runtime Interface Emulator."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from built_functions import ROOT, BuiltFunction, event
from deployment import Deployment

from nyxcore.llm.models import OUTCOME, ModelCall
from nyxcore.llm.stored_calls import PreparedCall

TASKS = ("Fetch", "Scan", "Detect", "Verify", "Combine", "Report", "Finish", "Fail")


def with_token(sample: dict[str, Any], token: str) -> dict[str, Any]:
    """The event with another bearer token."""
    header = f"Bearer {token}"
    sample["headers"]["Authorization"] = header
    sample["multiValueHeaders"]["Authorization"] = [header]
    return sample


def body(answer: dict[str, Any]) -> Any:
    content = answer["body"]
    return json.loads(base64.b64decode(content) if answer.get("isBase64Encoded") else content)


def test_every_function_has_a_sample_event_and_every_sample_a_function(
    functions: dict[str, BuiltFunction],
) -> None:
    samples = {path.name.partition(".")[0] for path in (ROOT / "events").glob("*.json")}
    assert samples == functions.keys()


def test_health_says_that_the_deployed_parts_work_together(deployment: Deployment) -> None:
    answer = deployment.invoke("ApiFunction", event("ApiFunction"))
    assert answer["statusCode"] == 200, deployment.logs("ApiFunction")
    health = body(answer)
    assert health["status"] == "ok"
    assert health["versions"].keys() >= {"nyxcore", "fastapi", "pydantic", "psycopg", "ruff", "ast-grep-cli"}


def test_a_call_with_a_token_is_answered_and_one_with_a_foreign_token_is_not(deployment: Deployment) -> None:
    sample = event("ApiFunction.create-project")
    refused = deployment.invoke("ApiFunction", sample)
    assert refused["statusCode"] == 401
    assert body(refused)["code"] == "unauthenticated"
    _, token = deployment.new_tenant()
    answer = deployment.invoke("ApiFunction", with_token(sample, token))
    assert answer["statusCode"] == 201, answer
    assert body(answer)["name"] == "Flask"
    assert UUID(body(answer)["id"]).version == 7


def test_the_authorizer_lets_a_token_pass_for_its_tenant(deployment: Deployment) -> None:
    tenant, token = deployment.new_tenant()
    answer = deployment.invoke("AuthorizerFunction", with_token(event("AuthorizerFunction"), token))
    (statement,) = answer["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "execute-api:Invoke")
    assert str(tenant) in json.dumps(answer)


def test_the_authorizer_answers_an_unknown_token_in_the_word_that_makes_a_401(deployment: Deployment) -> None:
    answer = deployment.invoke("AuthorizerFunction", event("AuthorizerFunction"))
    assert answer["errorMessage"] == "Unauthorized"  # API Gateway's own word; anything else is a 500


@pytest.mark.parametrize("sample", ["SweepFunction", "SweepFunction.execution-failed"])
def test_the_sweep_takes_both_of_its_events(deployment: Deployment, sample: str) -> None:
    answer = deployment.invoke("SweepFunction", event(sample))
    assert "errorType" not in (answer or {}), answer


def test_the_stream_refuses_a_token_that_nobody_has_in_problem_details(deployment: Deployment) -> None:
    metadata, streamed = deployment.stream(event("StreamFunction"))
    assert metadata["statusCode"] == 401
    assert json.loads(streamed)["code"] == "unauthenticated"


def test_fetch_fails_with_a_reason_when_the_archive_is_gone(deployment: Deployment) -> None:
    answer = deployment.invoke("AutoFixFetchFunction", event("AutoFixFetchFunction"))
    assert answer["errorType"] == "SourceRefused"
    assert "archive" in answer["errorMessage"]


@pytest.mark.browser
def test_the_renderer_prints_and_answers_the_second_time_from_what_is_there(deployment: Deployment) -> None:
    sample = event("RenderPdfFunction")
    s3 = deployment.client("s3")
    missing = deployment.invoke("RenderPdfFunction", sample)
    assert missing["errorType"] == "PrintJobMissing", missing
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title></head><body><h1>Words</h1>'
        '<figure class="diagram" data-diagram="0"></figure></body></html>'
    )
    job = {
        "html": page,
        "diagrams": [{"source": "graph TD\n A --> B", "alt": "a", "fallback": "not drawn"}],
        "header": "",
        "footer": "",
        "author": "nyxcore",
        "created": "2026-11-23T10:00:00Z",
    }
    s3.put_object(Bucket="bucket", Key=sample["source"], Body=json.dumps(job).encode())
    answer = deployment.invoke("RenderPdfFunction", sample)
    assert answer.keys() == {"pages", "bytes"}, (answer, deployment.logs("RenderPdfFunction"))
    assert answer["pages"] == 1
    pdf = s3.get_object(Bucket="bucket", Key=sample["target"])
    assert len(pdf["Body"].read()) == answer["bytes"]
    assert pdf["ContentType"] == "application/pdf"
    drawn = s3.get_object(Bucket="bucket", Key=sample["target"].replace(".pdf", ".html"))["Body"].read()
    assert b"data:image/svg+xml" in drawn
    s3.delete_object(Bucket="bucket", Key=sample["source"])
    assert deployment.invoke("RenderPdfFunction", sample) == answer
    assert "Words" not in deployment.logs("RenderPdfFunction")


@pytest.mark.parametrize("task", TASKS[1:])
def test_a_task_takes_its_sample_as_far_as_to_see_that_the_run_is_not_there(
    deployment: Deployment, task: str
) -> None:
    name = f"AutoFix{task}Function"
    answer = deployment.invoke(name, event(name))
    # Postgres has no such run; detect, which looks into S3 first, finds no plan of it
    assert answer["errorType"] == ("KeyError" if task == "Detect" else "NotFound"), deployment.logs(name)
    assert event(name)["runId"] in answer["errorMessage"]


def test_the_caller_of_models_says_that_a_call_is_gone(deployment: Deployment) -> None:
    sample = event("WorkflowCallFunction")
    answer = deployment.invoke("WorkflowCallFunction", sample)
    assert answer["errorType"] == "InvalidInput", deployment.logs("WorkflowCallFunction")
    assert sample["prepared"]["call"] in answer["errorMessage"]


def test_the_packaged_clients_of_models_can_do_without_what_was_left_out(deployment: Deployment) -> None:
    where = PreparedCall(**event("WorkflowCallFunction")["prepared"])
    refused = {"base_url": "https://127.0.0.1/v1"}
    question = ModelCall(
        tenant_id=where.call.partition("/")[0],
        model="one:x",
        fallbacks=("two:x", "bedrock:amazon.nova-lite-v1:0", "offline"),
        prompt="What is left?",
        limit_usd=Decimal(100),
        limit_tokens=10**6,
        tries=1,
        endpoints={"one": {"protocol": "openai", **refused}, "two": {"protocol": "anthropic", **refused}},
    )
    s3 = deployment.client("s3")
    s3.put_object(Bucket="bucket", Key=where.call, Body=question.model_dump_json(by_alias=True).encode())
    answered = deployment.invoke("WorkflowCallFunction", event("WorkflowCallFunction"))
    assert answered["status"] == "answered", deployment.logs("WorkflowCallFunction")
    found = OUTCOME.validate_json(s3.get_object(Bucket="bucket", Key=where.answer)["Body"].read())
    assert [entry.protocol for entry in found.calls] == ["openai", "anthropic", "bedrock", "offline"]
    assert "model_answer_unreadable" not in {entry.error_code for entry in found.calls}, "a client broke down"


def test_what_a_function_writes_names_none_of_its_secrets(deployment: Deployment) -> None:
    _, token = deployment.new_tenant()
    deployment.invoke("ApiFunction", with_token(event("ApiFunction.create-project"), token))
    written = deployment.logs("ApiFunction")
    assert token not in written
    assert "X-Amz-Signature" not in written  # of the token for the database


def test_functions_see_nothing_of_the_developers_environment(runtime: Path) -> None:
    """Otherwise the tests of this folder would prove nothing about the packaging."""
    packages = {path.name for path in runtime.iterdir()}
    assert "awslambdaric" in packages
    assert not packages & {"fastapi", "pydantic", "psycopg", "nyxcore", "mangum"}

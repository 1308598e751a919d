"""What API Gateway is told: which path goes where, who may pass, and what it answers by itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from nyxcore import errors

BUFFERED = "2015-03-31/functions/${ApiFunction.Arn}/invocations"
ANY = "x-amazon-apigateway-any-method"


def integration(api: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = api["paths"][path][method]["x-amazon-apigateway-integration"]
    return found


def gateway_responses(api: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api["x-amazon-apigateway-gateway-responses"]
    return found


def problem(response: dict[str, Any]) -> dict[str, Any]:
    """The body of a gateway's response, as a client gets it."""
    template = response["responseTemplates"]["application/json"]
    # of the gateway's variables this one brings its own quotes
    filled = template.replace("$context.error.messageString", '"said by the gateway"')
    found: dict[str, Any] = json.loads(re.sub(r"\$context\.\w+", "value", filled))
    return found


def test_the_event_route_really_streams(api: dict[str, Any]) -> None:
    stream = integration(api, "/api/v1/events/{family}/{runId}", "get")
    assert stream["uri"]["Fn::Sub"].endswith(
        "2021-11-15/functions/${StreamFunction.Arn}/response-streaming-invocations"
    )
    assert stream["responseTransferMode"] == "STREAM"
    assert stream["timeoutInMillis"] == 900_000


def test_only_the_event_route_streams(api: dict[str, Any]) -> None:
    for path, methods in api["paths"].items():
        for method in methods.keys() - {"parameters"}:
            if (path, method) != ("/api/v1/events/{family}/{runId}", "get"):
                assert integration(api, path, method)["uri"]["Fn::Sub"].endswith(BUFFERED), (path, method)


def test_tickets_and_everything_else_go_through_the_authorizer(api: dict[str, Any]) -> None:
    guarded = {
        (path, method)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
        if method != "parameters" and operation["security"] == [{"TokenAuthorizer": []}]
    }
    assert guarded == {("/api/v1/{proxy+}", ANY), ("/api/v1/events/tickets", "post")}


def test_what_needs_no_token_or_checks_its_own_is_named_here(api: dict[str, Any]) -> None:
    open_to_all = {
        (path, method)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
        if method != "parameters" and operation["security"] == [{"NONE": []}]
    }
    assert open_to_all == {
        ("/api/v1/health", "get"),
        ("/api/v1/openapi.json", "get"),
        ("/api/v1/docs", "get"),
        ("/api/v1/events/{family}/{runId}", "get"),  # a header or a ticket: the function authenticates
        ("/api/v1/{proxy+}", "options"),  # a browser's preflight has no token
        ("/api/v1/events/tickets", "options"),
        ("/api/v1/events/{family}/{runId}", "options"),
    }


def test_a_revoked_token_is_not_remembered_by_the_gateway(api: dict[str, Any]) -> None:
    authorizer = api["components"]["securitySchemes"]["TokenAuthorizer"]["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "request"
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert authorizer["identitySource"] == "method.request.header.Authorization"


def test_the_gateway_answers_in_problem_details(api: dict[str, Any]) -> None:
    for kind, response in gateway_responses(api).items():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'", kind
        body = problem(response)
        assert body["type"] == f"/api/v1/docs#problem-{body['code']}", kind
        assert body["title"] == body["code"].replace("_", " ").capitalize(), kind
        assert body["detail"], kind
        if "statusCode" in response:
            assert body["status"] == int(response["statusCode"]), kind
        else:  # a default stands for several statuses, so its body names none
            assert "status" not in body, kind


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("UNAUTHORIZED", errors.Unauthenticated),
        ("ACCESS_DENIED", errors.Forbidden),
        ("MISSING_AUTHENTICATION_TOKEN", errors.NotFound),
        ("RESOURCE_NOT_FOUND", errors.NotFound),
        ("REQUEST_TOO_LARGE", errors.BodyTooLarge),
    ],
)
def test_the_gateway_and_the_api_say_the_same_of_the_same(
    api: dict[str, Any], kind: str, error: type[errors.NyxError]
) -> None:
    response = gateway_responses(api)[kind]
    assert problem(response)["code"] == error.code
    assert int(response["statusCode"]) == error.status


def test_whatever_else_goes_wrong_has_a_code_too(api: dict[str, Any]) -> None:
    responses = gateway_responses(api)
    assert {kind: problem(responses[kind])["code"] for kind in ("DEFAULT_4XX", "DEFAULT_5XX")} == {
        "DEFAULT_4XX": "invalid_request",
        "DEFAULT_5XX": errors.NyxError.code,
    }


def test_query_strings_where_tickets_travel_are_never_logged(resources: dict[str, Any]) -> None:
    stage = resources["ApiliveStage"]["Properties"]
    line = re.sub(r"\$context\.status", "200", stage["AccessLogSetting"]["Format"])
    logged = json.loads(line)
    assert set(logged.values()) == {
        "$context.requestId",
        "$context.requestTime",
        "$context.httpMethod",
        "$context.path",  # without the query
        200,
        "$context.responseLength",
        "$context.responseLatency",
        "$context.identity.sourceIp",
        "$context.error.responseType",
    }
    for settings in stage["MethodSettings"]:
        assert settings["LoggingLevel"] == "OFF"  # execution logs have the whole request
        assert settings["DataTraceEnabled"] is False


def test_the_api_is_regional_so_that_a_stream_may_be_idle_for_minutes(resources: dict[str, Any]) -> None:
    assert resources["Api"]["Properties"]["EndpointConfiguration"]["Types"] == ["REGIONAL"]

"""Least privilege: what a role may do, and where the network leads."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from nyxcore.ids import uuid7
from nyxcore.llm.stored_calls import StoredCall
from nyxcore.storage import objects

DISPATCH = {"Ref": "DispatchPolicy"}
OBJECTS = {"Fn::GetAtt": ["Storage", "Outputs.ObjectsPolicyArn"]}
CONNECT = {"Fn::GetAtt": ["Database", "Outputs.ConnectPolicyArn"]}
FETCH = {"Fn::GetAtt": ["Storage", "Outputs.FetchPolicyArn"]}
RENDER = {"Fn::GetAtt": ["Storage", "Outputs.RenderPolicyArn"]}
CALLS = {"Fn::GetAtt": ["Storage", "Outputs.CallsPolicyArn"]}
SEAL, RESEAL, MODELS = ({"Ref": name} for name in ("SealPolicy", "ResealPolicy", "ModelsPolicy"))


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def own_policies(resources: dict[str, Any], function: str) -> list[Any]:
    """What the role of a function has beyond logs, traces and the network."""
    role = resources[f"{function}Role"]["Properties"]
    assert "Policies" not in role
    return [arn for arn in role["ManagedPolicyArns"] if "iam::aws" not in json.dumps(arn)]


@pytest.mark.parametrize(
    ("function", "policies"),
    [
        ("ApiFunction", [CONNECT, OBJECTS, DISPATCH, SEAL]),
        ("AuthorizerFunction", [CONNECT]),
        ("StreamFunction", [CONNECT]),
        ("SweepFunction", [CONNECT, OBJECTS, DISPATCH, RESEAL]),
        ("MigrateFunction", []),
        ("RenderPdfFunction", [RENDER]),
        ("AutoFixFetchFunction", [FETCH]),
        ("AutoFixScanFunction", [CONNECT, OBJECTS]),
        ("AutoFixDetectFunction", [CONNECT, OBJECTS]),
        ("AutoFixVerifyFunction", [CONNECT, OBJECTS]),
        ("AutoFixCombineFunction", [CONNECT, OBJECTS]),
        ("AutoFixReportFunction", [CONNECT, OBJECTS]),
        ("AutoFixFinishFunction", [CONNECT, DISPATCH]),
        ("AutoFixFailFunction", [CONNECT, DISPATCH]),
        ("PdfPrepareFunction", [CONNECT, OBJECTS]),
        ("PdfFinishFunction", [CONNECT, OBJECTS, DISPATCH]),
        ("PdfFailFunction", [CONNECT, DISPATCH]),
        ("WorkflowCallFunction", [CALLS, MODELS]),
        ("WorkflowPrepareFunction", [CONNECT, OBJECTS, DISPATCH]),
        ("WorkflowRecordFunction", [CONNECT, OBJECTS, DISPATCH]),
        ("WorkflowFailFunction", [CONNECT, OBJECTS, DISPATCH]),
        ("ReportPrepareFunction", [CONNECT, OBJECTS, DISPATCH]),
        ("ReportRecordFunction", [CONNECT, OBJECTS, DISPATCH]),
        ("ReportFailFunction", [CONNECT, OBJECTS, DISPATCH]),
    ],
)
def test_a_function_may_do_what_it_needs_and_nothing_else(
    resources: dict[str, Any], function: str, policies: list[Any]
) -> None:
    assert own_policies(resources, function) == policies


def test_every_function_is_in_the_list_above(functions: dict[str, Any]) -> None:
    (mark,) = [
        mark
        for mark in test_a_function_may_do_what_it_needs_and_nothing_else.pytestmark
        if mark.name == "parametrize"
    ]
    assert {name for name, _ in mark.args[1]} == functions.keys()


def test_no_policy_of_ours_allows_everything(resources: dict[str, Any], nested: dict[str, Any]) -> None:
    statements = [
        statement
        for resource in [*resources.values(), *nested["storage"].values(), *nested["database"].values()]
        for document in [
            resource.get("Properties", {}).get("PolicyDocument"),
            *(policy["PolicyDocument"] for policy in resource.get("Properties", {}).get("Policies", [])),
        ]
        if document
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert len(statements) >= 8
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if action.endswith("*")], statement
        if not all(action.startswith("logs:") for action in actions):
            assert statement["Resource"] != "*", statement


def test_functions_connect_as_nyx_app_to_the_proxy_alone(nested: dict[str, Any]) -> None:
    (statement,) = nested["database"]["ConnectPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "rds-db:connect"
    resource, names = statement["Resource"]["Fn::Sub"]
    assert resource.endswith(":dbuser:${ProxyId}/nyx_app")
    # arn:aws:rds:<region>:<account>:db-proxy:prx-...
    assert names == {
        "ProxyId": {"Fn::Select": [6, {"Fn::Split": [":", {"Fn::GetAtt": ["Proxy", "DBProxyArn"]}]}]}
    }


def test_fetch_reads_archives_and_writes_below_its_run_only(nested: dict[str, Any]) -> None:
    statements = nested["storage"]["FetchPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (writing,) = [statement for statement in statements if "s3:PutObject" in statement["Action"]]
    assert writing["Resource"] == {"Fn::Sub": "${Bucket.Arn}/*/runs/*"}
    assert all("s3:DeleteObject" not in statement["Action"] for statement in statements)


def test_the_renderer_reads_print_jobs_and_writes_pdfs_only(nested: dict[str, Any]) -> None:
    statements = nested["storage"]["RenderPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = {
        action: statement["Resource"]
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    pages, pdf = {"Fn::Sub": "${Bucket.Arn}/*/pages/*"}, {"Fn::Sub": "${Bucket.Arn}/*/pdf/*"}
    assert allowed == {
        "s3:GetObject": [pages, pdf],
        "s3:PutObject": pdf,
        "s3:PutObjectTagging": pdf,
        "s3:ListBucket": {"Fn::GetAtt": ["Bucket", "Arn"]},
    }


def test_a_missing_object_is_told_from_a_forbidden_one(nested: dict[str, Any]) -> None:
    for policy in ("ObjectsPolicy", "FetchPolicy", "RenderPolicy", "CallsPolicy"):
        statements = nested["storage"][policy]["Properties"]["PolicyDocument"]["Statement"]
        listing = [statement for statement in statements if statement["Action"] == "s3:ListBucket"]
        assert [statement["Resource"] for statement in listing] == [{"Fn::GetAtt": ["Bucket", "Arn"]}], policy


def test_every_retention_that_the_code_asks_for_is_kept_by_the_bucket(nested: dict[str, Any]) -> None:
    rules = nested["storage"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    kept = {
        f"{tag['Key']}={tag['Value']}": rule["ExpirationInDays"]
        for rule in rules
        for tag in rule.get("TagFilters", [])
    }
    assert kept == {objects.DAY_TAG: 1, objects.MONTH_TAG: 30}


def test_the_bucket_is_private_encrypted_and_takes_tls_only(nested: dict[str, Any]) -> None:
    storage = nested["storage"]
    bucket = storage["Bucket"]
    assert bucket["DeletionPolicy"] == "Retain"
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert len(bucket["Properties"]["PublicAccessBlockConfiguration"]) == 4
    assert "BucketEncryption" in bucket["Properties"]
    (statement,) = storage["BucketTlsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_network_of_the_database_has_no_way_out(nested: dict[str, Any]) -> None:
    network = nested["network"]
    for kind in (
        "InternetGateway",
        "NatGateway",
        "Route",
        "EgressOnlyInternetGateway",
        "VPCPeeringConnection",
    ):
        assert of_type(network, f"AWS::EC2::{kind}") == [], kind
    services = {endpoint["ServiceName"]["Fn::Sub"] for endpoint in of_type(network, "AWS::EC2::VPCEndpoint")}
    assert services == {f"com.amazonaws.${{AWS::Region}}.{name}" for name in ("s3", "states", "kms")}


def test_only_the_caller_of_models_opens_keys_and_it_has_no_database(
    resources: dict[str, Any], functions: dict[str, Any], nested: dict[str, Any]
) -> None:
    opening = {
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
        and "kms:Decrypt" in json.dumps(resource["Properties"]["PolicyDocument"])
    }
    assert opening == {"ModelsPolicy"}
    holders = {name for name in functions if MODELS in own_policies(resources, name)}
    assert holders == {"WorkflowCallFunction"}
    (endpoint,) = [
        endpoint
        for endpoint in of_type(nested["network"], "AWS::EC2::VPCEndpoint")
        if endpoint["ServiceName"]["Fn::Sub"].endswith(".kms")
    ]
    assert "kms:Decrypt" not in json.dumps(endpoint), "nor could anybody open them on the database's side"


def test_what_the_caller_of_models_reads_and_writes_is_calls(nested: dict[str, Any]) -> None:
    statements = nested["storage"]["CallsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (objects_of,) = [statement for statement in statements if "s3:PutObject" in statement["Action"]]
    assert objects_of["Resource"] == {"Fn::Sub": "${Bucket.Arn}/*/runs/*/calls/*"}
    call = StoredCall.of(uuid7(), uuid7(), "analyse", 1)
    assert all(
        re.fullmatch(r"[^/]+/runs/[^/]+/calls/.+", key) for key in (call.call, call.answer, call.attempts)
    )


def test_the_endpoints_lead_to_this_account_only(nested: dict[str, Any]) -> None:
    for endpoint in of_type(nested["network"], "AWS::EC2::VPCEndpoint"):
        for statement in endpoint["PolicyDocument"]["Statement"]:
            assert statement["Condition"]["StringEquals"]["aws:ResourceAccount"] == {"Ref": "AWS::AccountId"}


def test_whatever_dispatch_may_do_passes_the_endpoint_too(
    resources: dict[str, Any], nested: dict[str, Any]
) -> None:
    (endpoint,) = [
        endpoint
        for endpoint in of_type(nested["network"], "AWS::EC2::VPCEndpoint")
        if endpoint["ServiceName"]["Fn::Sub"].endswith(".states")
    ]
    passes = set(endpoint["PolicyDocument"]["Statement"][0]["Action"])
    needed: set[str] = set()
    for statement in resources["DispatchPolicy"]["Properties"]["PolicyDocument"]["Statement"]:
        action = statement["Action"]
        needed |= set(action if isinstance(action, list) else [action])
    assert needed <= passes


def test_the_database_is_encrypted_protected_and_out_of_reach(nested: dict[str, Any]) -> None:
    database = nested["database"]
    cluster = database["Cluster"]
    assert cluster["DeletionPolicy"] == "Snapshot"
    assert cluster["Properties"]["DeletionProtection"] is True
    assert cluster["Properties"]["StorageEncrypted"] is True
    assert cluster["Properties"]["EngineVersion"].startswith("17.")
    assert database["Writer"]["Properties"]["PubliclyAccessible"] is False
    assert database["Proxy"]["Properties"]["RequireTLS"] is True
    assert database["ClusterParameters"]["Properties"]["Parameters"]["rds.force_ssl"] == "1"

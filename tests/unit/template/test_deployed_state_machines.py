"""The Amazon States Language of the pipelines against the template that deploys it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FUNCTIONS = Path(__file__).parents[3] / "functions"
DEFINITIONS = sorted(FUNCTIONS.glob("pipelines/*/pipeline.asl.json"))
NOT_TRIED_AGAIN = {"RunFinished", "SourceRefused", "InvalidInput"}

every_pipeline = pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.parent.name)


def read(path: Path) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(path.read_text())
    return definition


def scopes(machine: dict[str, Any], outer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The machine itself and every Map's processor and Parallel's branch in it, with where they stand."""
    yield outer, machine
    for name, state in machine["States"].items():
        inner = [state["ItemProcessor"]] if "ItemProcessor" in state else state.get("Branches", [])
        for scope in inner:
            yield from scopes(scope, name)


def states(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for _, scope in scopes(read(path)):
        yield from scope["States"].items()


def followers(state: dict[str, Any]) -> set[str]:
    found = {state[key] for key in ("Next", "Default") if key in state}
    found |= {branch["Next"] for key in ("Catch", "Choices") for branch in state.get(key, [])}
    return found


def machine_of(resources: dict[str, Any], path: Path) -> dict[str, Any]:
    name = "".join(part.capitalize() for part in path.parent.name.split("_"))
    found: dict[str, Any] = resources[f"{name}StateMachine"]["Properties"]
    return found


def test_there_is_at_least_the_auto_fix_pipeline() -> None:
    assert "auto_fix" in {path.parent.name for path in DEFINITIONS}


@every_pipeline
def test_every_substitution_is_resolved_to_the_function_that_it_names(
    resources: dict[str, Any], path: Path
) -> None:
    used = set(re.findall(r"\$\{(\w+)\}", path.read_text()))
    given = machine_of(resources, path)["DefinitionSubstitutions"]
    assert used == given.keys()
    for name, value in given.items():
        assert value == {"Fn::GetAtt": [name.removesuffix("Arn"), "Arn"]}
        assert resources[name.removesuffix("Arn")]["Type"] == "AWS::Lambda::Function"


@every_pipeline
def test_every_task_is_one_of_the_functions(path: Path) -> None:
    tasks = [state for _, state in states(path) if state["Type"] == "Task"]
    assert tasks
    for task in tasks:
        assert re.fullmatch(r"\$\{\w+FunctionArn\}", task["Resource"]), task["Resource"]


@every_pipeline
def test_the_machine_may_invoke_its_functions_and_no_others(resources: dict[str, Any], path: Path) -> None:
    (policy,) = resources[machine_of(resources, path)["RoleArn"]["Fn::GetAtt"][0]]["Properties"]["Policies"]
    allowed = [
        arn
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
        for arn in statement["Resource"]
    ]
    given = list(machine_of(resources, path)["DefinitionSubstitutions"].values())
    assert sorted(map(json.dumps, allowed)) == sorted(map(json.dumps, given))


@every_pipeline
def test_every_state_is_reached_and_every_next_state_exists(path: Path) -> None:
    for where, scope in scopes(read(path)):
        reached, waiting = set(), {scope["StartAt"]}
        while waiting:
            name = waiting.pop()
            assert name in scope["States"], f"{where or path}: {name}"
            reached.add(name)
            waiting |= followers(scope["States"][name]) - reached
        assert reached == scope["States"].keys(), where or path


@every_pipeline
def test_every_state_ends_or_goes_on(path: Path) -> None:
    for name, state in states(path):
        ways = [key for key in ("Next", "End") if key in state] + [state["Type"]] * (
            state["Type"] in {"Succeed", "Fail", "Choice"}
        )
        assert len(ways) == 1, name


@every_pipeline
def test_every_task_is_tried_again_but_not_where_that_cannot_help(path: Path) -> None:
    for name, state in states(path):
        if state["Type"] != "Task":
            continue
        final, *held, busy, again = state["Retry"]
        assert set(final["ErrorEquals"]) >= NOT_TRIED_AGAIN, name
        assert final["MaxAttempts"] == 0, name
        assert [each["ErrorEquals"] for each in held] in ([], [["BudgetHeld"]]), name
        assert all(each["MaxAttempts"] > busy["MaxAttempts"] for each in held), (
            name
        )  # others take as long as they do
        assert "Lambda.TooManyRequestsException" in busy["ErrorEquals"], name
        assert busy["MaxAttempts"] > again["MaxAttempts"], (
            name
        )  # Lambda had no room: that passes, and is no fault
        assert again["ErrorEquals"] == ["States.ALL"], name
        assert again["MaxAttempts"] >= 1, name
        assert again["BackoffRate"] > 1, name
        assert again["JitterStrategy"] == "FULL", name  # packs that failed together do not come back together


@every_pipeline
def test_whatever_fails_ends_the_run_with_the_reason(path: Path) -> None:
    machine = read(path)
    last = {"Fail"} | {
        name
        for name, state in machine["States"].items()
        if state["Type"] in {"Succeed", "Fail", "Choice", "Wait"}  # which can do nothing that fails
    }
    for name in machine["States"].keys() - last:
        *_, everything = machine["States"][name]["Catch"]
        assert everything == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Fail"}, name
    assert machine["States"]["Fail"]["Type"] == "Task"
    assert machine["States"][machine["States"]["Fail"]["Next"]]["Type"] == "Fail"


@every_pipeline
def test_a_run_that_was_ended_meanwhile_is_no_failure(path: Path) -> None:
    machine = read(path)
    for name, state in machine["States"].items():
        for catch in state.get("Catch", [])[:1]:
            assert catch["ErrorEquals"] == ["RunFinished"], name
            assert machine["States"][catch["Next"]]["Type"] == "Succeed", name


@every_pipeline
def test_documents_never_travel_in_the_state(path: Path) -> None:
    for name, state in read(path)["States"].items():
        if state["Type"] == "Map":
            assert state["ResultPath"] is None, name  # what the items answer is dropped
            for key in state["ItemSelector"]:
                assert key.removesuffix(".$") in {"tenantId", "runId", "pack"}, name


@every_pipeline
def test_the_language_is_jsonpath_for_the_local_interpreter_has_no_other(path: Path) -> None:
    for where, scope in scopes(read(path)):
        assert scope.get("QueryLanguage", "JSONPath") == "JSONPath", where
    for name, state in states(path):
        assert state.get("QueryLanguage", "JSONPath") == "JSONPath", name
    assert "{%" not in path.read_text()


@every_pipeline
def test_errors_are_logged_without_the_data_of_the_execution(resources: dict[str, Any], path: Path) -> None:
    logging = machine_of(resources, path)["LoggingConfiguration"]
    assert logging["Level"] == "ERROR"
    assert logging["IncludeExecutionData"] is False


@every_pipeline
def test_functions_start_the_very_machine_that_is_deployed(
    resources: dict[str, Any], functions: dict[str, Any], path: Path
) -> None:
    name = machine_of(resources, path)["StateMachineName"]["Fn::Sub"]
    started = functions["ApiFunction"]["Environment"]["Variables"]["NYX_STATE_MACHINES"]["Fn::Sub"]
    assert json.loads(started)[path.parent.name.replace("_", "-")].endswith(f":stateMachine:{name}")


def test_a_page_that_cannot_be_laid_out_is_tried_once() -> None:
    prepare = read(next(path for path in DEFINITIONS if path.parent.name == "pdf"))["States"]["Prepare"]
    assert {"NotFound", "MarkdownTooLarge", "FontsMissing"} <= set(prepare["Retry"][0]["ErrorEquals"])

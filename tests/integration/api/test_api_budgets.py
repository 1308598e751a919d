"""Budgets over HTTP; what they do is told in tests/integration/budgets."""

from __future__ import annotations

from typing import Any

import pytest
from api_stack import Stack, world

from nyxcore import clock


def test_a_tenant_begins_without_limits_and_with_nothing_spent(stack: Stack) -> None:
    listed = stack.tenant().get("/budgets").json()
    assert listed == {
        "items": [
            {
                "projectId": None, "monthlyUsd": None, "monthlyTokens": None, "runUsd": None, "runTokens": None,
                "month": f"{clock.now():%Y-%m}", "spentUsd": 0, "spentTokens": 0, "heldUsd": 0, "heldTokens": 0,
            }
        ]
    }  # fmt: skip


def test_limits_are_set_for_the_tenant_and_for_a_project(stack: Stack) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "demo"})["id"]
    tenants = caller.call("PUT", "/budgets", json={"monthlyUsd": 50, "runUsd": 2.5})
    projects = caller.call("PUT", "/budgets", json={"projectId": project, "monthlyTokens": 1_000_000})
    assert (tenants.status_code, projects.status_code) == (200, 200)
    assert (tenants.json()["monthlyUsd"], tenants.json()["runUsd"]) == (50, 2.5)
    assert caller.get("/budgets").json()["items"] == [tenants.json(), projects.json()]


@pytest.mark.parametrize(
    "wrong", [{"monthlyUsd": -1}, {"monthlyUsd": "50"}, {"runTokens": 1.5}, {"runTokens": True}, {"extra": 1}]
)
def test_what_is_no_limit_is_refused(stack: Stack, wrong: Any) -> None:
    assert stack.tenant().call("PUT", "/budgets", json=wrong).status_code == 422


def test_another_tenant_s_project_has_no_budget_here(stack: Stack) -> None:
    theirs = world(stack)
    response = stack.tenant().call(
        "PUT", "/budgets", json={"projectId": theirs.project["id"], "monthlyUsd": 1}
    )
    assert (response.status_code, response.json()["code"]) == (404, "not_found")

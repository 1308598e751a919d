"""The templates in which a person decides, each with every decision: what was not accepted is not written up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from workbench import Workbench, answered

from nyxcore.runs import dispatch
from nyxcore.steps import reviews
from nyxcore.workflows import templates
from nyxcore.workflows.material.fences import fenced
from nyxcore.workflows.service import as_document

REVIEWED = {
    "analyse-review-generate-prompt": ("analyse", ["generate"]),
    "security-review": ("triage", ["remedies", "report"]),
    "compliance-analysis": ("consistency", ["measures", "report"]),
}
BARE = {
    "analyse": {"prompt": "Analyse the request."},
    "review": {"prompt": "Is this what you meant?"},
    "generate": {"prompt": "Write an implementation prompt for a coding assistant.", "needs": ["review"]},
}
"""The prompts of the first template without a reference: what they are about comes by itself."""


def waiting(bench: Workbench, name: str, *, bare: bool = False) -> UUID:
    """A run of the template that has come as far as its review, an analysis of its ended."""
    document = as_document(templates.template(name))
    steps, inputs = document.pop("steps"), document.get("inputs", {})
    if bare:
        steps = [step | BARE[step["key"]] for step in steps]
        assert "{{" not in str(steps)
    more = {key: document[key] for key in document if key not in {"name", "goal"}}
    bench.machine.model = lambda question: answered(f"## One\n\nan answer of {len(question.prompt)}")
    run_id = bench.run(*steps, input="the request" if "request" in inputs else {}, **more)
    for child in bench.rows("select id from runs where parent_run_id = %s", run_id):
        bench.finish(child["id"], "succeeded")
    dispatch.dispatch(bench.db, [bench.tenant_id])
    bench.machine.run()
    assert bench.steps(run_id)["review"].status == "waiting"
    return run_id


def prompts_of(bench: Workbench, run_id: UUID, keys: list[str]) -> str:
    steps = bench.steps(run_id)
    return "\n".join(str(steps[key].prompt) for key in keys)


@pytest.mark.parametrize("name", REVIEWED)
@pytest.mark.parametrize("decision", ["approve", "edit"])
def test_what_a_person_left_standing_is_what_is_written_up(
    bench: Workbench, name: str, decision: Any
) -> None:
    run_id = waiting(bench, name)
    before, behind = REVIEWED[name]
    asked = bench.steps(run_id)[before].output
    content = "only the second, and later" if decision == "edit" else None
    bench.decide(run_id, "review", decision, content=content)
    assert bench.get(run_id).status == "succeeded"
    assert {bench.statuses(run_id)[key] for key in behind} == {"succeeded"}
    prompts = prompts_of(bench, run_id, behind)
    assert asked is not None
    assert prompts.count(content or asked) == len(behind)
    assert content is None or asked not in prompts, "what was replaced is not told beside what replaced it"


@pytest.mark.parametrize("decision", ["approve", "edit"])
def test_without_references_what_a_person_left_standing_comes_first_in_what_is_written_up(
    bench: Workbench, decision: Any
) -> None:
    run_id = waiting(bench, "analyse-review-generate-prompt", bare=True)
    asked = bench.steps(run_id)["analyse"]
    assert asked.prompt is not None and ">the request</untrusted-1>" in asked.prompt
    assert bench.steps(run_id)["review"].output == asked.output, "a person is shown what the review needs"
    content = "only the second, and later" if decision == "edit" else asked.output
    bench.decide(run_id, "review", decision, content=content if decision == "edit" else None)
    assert bench.get(run_id).status == "succeeded"
    written = bench.steps(run_id)["generate"]
    assert written.status == "succeeded" and written.prompt is not None
    assert fenced(str(content), "steps.review.content") in written.prompt
    assert written.prompt.endswith(BARE["generate"]["prompt"])
    paths = [part["path"] for part in written.provenance["parts"]]  # type: ignore[index,call-overload]
    assert paths == ["goal", "steps.review.content", "steps.analyse.content", "input"]


@pytest.mark.parametrize(
    ("name", "bare"), [*((name, False) for name in REVIEWED), ("analyse-review-generate-prompt", True)]
)
@pytest.mark.parametrize("decision", ["reject", "expire"])
def test_nothing_is_written_behind_a_review_that_was_not_accepted(
    bench: Workbench, name: str, bare: bool, decision: Any
) -> None:
    run_id = waiting(bench, name, bare=bare)
    asked = len(bench.machine.asked)
    if decision == "expire":
        bench.write(
            "update run_steps set expires_at = clock_timestamp() where run_id = %s and key = 'review'", run_id
        )
        reviews.expire(bench.db, bench.tenant_id)
        dispatch.dispatch(bench.db, [bench.tenant_id])
        bench.machine.run()
    else:
        bench.decide(run_id, "review", decision)
    run = bench.get(run_id)
    assert run.status == "failed" and run.error is not None
    assert run.error.code == ("review_expired" if decision == "expire" else "review_rejected")
    assert {bench.statuses(run_id)[key] for key in REVIEWED[name][1]} == {"skipped"}
    assert len(bench.machine.asked) == asked, "nothing more is spent"
    assert bench.rows("select 1 from reports where run_id = %s", run_id) == []

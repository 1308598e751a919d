"""What people decide, when they may, and what follows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from machine import Machine
from workbench import Workbench, answered

from nyxcore.errors import Conflict, InvalidInput
from nyxcore.runs import dispatch
from nyxcore.runs.sweep import interrupt_orphans, sweep
from nyxcore.steps import reviews
from nyxcore.steps.service import tend_all

ANALYSE: dict[str, Any] = {"key": "analyse", "prompt": "{{input}}"}
REVIEW: dict[str, Any] = {"key": "review", "type": "review", "needs": ["analyse"]}
GENERATE: dict[str, Any] = {"key": "generate", "prompt": "From {{steps.review.content}}"}
APPROVED = 'steps.review.decision != "reject" and steps.review.decision != "expire"'
DECISIONS = {"approve": None, "reject": None, "edit": "what a person wrote"}


def reviewed(bench: Workbench, *, handled: bool = False) -> UUID:
    """A run that waits for its review."""
    run_id = bench.run(ANALYSE, REVIEW, GENERATE | ({"when": APPROVED} if handled else {}))
    assert bench.get(run_id).status == "waiting"
    return run_id


def let_expire(bench: Workbench, run_id: UUID) -> None:
    bench.write(
        "update run_steps set expires_at = clock_timestamp() where run_id = %s and status = 'waiting'", run_id
    )
    tend_all(bench.db)
    bench.machine.run()


@pytest.mark.parametrize("decision", ["approve", "edit"])
def test_an_accepted_review_starts_what_waits_for_it_with_the_accepted_text(
    bench: Workbench, decision: str
) -> None:
    run_id = reviewed(bench)
    analysed = bench.steps(run_id)["analyse"].output
    assert bench.decide(run_id, "review", decision, DECISIONS[decision])
    steps = bench.steps(run_id)
    assert bench.get(run_id).status == "succeeded"
    assert steps["review"].output == (DECISIONS[decision] or analysed)
    assert (steps["review"].decision, steps["review"].decided_by) == (decision, "token:reviewer")
    assert (steps["review"].output or "") in (steps["generate"].prompt or "")


@pytest.mark.parametrize(("decision", "code"), [("reject", "review_rejected"), ("expire", "review_expired")])
def test_a_refusal_that_nobody_handles_ends_the_run(bench: Workbench, decision: str, code: str) -> None:
    run_id = reviewed(bench)
    if decision == "expire":
        let_expire(bench, run_id)
    else:
        bench.decide(run_id, "review", decision)
    run, steps = bench.get(run_id), bench.steps(run_id)
    assert run.status == "failed" and run.error is not None and run.error.code == code
    assert [step.status for step in steps.values()] == ["succeeded", "failed", "skipped"]
    assert steps["review"].decision == decision
    assert (
        steps["generate"].error is not None
        and steps["generate"].error.message == "review failed, which it needs"
    )
    assert bench.changes(run_id)[-2:] == [("review", "failed", 1), ("generate", "skipped", 0)]


@pytest.mark.parametrize("decision", ["reject", "expire"])
def test_a_refusal_that_a_condition_handles_is_an_outcome_like_any_other(
    bench: Workbench, decision: str
) -> None:
    run_id = reviewed(bench, handled=True)
    if decision == "expire":
        let_expire(bench, run_id)
    else:
        bench.decide(run_id, "review", decision)
    assert bench.get(run_id).status == "succeeded"
    assert bench.statuses(run_id) == {"analyse": "succeeded", "review": "succeeded", "generate": "skipped"}
    assert bench.steps(run_id)["review"].decision == decision


@pytest.mark.parametrize("second", ["approve", "reject", "edit"])
@pytest.mark.parametrize("first", ["approve", "reject", "edit", "expire"])
def test_the_same_decision_again_changes_nothing_and_another_is_refused(
    bench: Workbench, first: str, second: str
) -> None:
    run_id = reviewed(bench, handled=True)
    if first == "expire":
        let_expire(bench, run_id)
    else:
        bench.decide(run_id, "review", first, DECISIONS[first])
    before = bench.events(run_id), bench.steps(run_id), bench.rows("select * from audit_log order by id")
    if first == second:
        assert not bench.decide(run_id, "review", second, DECISIONS[second])
    else:
        with pytest.raises(Conflict, match=f"decided already: {first}"):
            bench.decide(run_id, "review", second, DECISIONS[second])
    assert (
        bench.events(run_id),
        bench.steps(run_id),
        bench.rows("select * from audit_log order by id"),
    ) == before


@pytest.mark.parametrize("decision", ["approve", "reject", "edit"])
@pytest.mark.parametrize("ended", ["cancelled", "failed"])
def test_a_review_of_a_run_that_has_ended_takes_no_decision(
    bench: Workbench, ended: Any, decision: str
) -> None:
    run_id = reviewed(bench)
    bench.finish(run_id, ended)
    before = bench.events(run_id)
    with pytest.raises(Conflict, match=f"it is {ended}"):
        bench.decide(run_id, "review", decision, DECISIONS[decision])
    let_expire(bench, run_id)
    assert bench.events(run_id) == before
    assert bench.statuses(run_id)["review"] == "cancelled"


def test_a_review_that_has_not_begun_takes_no_decision(bench: Workbench) -> None:
    run_id = bench.begin(ANALYSE, REVIEW)
    bench.machine.play(bench.machine.waiting.pop(0))
    with pytest.raises(Conflict, match="it is pending"):
        bench.decide(run_id, "review", "approve")


@pytest.mark.parametrize(
    ("decision", "content", "alternative"),
    [("edit", None, None), ("approve", "text", None), ("reject", None, 1), ("approve", None, 1)],
)
def test_a_decision_that_makes_no_sense_changes_nothing(
    bench: Workbench, decision: str, content: str | None, alternative: int | None
) -> None:
    run_id = reviewed(bench)
    with pytest.raises(InvalidInput):
        bench.decide(run_id, "review", decision, content, alternative)
    assert bench.get(run_id).status == "waiting"


def test_an_edit_with_characters_that_the_database_refuses_can_be_repeated(bench: Workbench) -> None:
    run_id = reviewed(bench)
    assert bench.decide(run_id, "review", "edit", "a\0b")
    assert not bench.decide(run_id, "review", "edit", "a\0b")


def test_a_waiting_run_holds_no_execution_and_outlives_days_sweeps_and_restarts(bench: Workbench) -> None:
    run_id = reviewed(bench)
    bench.write("update runs set started_at = started_at - interval '5 days' where id = %s", run_id)
    left = bench.rows("select deadline, time_left from runs where id = %s", run_id)[0]
    assert left["deadline"] is None and left["time_left"].total_seconds() > 3000
    for _ in range(2):
        sweep(bench.db)
        tend_all(bench.db)
        assert interrupt_orphans(bench.db) == []
    assert bench.machine.waiting == [] and bench.get(run_id).status == "waiting"
    assert bench.decide(run_id, "review", "approve")
    assert bench.get(run_id).status == "succeeded"
    told = [data["status"] for _, data in bench.events(run_id, "status")]
    assert told == ["queued", "running", "waiting", "running"]


def test_a_decision_whose_process_is_killed_after_its_commit_is_carried_on_by_the_sweep(
    bench: Workbench,
) -> None:
    run_id = reviewed(bench)
    with bench.db.transaction(bench.tenant_id) as connection:
        reviews.decide(
            connection, bench.tenant_id, run_id, "review", decision="approve", content=None, alternative=None,
            actor="test",
        )  # fmt: skip
    assert bench.get(run_id).status == "waiting"
    sweep(bench.db)
    bench.machine.run()
    assert bench.get(run_id).status == "succeeded"


def test_a_wake_up_that_breaks_down_is_repeated_and_ends_no_run(bench: Workbench, machine: Machine) -> None:
    run_id = reviewed(bench)
    with bench.db.transaction(bench.tenant_id) as connection:
        reviews.decide(
            connection, bench.tenant_id, run_id, "review", decision="approve", content=None, alternative=None,
            actor="test",
        )  # fmt: skip
    dispatch.dispatch(bench.db, [bench.tenant_id])
    [woken] = machine.waiting
    machine.waiting.clear()
    machine.fail(woken, RuntimeError("no memory"))
    sweep(bench.db)
    machine.run()
    assert bench.get(run_id).status == "succeeded"


def test_a_run_with_a_review_and_work_beside_it_is_running_until_the_work_is_done(bench: Workbench) -> None:
    run_id = bench.begin(
        ANALYSE, REVIEW, {"key": "slow", "needs": ["analyse"], "prompt": "{{input}}"}, GENERATE
    )
    for _ in range(2):
        bench.machine.play(bench.machine.waiting.pop(0))
    assert bench.statuses(run_id)["review"] == "waiting" and bench.get(run_id).status == "running"
    bench.machine.run()
    assert bench.get(run_id).status == "waiting"
    bench.decide(run_id, "review", "approve")
    assert bench.get(run_id).status == "succeeded"


def three_answers(bench: Workbench, pick: str, **more: Any) -> UUID:
    def model(question: Any) -> Any:
        if question.output_schema is not None and "pick" in question.output_schema["properties"]:
            return answered("{}", data={"pick": 3, "reasons": "It goes furthest."})
        return answered(f"answer {len(bench.machine.asked)}")

    bench.machine.model = model
    step = {"key": "propose", "prompt": "{{input}}", "alternatives": 3, "pick": pick, "model": "offline"}
    return bench.run(step | more, {"key": "after", "prompt": "{{steps.propose.content}}"})


def test_a_person_picks_one_of_three_answers(bench: Workbench) -> None:
    run_id = three_answers(bench, "person")
    step = bench.steps(run_id)["propose"]
    assert (step.status, step.finished_at) == ("waiting", None)
    assert [call.label for call in step.calls] == ["balanced", "conservative", "ambitious"]
    with pytest.raises(InvalidInput, match="there is no answer 4: step propose has 3"):
        bench.decide(run_id, "propose", "approve", alternative=4)
    assert bench.decide(run_id, "propose", "approve", alternative=2)
    assert not bench.decide(run_id, "propose", "approve", alternative=2)
    with pytest.raises(Conflict):
        bench.decide(run_id, "propose", "approve", alternative=1)
    assert bench.steps(run_id)["propose"].output == "answer 2"
    assert bench.get(run_id).status == "succeeded"


def test_an_approval_that_names_none_of_the_answers_is_refused_and_names_them(bench: Workbench) -> None:
    run_id = three_answers(bench, "person")
    named = r"as alternative: 1 \(balanced\), 2 \(conservative\), 3 \(ambitious\)"
    with pytest.raises(InvalidInput, match=named) as refused:
        bench.decide(run_id, "propose", "approve")
    assert refused.value.status == 422
    assert (bench.get(run_id).status, bench.statuses(run_id)["propose"]) == ("waiting", "waiting")
    assert bench.decide(run_id, "propose", "edit", "what a person wrote"), "an edit needs no pick"


def test_a_pick_that_has_not_begun_takes_no_approval(bench: Workbench) -> None:
    run_id = bench.begin(
        ANALYSE, ANALYSE | {"key": "propose", "needs": ["analyse"], "alternatives": 2, "pick": "person"}
    )
    bench.machine.play(bench.machine.waiting.pop(0))
    with pytest.raises(Conflict, match="it is pending"):
        bench.decide(run_id, "propose", "approve")


def test_a_judge_picks_and_says_why(bench: Workbench) -> None:
    run_id = three_answers(bench, "judge")
    step = bench.steps(run_id)["propose"]
    assert step.status == "succeeded"
    assert (step.output or "").startswith("answer 3") and "It goes furthest." in (step.output or "")
    assert [call.label for call in step.calls][-1] == "judge" and step.tokens == 60
    assert bench.get(run_id).cost.tokens == 75

"""Everything that is wrong with a definition is found at once, with its place and the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from workflow_texts import document, flaws, only_flaw, step, workflow

from nyxcore.steps.models import ShownDecision
from nyxcore.workflows.dependencies import needs_of
from nyxcore.workflows.flaws import WorkflowRefused
from nyxcore.workflows.graph import FINISHED
from nyxcore.workflows.lint import accept, check, load
from nyxcore.workflows.schema import schema_text

SCHEMA_FILE = Path(__file__).parents[3] / "docs/workflow.schema.json"


def test_the_published_schema_is_that_of_the_types() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_a_workflow_that_the_linter_takes_follows_the_published_schema() -> None:
    steps = (
        step("scan", None, type="analysis", categories=["security"]),
        step("write", "{{steps.scan.content}}", alternatives=3, pick="judge", judge={"criteria": "short"}),
        step("look", None, type="review", needs=["write"], timeout=86_400),
    )
    validator = Draft202012Validator(json.loads(schema_text()))
    assert flaws(*steps) == []
    assert list(validator.iter_errors(document(*steps))) == []
    assert list(validator.iter_errors(document(step("a", retires=3)))) != []


def test_all_flaws_are_told_at_once_with_their_lines() -> None:
    text = """\
name: Trial
gaol: Make it better
inputs:
  topic: {type: text}
  files: {type: list}
steps:
  - key: plan
    prompt: |
      Look at {{input.topic}}.

      Then at {{ input.flies }}.
    needs: [chek]
    budget: {usd: -1}
  - key: check
    type: review
    retries: 2
    needs: [plan]
"""
    with pytest.raises(WorkflowRefused) as refused:
        load(text)
    assert [(flaw.line, flaw.path, flaw.suggestion) for flaw in refused.value.flaws] == [
        (1, "/goal", None),
        (2, "/gaol", "goal"),
        (4, "/inputs/topic/type", None),
        (11, "/steps/0/prompt", "input.files"),
        (12, "/steps/0/needs/0", "check"),
        (13, "/steps/0/budget/usd", None),
        (16, "/steps/1/retries", None),
    ]
    assert refused.value.details["flaws"][5]["value"] == "-1"  # type: ignore[index]


def test_json_is_told_by_pointers_and_lines_too() -> None:
    with pytest.raises(WorkflowRefused) as refused:
        load(json.dumps(document(step("a", needs=["b"])), indent=1))
    assert [(flaw.path, flaw.line) for flaw in refused.value.flaws] == [("/steps/0/needs/0", 9)]


def test_an_unknown_need_is_answered_with_the_nearest_key() -> None:
    flaw = only_flaw(step("analyse"), step("review", None, type="review", needs=["analyze"]))
    assert flaw.path == "/steps/1/needs/0"
    assert flaw.value == "analyze" and flaw.suggestion == "analyse"
    assert 'needs the step "analyze", which does not exist; did you mean "analyse"?' in flaw.message


def test_a_cycle_is_named_whole() -> None:
    flaw = only_flaw(step("a", needs=["c"]), step("b", needs=["a"]), step("c", needs=["b"]))
    assert "a → c → b → a" in flaw.message and flaw.path == "/steps/0/needs"


def test_a_cycle_through_a_prompt_is_found_too() -> None:
    flaw = only_flaw(step("a", "see {{steps.b.content}}"), step("b", needs=["a"]))
    assert "a → b → a" in flaw.message


def test_two_knots_of_steps_are_two_flaws() -> None:
    steps = [step("a", needs=["b"]), step("b", needs=["a"]), step("c", needs=["c"])]
    assert [flaw.message.split(" need")[0] for flaw in flaws(*steps)] == [
        "the steps a → b → a",
        "the steps c → c",
    ]


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        (step("a", None), "/steps/0/prompt", "prompt is missing"),
        (step("a b"), "/steps/0/key", "does not have the form"),
        (step("k" * 41), "/steps/0/key", "does not have the form"),
        (step("a", alternatives=2), "/steps/0/alternatives", "nobody picks one"),
        (step("a", alternatives=4, pick="person"), "/steps/0/alternatives", "the most is 3"),
        (step("a", pick="person"), "/steps/0/pick", "nothing to pick from"),
        (step("a", pick="nobody", alternatives=2), "/steps/0/pick", "none of 'person' or 'judge'"),
        (step("a", alternatives=2, pick="person", judge={}), "/steps/0/judge", "nobody asks this judge"),
        (step("a", models=["offline"]), "/steps/0/models", "at least 2"),
        (step("a", models=["offline", "offline"]), "/steps/0/models", "named twice"),
        (step("a", models=["offline", "openai:x"], model="offline"), "/steps/0/model", "not both"),
        (step("a", fallbacks=["offline:x"]), "/steps/0", "it is called offline"),
        (step("a", model="gpt-5"), "/steps/0/model", "does not have the form"),
        (step("a", forEach="input"), "/steps/0/forEach", "is no list"),
        (step("a", forEach="{{input}}"), "/steps/0/forEach", "without braces"),
        (step("a", forEach=[]), "/steps/0/forEach", "1 to 500"),
        (step("a", forEach=["x"] * 501), "/steps/0/forEach", "1 to 500"),
        (step("a", forEach=["x"], alternatives=2, pick="judge"), "/steps/0/alternatives", "cannot stand together"),
        (step("a", budget={"tokens": -5}), "/steps/0/budget/tokens", "-5 is too small"),
        (step("a", budget={"usd": -0.01}), "/steps/0/budget/usd", "-0.01 is too small"),
        (step("a", retries=-1), "/steps/0/retries", "the least is 0"),
        (step("a", timeout=900), "/steps/0/timeout", "the most is 840 s"),
        (step("a", temperature="hot"), "/steps/0/temperature", "give a number"),
        (step("a", temperature=True), "/steps/0/temperature", "give a number"),
        (step("a", needs="b"), "/steps/0/needs", "give a list"),
        (step("a", type="lmm"), "/steps/0/type", "none of"),
        (step("a", "é" * 60_000), "/steps/0/prompt", "120,000 bytes"),
        (step("a", when="input = 'x'"), "/steps/0/when", "write =="),
        (step("a", when="input"), "/steps/0/when", "is a text, not true or false"),
        (step("a", when="inputt == 'x'"), "/steps/0/when", "did you mean input?"),
        (step("a", None, type="analysis", model="offline"), "/steps/0/model", "nothing at a step of type analysis"),
        (step("a", None, type="review", forEach=["x"]), "/steps/0/forEach", "does nothing at a step of type review"),
        ("a step", "/steps/0", "a step"),
    ],
)  # fmt: skip
def test_a_flaw_of_a_step(given: Any, path: str, words: str) -> None:
    flaw = only_flaw(given)
    assert flaw.path == path
    assert words in flaw.message


@pytest.mark.parametrize(
    ("members", "path", "words"),
    [
        ({"inputs": {"n": {"type": "number", "default": "3"}}}, "/inputs/n/default", "3 is no number"),
        ({"inputs": {"1x": {}}}, "/inputs/1x", "does not have the form"),
        ({"context": ["docs", "memori"]}, "/context/1", "did you mean memory?"),
        ({"context": ["steps.a.content"]}, "/context/0", "nothing to select"),
        ({"goal": "  "}, "/goal", "does not have the form"),
        ({"format": 2}, "/format", "none of 1"),
        ({"budget": {"usd": -1}}, "/budget/usd", "-1 is too small"),
        ({"steps": []}, "/steps", "at least one"),
        ({"steps": {"a": {}}}, "/steps", "a list of at least one"),
    ],
)
def test_a_flaw_of_the_head(members: dict[str, Any], path: str, words: str) -> None:
    flaw = only_flaw(step("a"), **members)
    assert flaw.path == path
    assert words in flaw.message


@pytest.mark.parametrize("given", [None, 3, "text", [], [{}]])
def test_what_is_no_object_is_refused_with_what_it_should_be(given: object) -> None:
    (flaw,) = check(given)
    assert "an object with name, goal and steps" in flaw.message


@pytest.mark.parametrize(
    ("path", "suggestion"),
    [
        ("steps.anlyse.content", "steps.analyse.content"),
        ("steps.analyse.contnt", "steps.analyse.content"),
        ("steps.analyse", "steps.analyse.content"),
        ("steps.Analyse.status", "steps.analyse.status"),
        ("steps.anlyse.contnet", "steps.analyse.content"),
        ("steps.anlyse.statsu", "steps.analyse.status"),
        ("steps.anlyse.contnt.more", "steps.analyse.content"),
        ("step.anlyse.contnet", "steps.analyse.content"),
        ("analyse.status", "steps.analyse.status"),
        ("analyse.contnet", "steps.analyse.content"),
        ("steps.analyse.sectoins", "steps.analyse.content"),
        ("steps.analyse.content.status", "steps.analyse.content"),
        ("steps.nothing.like", None),
        ("analyse", "steps.analyse.content"),
        ("analyse.content", "steps.analyse.content"),
        ("step.analyse.content", "steps.analyse.content"),
        ("steps", "steps.analyse.content"),
        ("steps.analyse.decision", "steps.analyse.content"),
        ("steps.analyse.sections", "steps.analyse.content"),
        ("steps.draft.alternatives", "steps.draft.alternatives[0]"),
        ("steps.draft.alternatives[2]", "steps.draft.alternatives[1]"),
        ("steps.draft.alternatves[0]", "steps.draft.alternatives[0]"),
        ("steps.daft.alternatves[7]", "steps.draft.alternatives[1]"),
        ("steps.jugde.dta.scroe", "steps.judge.data.score"),
        ("steps.judge.data.prts[0].nmae", "steps.judge.data.parts[0].name"),
        ("steps.judge.data.prts[0].name", "steps.judge.data.parts[0].name"),
        ("steps.judge.data.scroe", "steps.judge.data.score"),
        ("steps.judge.data.parts[0].nmae", "steps.judge.data.parts[0].name"),
        ("input.topc", "input.topic"),
        ("inputs.topic", "input.topic"),
        ("topic", "input.topic"),
        ("gaol", "goal"),
        ("goal.text", "goal"),
        ("memmory", "memory"),
        ("project", "project.wisdom"),
        ("project.wisdm", "project.wisdom"),
        ("policy", "policies"),
        ("item", None),
    ],
)
def test_a_misspelt_path_is_answered_with_the_nearest_in_full(path: str, suggestion: str | None) -> None:
    schema = {
        "type": "object",
        "properties": {
            "score": {"type": "number"},
            "parts": {"type": "array", "items": {"properties": {"name": {"type": "string"}}}},
        },
    }
    steps = [
        step("analyse"),
        step("draft", alternatives=2, pick="person"),
        step("judge", outputSchema=schema),
    ]
    flaw = only_flaw(*steps, step("last", f"first line\nand {{{{ {path} }}}}"), inputs={"topic": {}})
    assert flaw.path == "/steps/3/prompt" and flaw.value == path
    assert flaw.message.startswith(f"line 2, column 5: {path}")
    assert flaw.suggestion == suggestion
    assert (
        suggestion is None or flaws(*steps, step("last", f"{{{{{suggestion}}}}}"), inputs={"topic": {}}) == []
    )


@pytest.mark.parametrize("path", ["steps.pln", "steps.pln.sectoins", "steps.pln.contnet", "plan"])
def test_what_is_meant_for_a_list_is_answered_with_a_list(path: str) -> None:
    flaw = only_flaw(step("plan"), step("each", "{{item}}", forEach=path))
    assert flaw.suggestion == "steps.plan.sections"
    assert flaw.message.endswith("; did you mean steps.plan.sections?")
    assert only_flaw(step("each", "{{item}}", forEach="memmory")).suggestion is None, "memory is no list"


@pytest.mark.parametrize(
    ("when", "suggestion"),
    [
        ('steps.look.decision == "aproved"', "approve"),
        ('steps.look.decision != "Approve"', "approve"),
        ('"rejected" == {{steps.look.decision}}', "reject"),
        ('steps.look.decision == "expired" or input == "x"', "expire"),
        ('not (steps.look.decision contains "edited")', "edit"),
        ('"aproved" contains steps.look.decision', "approve"),
        ('"none, at all" contains steps.look.decision', None),
        ('steps.look.decision == ""', None),
        ('steps.plan.status == "success"', "succeeded"),
        ('steps.look.status != "skiped"', "skipped"),
        ('steps.plan.status == "failed"', None),
    ],
)
def test_a_word_that_a_decision_or_a_status_never_is_is_a_flaw(when: str, suggestion: str | None) -> None:
    steps = [step("plan"), step("look", None, type="review", needs=["plan"])]
    flaw = only_flaw(*steps, step("last", when=when))
    assert (flaw.path, flaw.suggestion) == ("/steps/2/when", suggestion)
    words = "approve, reject, edit or expire" if "decision" in when else "succeeded or skipped"
    assert f"is {words}" in flaw.message
    assert flaw.message.endswith(f"; did you mean {suggestion}?") is (suggestion is not None)


def test_of_a_path_that_leads_nowhere_no_word_is_told_besides() -> None:
    flaw = only_flaw(step("plan"), step("last", when='steps.plan.decision == "aproved"'))
    assert flaw.suggestion == "steps.plan.content"


def test_words_that_a_decision_or_a_status_may_be_are_no_flaw() -> None:
    schema = {"type": "object", "properties": {"status": {"type": "string"}}}
    steps = [step("plan", outputSchema=schema), step("look", None, type="review", needs=["plan"])]
    for when in (
        *(f'steps.look.decision == "{word}"' for word in get_args(ShownDecision)),
        *(f'steps.plan.status != "{word}"' for word in FINISHED),
        'steps.look.decision contains "e"',
        '"approve or edit" contains steps.look.decision',
        'steps.plan.data.status == "success"',
        "steps.look.decision == input",
    ):
        assert flaws(*steps, step("last", when=when)) == [], when


def test_every_right_path_is_taken() -> None:
    schema = {"type": "object", "properties": {"tasks": {"type": "array"}, "score": {"type": "number"}}}
    found = flaws(
        step("plan", outputSchema=schema),
        step("look", None, type="review", needs=["plan"]),
        step("draft", alternatives=2, pick="judge"),
        step("each", "{{item}} of {{steps.plan.data.tasks}}", forEach="steps.plan.data.tasks"),
        step("again", "{{ item }} {{steps.each.content}}", forEach="steps.each.parts"),
        step("parts", "{{item}}", forEach="steps.draft.sections"),
        step("files", "{{item}}", forEach="input.files"),
        step("named", "{{item}}", forEach=["one", "two"]),
        step("all", "{{input}} {{input.files}} {{goal}} {{memory}} {{docs}} {{docs.api}} {{policies}}"),
        step("rest", '{{project.wisdom}} {{docs["READ ME.md"]}} {{steps.draft.alternatives[1]}}'),
        step("if", when='steps.look.decision == "approve" and steps.plan.data.score >= 3'),
        step("or", when='not (input.files contains "x") or steps.plan.status != "skipped"'),
        inputs={"files": {"type": "list", "default": ["a"]}},
        context=["input.files", "memory", "docs.api", "policies", "project.wisdom"],
    )
    assert found == []


def test_a_broken_step_hides_nothing_elsewhere_and_its_key_counts() -> None:
    found = flaws(step("a", retires=1), step("b", "{{steps.a.anything}} {{steps.c.content}}", needs=["a"]))
    assert [flaw.path for flaw in found] == ["/steps/0/retires", "/steps/1/prompt", "/steps/1/prompt"]


def test_what_a_prompt_names_is_needed_without_being_said() -> None:
    plan = workflow(
        step("a"),
        step("b", "{{ steps.a.content }}"),
        step("c", when='steps.b.status == "succeeded"', forEach="steps.a.sections"),
        step("d", r"\{{steps.a.content}}", needs=["c"]),
    )
    assert needs_of(plan) == {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["c"]}


def test_an_unknown_persona_is_told_where_personas_are_known() -> None:
    given = document(step("a", persona="securty"))
    assert check(given) == []
    (flaw,) = check(given, personas=["security", "architect"])
    assert flaw.path == "/steps/0/persona" and flaw.suggestion == "security"


def test_a_checked_workflow_is_checked_again_as_itself() -> None:
    plan = workflow(step("a", None, type="analysis"), step("b", needs=["a"], maxOutputTokens=100))
    assert check(plan) == []
    assert plan.step("b").max_output_tokens == 100
    with pytest.raises(KeyError):
        plan.step("c")


def test_a_thousand_steps_are_taken_and_one_more_is_not() -> None:
    chain = [step("s0"), *(step(f"s{index}", needs=[f"s{index - 1}"]) for index in range(1, 1_000))]
    assert flaws(*chain) == []
    assert "at most 1,000 steps" in only_flaw(*chain, step("more")).message


def test_a_ring_of_a_thousand_steps_is_told_and_not_walked_for_ever() -> None:
    ring = [step(f"s{index}", needs=[f"s{(index + 1) % 1_000}"]) for index in range(1_000)]
    assert only_flaw(*ring).message.count("→") == 1_000


def test_of_a_thousand_misspelt_needs_five_hundred_are_told_each_with_the_right_key() -> None:
    found = flaws(*[step(f"step-{index}", needs=[f"stp-{index}"]) for index in range(1_000)])
    assert [flaw.suggestion for flaw in found] == [f"step-{index}" for index in range(500)]


def test_a_hundred_thousand_unknown_members_are_not_all_told() -> None:
    assert len(flaws(step("a", **{f"member{index}": 1 for index in range(100_000)}))) == 500


def test_a_refused_body_says_all_that_is_wrong_with_it() -> None:
    with pytest.raises(WorkflowRefused) as refused:
        accept({"name": "x"})
    assert refused.value.status == 422
    assert refused.value.code == "workflow_refused"
    assert refused.value.message == (
        "the workflow has 2 flaws:\n/goal: goal is missing\n/steps: steps is missing"
    )

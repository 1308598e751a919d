"""`nyx workflow` as far as it needs no stack: linting, inputs, what is told, and how somebody is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nyx.errors import BadUsage
from nyx.workflow import command, reviewing
from nyx.workflow.given import given
from nyx.workflow.telling import preview_lines
from nyxcore.workflows.lint import load

BROKEN = """\
name: Broken
goal: Show flaws.
steps:
  - key: analyse
    persona: architct
    prompt: |
      Look at this:
      {{inptu}}
  - key: sum
    needs: [analize]
    prompt: Sum it up.
"""
DECLARED = load("""
name: Declared
goal: g
inputs:
  topic: {}
  count: {type: number, default: 3}
  files: {type: list, required: false}
  deep: {type: boolean, required: false}
steps: [{key: a, prompt: "{{input}}"}]
""")


@pytest.fixture(autouse=True)
def no_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a stack was started")

    monkeypatch.setenv("NYX_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NYX_DATABASE_URL", raising=False)
    monkeypatch.setattr(command, "open_stack", refuse)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.yaml").write_text(BROKEN)
    return "broken.yaml"


def test_lint_tells_each_flaw_with_place_value_and_suggestion(
    broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(["lint", broken]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("broken.yaml:8: /steps/0/prompt: ")
    assert lines[1:3] == ["    there stands    inptu", "    nearest is      input"]
    assert lines[3].startswith("broken.yaml:10: /steps/1/needs/0: ")
    assert lines[4:6] == ["    there stands    analize", "    nearest is      analyse"]
    assert lines[6:] == [
        "2 flaws.",
        "The persona architct is not built in: a run needs one of your own. Did you mean architect?",
    ]


def test_lint_of_json_names_lines_too_and_prints_one_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "w.json"
    file.write_text('{"name": "x",\n "goal": "y",\n "steps": [\n  {"key": "a", "prompt": "{{goa}}"}]}')
    assert command.run(["lint", str(file), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(flaw["line"], flaw["suggestion"]) for flaw in told["flaws"]] == [(4, "goal")]
    assert told["error"] is None


@pytest.mark.parametrize("name", ["expert-team", "security-review"])
def test_a_template_is_linted_and_shown_by_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["lint", name]) == 0
    assert f"{name}: no flaws" in capsys.readouterr().out
    assert command.run(["show", name]) == 0
    assert load(capsys.readouterr().out).steps


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lint", "expert-taem"], "Did you mean expert-team?"),
        (["run", "expert-taem"], "Did you mean expert-team?"),
        (["show", "expert-taem"], "Did you mean expert-team?"),
        (["preview", "expert-taem"], "Did you mean expert-team?"),
        (["run", "nowhere.yaml"], "There is no file 'nowhere.yaml'"),
        (["lint", "."], "'.' is a folder"),
        (["run", "security-review"], "name its folder, for example --path ."),
        (["run", "security-review", "--path", "nowhere"], "'nowhere' is no folder"),
        (["decide", "r", "s", "edit"], "edit takes the FILE"),
        (["decide", "r", "s", "approve", "f"], "approve and reject take none"),
        (["preview", "expert-team", "--set", "topic"], "has no equals sign"),
        ([], "the following arguments are required"),
    ],
)
def test_a_line_that_means_nothing_is_told_in_one_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(words) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert (told.err.count("\n"), told.out) == (1, "")
    assert command.run([*words, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad_usage"


@pytest.mark.parametrize("name", ["expert-taem", "Our own"])
def test_where_something_may_be_kept_its_names_are_asked_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "home" / "postgres").mkdir(parents=True)
    with pytest.raises(AssertionError, match="a stack was started"):
        command.run(["show", name])


def test_a_broken_file_is_not_run(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["run", broken, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["error"]["code"], len(told["flaws"]), told["run"]) == ("workflow_refused", 2, None)


def test_settings_become_what_the_workflow_declares(tmp_path: Path) -> None:
    (tmp_path / "topic.txt").write_text("from a file")
    settings = [f"topic=@{tmp_path / 'topic.txt'}", "count=1.5", "files=a", "files=b", "deep=true"]
    assert given(DECLARED, None, settings) == {
        "topic": "from a file", "count": 1.5, "files": ["a", "b"], "deep": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [
        (None, [], "Give it with --input TEXT, or by name: --set topic=…"),
        ("text", ["topic=x"], "not both"),
        (None, ["topic=x", "count=many"], "--set count takes a number"),
        (None, ["topic=x", "deep=maybe"], "--set deep takes true or false"),
        (None, ["topic=x", "tpoic=y"], "did you mean topic?"),
        ("@/nowhere/at/all", [], "cannot be read as text"),
    ],
)
def test_an_input_that_does_not_suit_is_refused_with_the_way_out(
    text: str | None, settings: list[str], said: str
) -> None:
    with pytest.raises(BadUsage, match=said.replace("?", r"\?")):
        given(DECLARED, text, settings)


def test_a_preview_keeps_to_80_columns_and_shows_control_characters() -> None:
    part = {"path": "steps.a.content", "reason": "needed " * 20, "form": "whole", "tokens": 9, "note": None}
    step = {
        "key": "a", "type": "llm", "needs": [], "models": ["offline"], "system": None, "calls": None,
        "prompt": "word " * 60 + "\n\x1b[31mred\n    indented", "parts": [part, {**part, "form": "left-out"}],
        "tokens": 1_234, "assumedTokens": 5, "outputTokens": 4_096, "usd": None, "held": None, "atMost": None,
        "fallbacks": [], "further": [], "problem": "too long",
    }  # fmt: skip
    nothing = {"usd": 0.0, "tokens": 0}
    preview = {
        "steps": [step], "tokens": 1_239, "usd": 0.0, "held": nothing, "atMost": nothing, "unknown": ["a"],
    }  # fmt: skip
    lines = list(preview_lines("W", preview))
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "\\x1b[31mred" in text
    assert "      indented" in text
    assert "+ steps.a.content: whole, 9 tokens" in text
    assert "- steps.a.content: left out;" in text
    assert "PROBLEM  too long" in text


def test_a_preview_says_what_it_can_cost_and_shows_every_prompt() -> None:
    judge = {
        "label": "judge", "models": ["ours:judge"], "system": "I am fair.", "prompt": "Which is best?", "parts": [],
        "tokens": 100, "assumedTokens": 8_192, "outputTokens": 4_096,
    }  # fmt: skip
    held, most = {"usd": 0.03300001, "tokens": 9_000}, {"usd": 0.099, "tokens": 27_000}
    step = {
        "key": "a", "type": "llm", "needs": [], "models": ["ours:m"], "fallbacks": ["ours:dear"], "system": "Be brief.",
        "prompt": "Plan it.", "parts": [], "tokens": 10, "assumedTokens": 0, "outputTokens": 4_096, "calls": 2,
        "usd": 0.0165, "held": held, "atMost": most, "further": [judge], "problem": None,
    }  # fmt: skip
    preview = {"steps": [step], "tokens": 12, "usd": 0.0165, "held": held, "atMost": most, "unknown": []}
    text = "\n".join(preview_lines("W", preview))
    flat = " ".join(text.split())
    assert "Cost: $0.0165 when nothing fails, $0.0990 at the most, with every retry of every step." in flat
    assert "A budget of $0.0331 and 9,000 tokens lets every call begin." in flat
    assert "asks     ours:m, 2 times; should it fail: ours:dear\n" in text
    assert "cost     $0.0165 when nothing fails, $0.0331 are held, $0.0990 at the most\n" in text
    assert "judge: asks ours:judge; 100 in and about 8,192 of outputs to come" in text
    assert text.index("Plan it.") < text.index("── prompt of judge ─") < text.index("Which is best?")


def review(**changes: Any) -> dict[str, Any]:
    return {"key": "look", "type": "review", "output": "What was said.", "calls": []} | changes


PICK = review(
    type="llm", calls=[{"label": "balanced"}, {"label": "ambitious"}, {"label": "judge"}]
)  # fmt: skip


def answering(*replies: str) -> Callable[[str], str]:
    left = iter(replies)
    return lambda _: next(left)


@pytest.mark.parametrize(
    ("step", "replies", "decision"),
    [
        (review(), ["a"], {"decision": "approve"}),
        (review(), ["", "x", "v", "R"], {"decision": "reject"}),
        (review(), ["q"], None),
        (PICK, ["a", "3", "2"], {"decision": "approve", "alternative": 2}),
    ],
)
def test_somebody_is_asked_until_something_is_decided(
    step: dict[str, Any], replies: list[str], decision: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reviewing.decide(step, "Look at it", answering(*replies)) == decision
    assert "What was said." in capsys.readouterr().out


def test_a_review_that_has_a_question_asks_it_before_it_shows_what_it_is_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = review(prompt="Is this right?\nFor \x1b[31mwhom?")
    assert reviewing.decide(step, "Look at it", answering("a")) == {"decision": "approve"}
    shown = capsys.readouterr().out
    assert shown.index("Is this right?") < shown.index("── It is about ──") < shown.index("What was said.")
    assert "\x1b" not in shown
    assert reviewing.question_of(PICK | {"prompt": "what a model was sent"}) == []


def test_whoever_approves_several_answers_is_asked_which(capsys: pytest.CaptureFixture[str]) -> None:
    output = "## balanced\n\nHalf.\n\n## ambitious\n\n\x1b[31mAll."
    assert reviewing.pick(PICK | {"output": output}, answering("a", "3", "2")) == 2
    shown = capsys.readouterr().out
    assert "Half." in shown and "1 balanced, 2 ambitious" in shown and "\x1b" not in shown
    with pytest.raises(BadUsage, match="--alternative NUMBER"):
        reviewing.pick(PICK, answering("q"))


def test_an_edit_is_what_the_editor_leaves_and_a_broken_editor_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "Said anew." > "$1"\n')
    editor.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(editor))
    assert reviewing.decide(review(), "t", answering("e")) == {"decision": "edit", "content": "Said anew.\n"}
    monkeypatch.setenv("EDITOR", "true")
    assert reviewing.decide(review(), "t", answering("e", "q")) is None
    assert "Nothing was changed." in capsys.readouterr().out
    monkeypatch.setenv("EDITOR", "/nowhere/editor")
    assert reviewing.decide(review(), "t", answering("e", "q")) is None
    assert "Set EDITOR to another one" in capsys.readouterr().out


def test_what_to_type_later_names_run_step_file_and_answers() -> None:
    told = reviewing.commands("nyx", "RUN", PICK, Path("my out/look.md"))
    assert told == [
        "nyx workflow decide RUN look approve --alternative 1 --out 'my out'    # balanced",
        "nyx workflow decide RUN look approve --alternative 2 --out 'my out'    # ambitious",
        "nyx workflow decide RUN look edit 'my out/look.md' --out 'my out'    # once you have changed it",
        "nyx workflow decide RUN look reject --out 'my out'",
    ]

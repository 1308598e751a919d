"""`nyx workflow` on the real stack: runs, what is decided at once and later, Ctrl-C, teams, files."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from stack_bench import NYX, PATIENCE, start_nyx, stream

from nyx.api import Api

TEMPLATE = "analyse-review-generate-prompt"
REQUEST = "Add a flag --total. Callers must not notice it."
REVIEWED = """\
name: Reviewed
goal: Show a review.
steps:
  - {key: look, type: review, prompt: Is it right?}
  - {key: after, needs: [look], prompt: "Sum up: {{steps.look.content}} {{input}}"}
"""
IN_A_ROW = """\
name: In a row
goal: Wait three times, one after the other.
steps:
  - {key: propose, model: offline, alternatives: 2, pick: person, prompt: "Propose: {{input}}"}
  - {key: first, type: review, needs: [propose]}
  - {key: second, type: review, needs: [first]}
"""


@dataclass
class Bench:
    """A stack that runs, and the command on it."""

    home: Path
    folder: Path
    api: Api

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("NYX_", "AWS_"))}
        environment |= {"NYX_HOME": str(self.home), "TERM": "dumb"} | options.pop("environment", {})
        pipes: dict[str, Any] = {
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
        }  # fmt: skip
        return subprocess.Popen(
            [NYX, "workflow", *words], text=True, cwd=self.folder, env=environment, **(pipes | options)
        )

    def run(self, *words: str, code: int = 0) -> str:
        """Run it to its end; what it prints, errors included."""
        process = self.start(*words)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, out + err
        assert "Traceback" not in err
        return out + err

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run(*words, "--json", code=code))
        return told

    def output(self, name: str) -> str:
        return (self.folder / "nyx-out" / name).read_text()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, kept_home: Path) -> Iterator[tuple[Path, Api]]:
    folder = tmp_path_factory.mktemp("workflows")
    home = folder / "home"
    shutil.copytree(kept_home, home)
    dev = start_nyx("dev", "--json", "--port", "0", home=home, cwd=folder).wait_ready()
    api = Api(dev.ready["url"], dev.ready["token"])
    yield home, api
    api.close()
    dev.end()


@pytest.fixture
def bench(served: tuple[Path, Api], tmp_path: Path) -> Bench:
    return Bench(served[0], tmp_path, served[1])


def test_without_a_terminal_a_run_stops_with_the_commands_that_go_on_with_it(bench: Bench) -> None:
    told = bench.run("run", TEMPLATE, "--input", REQUEST, code=1)
    assert "✓ Analyse the request" in told
    commands = [line.split("workflow ")[1] for line in told.splitlines() if " workflow decide " in line]
    assert [line.split()[3] for line in commands] == ["approve", "edit", "reject"]
    (bench.folder / "nyx-out" / "review.md").write_text("It must print a sum.")
    gone_on = bench.run(*commands[1].partition("#")[0].split())
    assert "✓ Write the prompt" in gone_on
    assert "It must print a sum." in bench.output("generate.md")
    again = bench.run(*commands[2].split(), code=1)
    assert "was decided already: edit" in again


def test_on_a_terminal_the_decision_is_asked_for_and_an_edit_opens_the_editor(bench: Bench) -> None:
    editor = bench.folder / "editor"
    editor.write_text('#!/bin/sh\necho "Callers must be told." > "$1"\n')
    editor.chmod(0o755)
    ours, theirs = pty.openpty()
    environment = {"EDITOR": str(editor), "VISUAL": ""}
    process = bench.start(
        "run", TEMPLATE, "--input", REQUEST, stdin=theirs, stdout=theirs, environment=environment
    )
    os.close(theirs)
    shown = _until(ours, "decide later: ")
    assert "To be decided: Look at the analysis (review)" in shown
    assert REQUEST.split(".", maxsplit=1)[0] in shown
    os.write(ours, b"e\n")
    assert "Write the prompt" in _until(ours, "generate.md")
    assert process.wait(PATIENCE) == 0
    process.communicate()
    os.close(ours)
    assert "Callers must be told." in bench.output("generate.md")


def test_with_yes_waits_in_a_row_are_all_approved(bench: Bench) -> None:
    (bench.folder / "w.yaml").write_text(IN_A_ROW)
    told = bench.run("run", "w.yaml", "--input", REQUEST, "--yes")
    approved = [line.strip() for line in told.splitlines() if "approve: " in line]
    assert approved == ["approve: propose", "approve: first", "approve: second"]
    assert told.count("? first: waits") == told.count("✓ second") == 1


def test_each_decision_ends_at_the_next_wait_in_a_row(bench: Bench) -> None:
    (bench.folder / "w.yaml").write_text(IN_A_ROW)
    waits = bench.json("run", "w.yaml", "--input", REQUEST, code=1)
    for key, following, *which in [("propose", "first", "--alternative", "2"), ("first", "second")]:
        waits = bench.json("decide", waits["run"]["id"], key, "approve", *which, code=1)
        assert waits["error"]["code"] == "decision_needed" and f"on {following}." in waits["error"]["message"]
    assert bench.json("decide", waits["run"]["id"], "second", "approve")["run"]["status"] == "succeeded"
    assert bench.output("second.md") == bench.output("first.md") != ""


def test_on_a_terminal_each_wait_in_a_row_is_asked_for(bench: Bench) -> None:
    (bench.folder / "w.yaml").write_text(IN_A_ROW)
    ours, theirs = pty.openpty()
    process = bench.start("run", "w.yaml", "--input", REQUEST, stdin=theirs, stdout=theirs)
    os.close(theirs)
    for key, reply in [("propose", b"1\n"), ("first", b"a\n"), ("second", b"a\n")]:
        assert f"({key}) ──" in _until(ours, "decide later: ")
        os.write(ours, reply)
    _until(ours, "second.md")
    assert process.wait(PATIENCE) == 0
    process.communicate()
    os.close(ours)


def _until(terminal: int, text: str) -> str:
    shown = b""
    while text.encode() not in shown:
        assert select.select([terminal], [], [], PATIENCE)[0], shown.decode()
        shown += os.read(terminal, 4096)
    return shown.decode()


def test_with_yes_a_run_on_a_repository_leaves_its_outputs_and_its_report(bench: Bench) -> None:
    repository = bench.folder / "tree"
    repository.mkdir()
    (repository / "a.py").write_text("import subprocess\nsubprocess.call(input(), shell=True)\n")
    told = bench.json("run", "security-review", "--path", "tree", "--project", "Mine", "--yes")
    assert (told["run"]["status"], told["error"]) == ("succeeded", None)
    assert [step["status"] for step in told["steps"]] == ["succeeded"] * 6
    assert told["report"]["title"].startswith("Mine · Workflow · ")
    assert "`a.py`:2" in bench.output("facts.md")
    assert "a.py" in bench.output("report.md")
    assert (bench.folder / "nyx-out" / "report.pdf").read_bytes().startswith(b"%PDF-")


def _until_it_sleeps(process: subprocess.Popen[str]) -> None:
    """Wait until the process has waited for something for a while."""
    asleep = 0
    while asleep < 20:
        assert process.poll() is None
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        asleep = asleep + 1 if state == "S" else 0
        time.sleep(0.01)


def test_ctrl_c_cancels_the_run(bench: Bench) -> None:
    (bench.folder / "w.yaml").write_text(REVIEWED)
    ours, theirs = pty.openpty()
    process = bench.start("run", "w.yaml", stdin=theirs, stdout=theirs)
    os.close(theirs)
    run_id = _until(ours, "decide later: ").split()[1]
    _until_it_sleeps(process)  # between its prompt and its read, Python's own input() loses a signal
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    os.close(ours)
    assert process.returncode == 130
    assert "Stopped by Ctrl-C. The run is cancelled." in errors
    assert bench.api.get(f"/runs/{run_id}")["status"] == "cancelled"


def test_ctrl_c_as_soon_as_the_run_is_named_cancels_it(bench: Bench) -> None:
    (bench.folder / "w.yaml").write_text(REVIEWED)
    process = bench.start("run", "w.yaml")
    lines = iter(stream(process.stdout).readline, "")
    run_id = next(line.split()[1] for line in lines if line.startswith("run "))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Stopped by Ctrl-C. The run is cancelled." in errors
    assert bench.api.get(f"/runs/{run_id}")["status"] == "cancelled"


def test_the_same_file_runs_the_same_version_and_a_changed_one_the_next(bench: Bench) -> None:
    file = bench.folder / "w.yaml"
    file.write_text(REVIEWED.replace("Reviewed", "Versioned"))
    kept = bench.json("import", "w.yaml")["workflow"]
    assert bench.json("run", "w.yaml", "--yes")["run"]["workflowId"] == kept["id"]
    assert bench.api.get(f"/workflows/{kept['id']}")["version"] == 1
    file.write_text(file.read_text().replace("Show a review.", "Show another."))
    assert bench.json("import", "w.yaml")["workflow"]["version"] == 2


def test_a_run_that_fails_says_which_step_and_why(bench: Bench) -> None:
    (bench.folder / "w.yaml").write_text(
        "name: Poor\ngoal: Fail.\nsteps:\n  - {key: a, model: offline, retries: 0, prompt: x, outputSchema: "
        "{type: object, required: [no], properties: {no: {type: string, pattern: '^never$'}}}}\n"
    )
    told = bench.json("run", "w.yaml", code=1)
    assert (told["run"]["status"], told["error"]["code"]) == ("failed", "run_ended")
    assert "step a: " in told["error"]["message"]


def test_a_preview_shows_every_prompt_and_starts_no_run(bench: Bench) -> None:
    before = len(list(bench.api.items("/runs")))
    told = bench.run("preview", TEMPLATE, "--input", "Add \x1b[31m.")
    assert max(map(len, told.splitlines())) <= 80
    assert "You are a software architect." in told
    assert "\\x1b" in told or "U+001B" in told
    assert len(bench.json("preview", TEMPLATE, "--input", "x")["preview"]["steps"]) == 3
    assert len(list(bench.api.items("/runs"))) == before


def test_a_team_answers_alone_discusses_twice_and_a_judge_decides(bench: Bench) -> None:
    groups = bench.api.get("/personas")["groups"]
    ids = {card["key"]: card["id"] for group in groups for card in group["personas"]}
    members = [ids["data-engineer"], ids["test-engineer"]]
    bench.api.post("/teams", {"name": "Board", "personaIds": members})
    told = bench.json(
        "run", "team:Board", "--input", "How should totals be kept? They must stay exact to a cent."
    )
    assert told["run"]["status"] == "succeeded"
    assert [step["key"] for step in told["steps"]] == [
        *(f"{key}{suffix}" for suffix in ("", "-round-1", "-round-2") for key in ("data-engineer", "test-engineer")),
        "judge",
        "implement",
    ]  # fmt: skip
    alone, discussing = told["steps"][0]["prompt"], told["steps"][2]["prompt"]
    assert "steps.test-engineer" not in alone
    assert 'source="steps.test-engineer.content"' in discussing
    assert "says nothing about: Best approach" in bench.output("judge.md"), "two alike are no choice"
    assert "They must stay exact to a cent." in bench.output("implement.md")
    assert {card["uses"] for group in bench.api.get("/personas")["groups"] for card in group["personas"]
            if card["key"] in {"data-engineer", "test-engineer"}} == {3}  # fmt: skip


def test_a_workflow_leaves_and_comes_back_with_its_persona(bench: Bench, served: tuple[Path, Api]) -> None:
    persona = {"name": "Own one", "key": "own-one", "category": "other", "prompt": "You are our own."}
    bench.api.post("/personas", persona)
    (bench.folder / "w.yaml").write_text(
        "name: Travels\ngoal: Go.\nsteps: [{key: a, persona: own-one, prompt: 'Say {{input}}.'}]\n"
    )
    bench.run("import", "w.yaml")
    assert bench.run("export", "Travels", "--out", "bundle.yaml").strip() == "bundle.yaml"
    assert "You are our own." in (bench.folder / "bundle.yaml").read_text()
    assert "persona own-one: here already, as own-one" in bench.run("import", "bundle.yaml")
    assert bench.json("run", "bundle.yaml", "--input", "a word of thanks")["run"]["status"] == "succeeded"


def test_an_unknown_run_is_answered_with_those_that_wait_and_no_others(bench: Bench) -> None:
    (bench.folder / "w.yaml").write_text(REVIEWED)
    waits = bench.json("run", "w.yaml", code=1)["run"]["id"]
    ended = bench.json("run", "w.yaml", "--yes")["run"]["id"]
    unknown = ended[:-4] + "0000"
    told = bench.run("decide", unknown, "look", "approve", code=2)
    assert f"There is no run {unknown!r}. There wait: " in told
    assert waits in told and ended not in told.replace(unknown, "")

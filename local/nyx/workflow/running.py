"""A run of a workflow from the command line: started or gone on with, followed, decided, written down."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nyx.api import Api, Json
from nyx.errors import BadUsage, LocalError
from nyx.following import cancelled, ctrl_c_waits, shown_events
from nyx.live import printable
from nyx.projects import project_named, repository_at
from nyx.stack import Stack
from nyx.summary import command
from nyx.workflow import documents, results, reviewing
from nyx.workflow.progress import Steps
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.service import as_document

PROJECT = "workflows"


class DecisionNeeded(LocalError):
    """The run waits for a person, and nobody can be asked here; it goes on once somebody has decided."""

    code = "decision_needed"


class RunEnded(LocalError):
    """The run has ended, and not well; `problem_code` is the code of its error."""

    code = "run_ended"

    @classmethod
    def of(cls, run: Json) -> RunEnded:
        """What is said of this run."""
        told = run["error"]["message"] if run["error"] else f"the run ended as {run['status']}"
        return cls(f"{told}. What it came to is kept: GET /api/v1/runs/{run['id']}/steps")


@dataclass
class Outcome:
    """What `--json` prints of a run, whatever happened."""

    run: Json | None = None
    steps: list[Json] = field(default_factory=list)
    report: Json | None = None

    def as_json(self) -> Json:
        """Its members."""
        return {"run": self.run, "steps": self.steps, "report": self.report}


@dataclass(frozen=True)
class Manner:
    """How a run is followed.

    Attributes
    ----------
    out : the folder of results.
    yes : whether reviews are approved without asking.
    silent : whether nothing but the one JSON object is printed.
    """

    out: Path
    yes: bool
    silent: bool

    def say(self, text: str) -> None:
        """Print a line, unless nothing is to be printed."""
        if not self.silent:
            print(text, flush=True)


@dataclass(frozen=True)
class Session:
    """A command that has the stack: its API, what it is to leave behind, and how."""

    stack: Stack
    api: Api
    outcome: Outcome
    manner: Manner

    def start(self, workflow_id: str, given: object, *, path: Path | None, project: str | None) -> None:
        """Start a run and stay with it; Ctrl-C cancels it."""
        body: Json = {"kind": "workflow", "workflowId": workflow_id, "input": given}
        if path is None:
            body["projectId"] = project_named(self.api, project or PROJECT)["id"]
        else:
            repository = repository_at(self.api, path, project)
            body |= {"projectId": repository["projectId"], "repositoryId": repository["id"]}
        with self._ctrl_c_cancels():
            with ctrl_c_waits():
                self.outcome.run = self.api.post("/runs", body)
            self.manner.say(f"run {self.outcome.run['id']}")
            self._stay(new=True)

    def decide(self, step: str, decision: Json) -> None:
        """Decide what this step of the run waits for, and stay with the run; Ctrl-C cancels it."""
        with self._ctrl_c_cancels():
            with ctrl_c_waits():
                self.api.post(f"/runs/{self._run()['id']}/steps/{step}/decision", decision)
            self._stay()

    def _stay(self, *, new: bool = False) -> None:
        """Follow the run to its end, or to a decision that nobody here can take; write down what it leaves.

        A new one is shown from its first event. What was there before a decision was shown before.

        Raises
        ------
        DecisionNeeded : with the commands that decide.
        """
        run = self._run()
        steps = self.api.get(f"/workflows/{run['workflowId']}")["steps"]
        titles = {step["key"]: printable(step.get("title") or step["key"]) for step in steps}
        states = {} if new else {step["key"]: step["status"] for step in self._steps(run["id"])}
        view = Steps(sys.stdout, titles, states, silent=self.manner.silent)
        try:
            waiting = self._followed(run["id"], view, titles, after=0 if new else None)
        finally:
            view.close()
        files = self._collect()
        if waiting:
            raise DecisionNeeded(self._how_to_decide(waiting))
        self.manner.say("\n".join(["", *map(str, files)]))

    def _followed(
        self, run_id: str, view: Steps, titles: Mapping[str, str], *, after: int | None
    ) -> list[Json]:
        """The steps that wait for a decision which is not taken here; none once the run is done.

        Between two steps that wait one after the other the run stays `waiting`: only their own events tell of it.
        """
        for event in shown_events(self.stack, run_id, view, after=after):
            told = event.type in {"snapshot", "status", "step"} and event.data["status"] == "waiting"
            if told and self.api.get(f"/runs/{run_id}")["status"] == "waiting":
                view.pause()
                if undecided := self._decided(run_id, titles):
                    return undecided
        return []

    def _decided(self, run_id: str, titles: Mapping[str, str]) -> list[Json]:
        """Decide what waits; the steps for which that has to be later."""
        waiting = [step for step in self._steps(run_id) if step["status"] == "waiting"]
        for place, step in enumerate(waiting):
            decision: Json | None = {"decision": "approve"}
            if not self.manner.yes:
                if self.manner.silent or not reviewing.on_terminal():
                    return waiting
                decision = reviewing.decide(step, titles[step["key"]])
            if decision is None:
                return waiting[place:]
            if self.manner.yes and reviewing.answers_of(step):
                decision["alternative"] = 1
            self.api.post(f"/runs/{run_id}/steps/{step['key']}/decision", decision)
            self.manner.say(f"  {decision['decision']}: {titles[step['key']]}")
        return []

    def _how_to_decide(self, waiting: list[Json]) -> str:
        run = self._run()
        lines = [f"Run {run['id']} waits for a decision on {', '.join(step['key'] for step in waiting)}."]
        for step in waiting:
            file = self.manner.out / f"{step['key']}.md"
            if question := reviewing.question_of(step):
                lines += [f"{step['key']} asks:", *question]
            lines.append(f"What it is about is in {file}. To decide:")
            lines += [f"  {line}" for line in reviewing.commands(command(), run["id"], step, file)]
        return "\n".join(lines)

    def _collect(self) -> list[Path]:
        run = self.outcome.run = self.api.get(f"/runs/{self._run()['id']}")
        self.outcome.steps = self._steps(run["id"])
        files, self.outcome.report = results.write(self.api, run, self.outcome.steps, self.manner.out)
        return files

    @contextmanager
    def _ctrl_c_cancels(self) -> Iterator[None]:
        """Ctrl-C in this block cancels the run, unless it has ended, and keeps what it has come to."""
        try:
            yield
        except KeyboardInterrupt:
            if self.outcome.run is not None and self.outcome.run["finishedAt"] is None:
                self.outcome.run = cancelled(self.api, self.stack, self.outcome.run["id"])
                self._collect()
            raise

    def _steps(self, run_id: str) -> list[Json]:
        """Every step, whole: one that a list truncates is read by itself."""
        path = f"/runs/{run_id}/steps"
        return [
            self.api.get(f"{path}/{step['key']}") if step["truncated"] else step
            for step in self.api.items(path)
        ]

    def _run(self) -> Json:
        if self.outcome.run is None:
            raise LocalError("The run left no trace. Run the command again.")
        return self.outcome.run


def keep(api: Api, name: str, checked: documents.Checked, text: str) -> Json:
    """The workflow of a file as the service keeps it: made, brought up to date, or as it is already."""
    workflow = checked.workflow
    if workflow is None:
        raise BadUsage(f"{name!r} has flaws: `nyx workflow lint` tells them.")
    before = documents.stored(api, workflow.name)
    if checked.bundle:
        body = {"file": text, "workflowId": before["id"] if before else None}
        imported: Json = api.post("/workflows/import", body)["workflow"]
        return imported
    document = as_document(workflow)
    if before is None:
        return api.post("/workflows", document)
    if as_document(documents.definition(before)) == document:
        return before
    return api.put(f"/workflows/{before['id']}", document)


def analyses(workflow: Workflow) -> bool:
    """Whether a run needs a repository."""
    return any(step.type == "analysis" for step in workflow.steps)

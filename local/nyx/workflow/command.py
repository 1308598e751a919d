"""`nyx workflow …`: check, preview and run pipelines of prompts; decide what they wait for; pass them on."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

from nyx.api import Api, ApiRefused, Json
from nyx.command_line import INTERRUPTED
from nyx.errors import BadUsage, exit_code
from nyx.home import home_folder
from nyx.live import printable
from nyx.output import OutputFolder
from nyx.stack import Stack, open_stack
from nyx.workflow import documents, reviewing, running, telling, words
from nyx.workflow.given import given
from nyxcore.errors import NyxError
from nyxcore.workflows import bundle, templates
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.flaws import Flaw, WorkflowRefused, nearest
from nyxcore.workflows.service import as_document


@dataclass
class Told:
    """What `--json` prints, whatever happened: the command's own members, and the error."""

    members: Json = field(default_factory=dict)
    outcome: running.Outcome | None = None
    flaws: tuple[Flaw, ...] = ()

    def as_json(self, error: Json | None) -> str:
        """One line."""
        run = self.outcome.as_json() if self.outcome else {}
        flaws = {"flaws": [flaw.model_dump(mode="json", by_alias=True) for flaw in self.flaws]}
        return json.dumps(self.members | run | (flaws if self.flaws else {}) | {"error": error})


def run(argv: Sequence[str]) -> int:
    """Run `nyx workflow` with the words that follow it; returns the exit code (design, section 7)."""
    wants_json = "--json" in argv
    told, error, code = Told(), None, 0
    name = "workflow"
    try:
        arguments = words.parser().parse_args(argv)
        name = f"workflow {arguments.command}"
        code = _ACTIONS[arguments.command](arguments, told)
    except KeyboardInterrupt:
        ran = told.outcome.run if told.outcome else None
        ended = f" The run is {ran['status']}." if ran else ""
        error, code = {"code": "interrupted", "message": f"Stopped by Ctrl-C.{ended}"}, INTERRUPTED
    except NyxError as refused:
        told.flaws = refused.flaws if isinstance(refused, WorkflowRefused) else told.flaws
        error, code = {"code": refused.code, "message": refused.message}, exit_code(refused)
    if wants_json:
        print(told.as_json(error), flush=True)
    elif error is not None:
        print(f"nyx {name}: {error['message']}", file=sys.stderr)
    return code


@contextmanager
def _stack(arguments: argparse.Namespace) -> Iterator[tuple[Stack, Api]]:
    """The running stack; what it says of its start goes to stderr, since stdout is the command's."""

    def say(line: str) -> None:
        if not arguments.json_output:
            print(line, file=sys.stderr)

    with open_stack(home_folder(), on_status=say) as stack:
        api = Api(stack.url, stack.token)
        try:
            yield stack, api
        finally:
            api.close()


def _list(arguments: argparse.Namespace, told: Told) -> int:
    with _stack(arguments) as (_, api):
        kept = list(api.items("/workflows"))
        teams = list(api.items("/teams"))
    names = templates.names()
    told.members = {"templates": names, "workflows": kept, "teams": teams}
    if arguments.json_output:
        return 0
    print("Templates:")
    for name in names:
        print(f"  {name}")
        print("\n".join(telling.text_lines(f"    {templates.template(name).goal}")))
    if kept:
        print("\nWorkflows:")
        for row in kept:
            print(f"  {row['id']}  v{row['version']}  {printable(row['name'])}")
    if teams:
        print("\nTeams, to be run as team:NAME:")
        for team in teams:
            members = ", ".join(member["name"] for member in team["members"])
            print(f"  {printable(team['name'])}: {printable(members)}")
    return 0


def _show(arguments: argparse.Namespace, told: Told) -> int:
    document = documents.find_at_first(arguments.file)
    if document is not None:
        told.members = {"text": document.text}
    else:
        with _stack(arguments) as (_, api):
            kept = documents.kept(api, arguments.file)
        told.members = {"text": bundle.text_of(documents.definition(kept))}
    if not arguments.json_output:
        print(told.members["text"].rstrip())
    return 0


def _lint(arguments: argparse.Namespace, told: Told) -> int:
    document = documents.require(arguments.file)
    found = documents.check(document)
    told.flaws = found.flaws
    told.members = {
        "file": document.name, "flaws": [], "steps": len(found.workflow.steps) if found.workflow else None,
        "ownPersonas": list(found.own_personas),
    }  # fmt: skip
    if not arguments.json_output:
        print("\n".join(_lint_lines(document.name, found)))
    return 1 if found.flaws else 0


def _lint_lines(name: str, found: documents.Checked) -> Iterator[str]:
    yield from telling.flaw_lines(name, found.flaws)
    if found.workflow is None:
        count = len(found.flaws)
        yield f"{count} flaws." if count > 1 else "1 flaw."
    else:
        yield f"{name}: no flaws, {len(found.workflow.steps)} steps."
    for key in found.own_personas:
        close = nearest(key, documents.built_in_personas())
        yield f"The persona {printable(key)} is not built in: a run needs one of your own." + (
            f" Did you mean {close}?" if close else ""
        )


def _preview(arguments: argparse.Namespace, told: Told) -> int:
    told.members = {"preview": None}
    document = documents.find_at_first(arguments.file)
    workflow = _local(document)
    if workflow is not None:
        given(workflow, arguments.input, arguments.settings)  # a wrong input is told before anything starts
    with _stack(arguments) as (_, api):
        if workflow is None:
            workflow = documents.definition(documents.kept(api, arguments.file))
        body = {
            "workflow": as_document(workflow),
            "input": given(workflow, arguments.input, arguments.settings),
        }
        preview = api.post("/workflows/preview", body)
    told.members = {"preview": preview}
    if not arguments.json_output:
        print("\n".join(telling.preview_lines(workflow.name, preview)))
    return 0


def _run(arguments: argparse.Namespace, told: Told) -> int:
    told.outcome = running.Outcome()
    document = documents.find_at_first(arguments.file)
    checked = documents.checked(document) if document else None
    if checked is not None and checked.workflow is not None:
        given(checked.workflow, arguments.input, arguments.settings)
    path = _folder(arguments.path, checked.workflow if checked else None)
    OutputFolder(arguments.out).prepare()
    with _stack(arguments) as (stack, api):
        if document is not None and checked is not None:
            kept = running.keep(api, document.name, checked, document.text)
        else:
            kept = documents.kept(api, arguments.file)
        workflow = documents.definition(kept)
        _folder(arguments.path, workflow)
        if "id" not in kept:  # what a team does, not kept yet
            kept = running.keep(api, arguments.file, documents.Checked(workflow=workflow), "")
        value = given(workflow, arguments.input, arguments.settings)
        session = _session(arguments, stack, api, told.outcome)
        session.start(kept["id"], value, path=path, project=arguments.project)
    return _ended(told.outcome)


def _decide(arguments: argparse.Namespace, told: Told) -> int:
    if (arguments.decision == "edit") != (arguments.content is not None):
        raise BadUsage("edit takes the FILE whose text shall stand instead; approve and reject take none.")
    body: Json = {"decision": arguments.decision}
    if arguments.content is not None:
        body["content"] = documents.file_text(arguments.content)
    told.outcome = running.Outcome()
    OutputFolder(arguments.out).prepare()
    with _stack(arguments) as (stack, api):
        told.outcome.run = _run_named(api, arguments.run_id)
        step = api.get(f"/runs/{arguments.run_id}/steps/{arguments.step}")
        if (alternative := _alternative(arguments, step)) is not None:
            body["alternative"] = alternative
        _session(arguments, stack, api, told.outcome).decide(arguments.step, body)
    return _ended(told.outcome)


def _run_named(api: Api, run_id: str) -> Json:
    """The run of this id. Raises BadUsage where there is none, with the runs that wait."""
    try:
        run: Json = api.get(f"/runs/{run_id}")
        return run
    except ApiRefused as refused:
        if refused.answer != HTTPStatus.NOT_FOUND:
            raise
        runs = api.get("/runs", kind="workflow", status="waiting", limit="5")["items"]
        waiting = [each["id"] for each in runs]
        told = f"There wait: {', '.join(waiting)}." if waiting else "None waits in this home (NYX_HOME)."
        raise BadUsage(f"There is no run {run_id!r}. {told}") from refused


def _alternative(arguments: argparse.Namespace, step: Json) -> int | None:
    """Which of several answers is approved: the one named, the first with --yes, else what whoever is there says."""
    asks = arguments.decision == "approve" and step["status"] == "waiting" and reviewing.answers_of(step)
    if arguments.alternative is not None or not asks:
        named: int | None = arguments.alternative
        return named
    if arguments.yes:
        return 1
    return reviewing.pick(step) if reviewing.on_terminal() and not arguments.json_output else None


def _export(arguments: argparse.Namespace, told: Told) -> int:
    with _stack(arguments) as (_, api):
        name = arguments.file
        if name in templates.names() and documents.stored(api, name) is None:
            raise BadUsage(
                f"{name} is a template that comes along: `nyx workflow show {name}` prints it."
                " What is exported is a workflow that was run or imported, by its name or id in `nyx workflow list`."
            )
        kept = documents.kept(api, name)
        if "id" not in kept:
            raise BadUsage(f"{name} is not kept yet: run it once, then export it by its name.")
        text = api.content(f"/workflows/{kept['id']}/export", "application/yaml")
    told.members = {"text": text.decode()}
    if arguments.out is not None:
        OutputFolder(arguments.out.parent).write(arguments.out.name, text)
        told.members["file"] = str(arguments.out)
    if not arguments.json_output:
        print(arguments.out if arguments.out is not None else text.decode().rstrip())
    return 0


def _import(arguments: argparse.Namespace, told: Told) -> int:
    document = documents.require(arguments.file)
    checked = documents.checked(document)
    with _stack(arguments) as (_, api):
        told.members = (
            api.post("/workflows/import", {"file": document.text})
            if checked.bundle and checked.workflow
            else {"workflow": running.keep(api, document.name, checked, document.text), "personas": []}
        )
    if not arguments.json_output:
        workflow = told.members["workflow"]
        print(f"{printable(workflow['name'])}: version {workflow['version']}, {workflow['id']}")
        for persona in told.members["personas"]:
            what = "taken in" if persona["created"] else "here already"
            print(f"  persona {persona['key']}: {what}, as {persona['takenAs']}")
    return 0


def _local(document: documents.Document | None) -> Workflow | None:
    """The workflow of a file; None where the stack has to be asked. A bundle's personas have to be there."""
    if document is None:
        return None
    return documents.checked(document).workflow


def _folder(path: Path | None, workflow: Workflow | None) -> Path | None:
    """The repository's folder. Raises BadUsage where it is missing."""
    if path is None:
        if workflow is not None and running.analyses(workflow):
            raise BadUsage("This workflow analyses a repository: name its folder, for example --path .")
        return None
    folder = path.expanduser()
    if not folder.is_dir():
        raise BadUsage(f"--path {str(path)!r} is no folder. Give the folder of a repository.")
    return folder.resolve()


def _session(
    arguments: argparse.Namespace, stack: Stack, api: Api, outcome: running.Outcome
) -> running.Session:
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # that cancels the run too
    manner = running.Manner(arguments.out, yes=arguments.yes, silent=arguments.json_output)
    return running.Session(stack, api, outcome, manner)


def _ended(outcome: running.Outcome) -> int:
    """0 where the run has succeeded; raises RunEnded otherwise."""
    run = outcome.run
    if run is not None and run["status"] != "succeeded":
        raise running.RunEnded.of(run)
    return 0


_ACTIONS: Final[dict[str, Callable[[argparse.Namespace, Told], int]]] = {
    "list": _list,
    "show": _show,
    "lint": _lint,
    "preview": _preview,
    "run": _run,
    "decide": _decide,
    "export": _export,
    "import": _import,
}

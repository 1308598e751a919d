"""`nyx workflow …`: check, preview and run pipelines of prompts; decide what they wait for; pass them on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nyx.api import Api, Json
from nyx.command_line import INTERRUPTED, Parser
from nyx.errors import BadUsage, exit_code
from nyx.home import home_folder
from nyx.live import printable
from nyx.output import OutputFolder
from nyx.stack import Stack, open_stack
from nyx.workflow import documents, reviewing, running, telling
from nyx.workflow.given import given
from nyxcore.errors import NyxError
from nyxcore.workflows import bundle, templates
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.flaws import Flaw, WorkflowRefused, nearest
from nyxcore.workflows.service import as_document

_FILE = "a file of YAML or JSON, `-` for stdin, the name of a template"
_KEPT = f"{_FILE}, the name or id of a workflow that was run before, or team:NAME"


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
        arguments = _parser().parse_args(argv)
        name = f"workflow {arguments.command}"
        action: Callable[[argparse.Namespace, Told], int] = arguments.action
        code = action(arguments, told)
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


def _parser() -> Parser:
    parser = Parser(prog="nyx workflow", description=__doc__)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="list|show|lint|preview|run|decide|export|import"
    )

    def add(
        name: str, does: str, action: Callable[[argparse.Namespace, Told], int]
    ) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = commands.add_parser(name, help=does, description=does)
        command.add_argument(
            "--json", action="store_true", dest="json_output", help="one JSON object on stdout, nothing else"
        )
        command.set_defaults(action=action)
        return command

    add("list", "the templates that come along, and the workflows that were run before", _list)
    show = add("show", "print a workflow, to start from", _show)
    show.add_argument("file", metavar="NAME", help=_KEPT)
    lint = add("lint", "every flaw with its place, value and the nearest right name; starts nothing", _lint)
    lint.add_argument("file", metavar="FILE", help=_FILE)
    preview = add(
        "preview", "every prompt as it would be sent, with tokens and cost; no model is called", _preview
    )
    running_ = add("run", "run a workflow, ask where it waits for a person, and write down its outputs", _run)
    for command in (preview, running_):
        command.add_argument("file", metavar="FILE", help=_KEPT)
        command.add_argument("--input", metavar="TEXT|@FILE|-", help="what `{{input}}` stands for")
        command.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", dest="settings",
            help="a declared input; VALUE may be @FILE; a list is given by naming it several times",
        )  # fmt: skip
    running_.add_argument("--path", type=Path, metavar="REPOSITORY", help="the folder that analyses look at")
    running_.add_argument("--project", metavar="NAME", help="where the run belongs (the folder's name)")
    decide = add("decide", "decide what a run waits for, and follow it on", _decide)
    decide.add_argument("run_id", metavar="RUN", help="the run's id")
    decide.add_argument("step", metavar="STEP", help="the step's key")
    decide.add_argument("decision", choices=("approve", "reject", "edit"))
    decide.add_argument(
        "content", nargs="?", metavar="FILE", help="with edit: what shall stand instead, `-` for stdin"
    )
    decide.add_argument(
        "--alternative", type=int, metavar="NUMBER", help="with approve: which of several answers"
    )
    for command in (running_, decide):
        command.add_argument("--yes", action="store_true", help="approve whatever waits, without asking")
        command.add_argument(
            "--out", type=Path, default=reviewing.OUT, metavar="DIR", help="where the outputs go (nyx-out)"
        )
    export = add("export", "a workflow with its personas as one file", _export)
    export.add_argument("file", metavar="NAME", help="the name or id of a workflow")
    export.add_argument("--out", type=Path, metavar="FILE", help="where it goes (stdout)")
    importing = add("import", "take in a file that export has written", _import)
    importing.add_argument("file", metavar="FILE", help="the file, `-` for stdin")
    return parser


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
    width = max(map(len, names))
    print("Templates:")
    for name in names:
        print(f"  {name:{width}}  {templates.template(name).goal[: 76 - width]}")
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
    document = documents.find(arguments.file)
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
    document = documents.find(arguments.file)
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
    document = documents.find(arguments.file)
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
    if arguments.alternative is not None:
        body["alternative"] = arguments.alternative
    told.outcome = running.Outcome()
    OutputFolder(arguments.out).prepare()
    with _stack(arguments) as (stack, api):
        told.outcome.run = api.get(f"/runs/{arguments.run_id}")
        api.post(f"/runs/{arguments.run_id}/steps/{arguments.step}/decision", body)
        _session(arguments, stack, api, told.outcome).stay()
    return _ended(told.outcome)


def _export(arguments: argparse.Namespace, told: Told) -> int:
    with _stack(arguments) as (_, api):
        kept = documents.kept(api, arguments.file)
        if "id" not in kept:
            raise BadUsage(f"{arguments.file} is not kept yet: run it once, then export it by its name.")
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
    manner = running.Manner(arguments.out, yes=arguments.yes, silent=arguments.json_output)
    return running.Session(stack, api, outcome, manner)


def _ended(outcome: running.Outcome) -> int:
    """0 where the run has succeeded; raises RunEnded otherwise."""
    run = outcome.run
    if run is not None and run["status"] != "succeeded":
        raise running.RunEnded.of(run)
    return 0

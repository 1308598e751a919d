"""`nyx fix PATH`: the main job on a folder, through the embedded stack's own API."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from nyx.api import Api, ApiRefused, Json
from nyx.errors import BadUsage, LocalError, ToolMissing
from nyx.events import follow
from nyx.home import home_folder
from nyx.live import View, view_for
from nyx.output import OutputFolder
from nyx.stack import Stack, open_stack
from nyx.summary import summary
from nyxcore.errors import NyxError

INTERRUPTED = 130


@dataclass
class Outcome:
    """What `--json` prints, whatever happened (design, section 7)."""

    run: Json | None = None
    findings: list[Json] = field(default_factory=list)
    fixes: list[Json] = field(default_factory=list)
    report: Json | None = None
    error: dict[str, str] | None = None

    def as_json(self) -> str:
        """One line."""
        return json.dumps(
            {
                "run": self.run,
                "findings": self.findings,
                "fixes": self.fixes,
                "report": self.report,
                "error": self.error,
            }
        )


@dataclass(frozen=True)
class Arguments:
    """The command line of `nyx fix`."""

    path: Path
    out: Path
    json_output: bool
    unsafe: bool
    apply: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadUsage(f"{message}. Usage: {self.format_usage().removeprefix('usage: ').strip()}")


def parser() -> argparse.ArgumentParser:
    """The options of `nyx fix`."""
    parser = _Parser(
        prog="nyx fix", description="Scan a folder, fix what can be fixed and verified, and report."
    )
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="folder to look at; it is not changed without --apply"
    )
    parser.add_argument(
        "--json", action="store_true", dest="json_output", help="one JSON object on stdout, nothing else"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("nyx-out"), metavar="DIR", help="where the results go (nyx-out)"
    )
    parser.add_argument(
        "--unsafe", action="store_true", help="also fixes that may change behaviour in rare cases"
    )
    parser.add_argument("--apply", action="store_true", help="apply the verified patch to PATH at the end")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; the exit code is that of design, section 7."""
    wants_json = "--json" in argv
    outcome = Outcome()
    try:
        arguments = Arguments(**vars(parser().parse_args(argv)))
        code = _fix(_checked(arguments), outcome)
    except KeyboardInterrupt:
        outcome.error = {"code": "interrupted", "message": f"Stopped by Ctrl-C.{_standing(outcome.run)}"}
        code = INTERRUPTED
    except NyxError as error:
        outcome.error = {"code": error.code, "message": error.message}
        code = error.exit_code if isinstance(error, LocalError) else 1
    if wants_json:
        print(outcome.as_json(), flush=True)
    elif outcome.error and code:
        print(f"nyx fix: {outcome.error['message']}", file=sys.stderr)
        if code == 1:
            logs = home_folder() / "logs"
            where = f" What the parts wrote is in {logs}." if logs.is_dir() else ""
            print(f"`nyx doctor` looks for what may be missing on this machine.{where}", file=sys.stderr)
    return code


def fix_folder(path: Path, *, out: Path, view: View, stack: Stack, outcome: Outcome, unsafe: bool) -> None:
    """Run the pipeline on `path`, follow it to its end, fetch the results into `outcome` and `out`."""
    api = Api(stack.url, stack.token)
    try:
        repository = _repository(api, path)
        try:
            with _ctrl_c_waits():
                outcome.run = api.post(
                    "/runs",
                    {
                        "kind": "auto-fix",
                        "projectId": repository["projectId"],
                        "repositoryId": repository["id"],
                        "options": {"unsafe": unsafe},
                    },
                )
            run_id = outcome.run["id"]
            _watch(stack, run_id, view)
        except KeyboardInterrupt:
            if outcome.run is not None:
                outcome.run = _cancelled(api, stack, outcome.run["id"])
                _collect(api, outcome.run["id"], outcome, OutputFolder(out))
            raise
        finally:
            view.close()
        outcome.run = api.get(f"/runs/{run_id}")
        _collect(api, run_id, outcome, OutputFolder(out))
        if outcome.report is not None:
            view.note("Printing the report …")
            _print(api, str(outcome.report["id"]), OutputFolder(out))
    finally:
        api.close()


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Ctrl-C takes effect at the end of this block, so that a run that is being made can be cancelled.

    A second one does not wait.
    """
    came: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if came:
            signal.default_int_handler(number, frame)
        came.append(number)

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _checked(arguments: Arguments) -> Arguments:
    path = arguments.path.expanduser()
    if not path.exists():
        raise BadUsage(f"There is no {str(path)!r}. Give the folder of a repository, for example: nyx fix .")
    if not path.is_dir():
        raise BadUsage(f"{str(path)!r} is a file. nyx fix takes the folder of a repository.")
    if arguments.apply and shutil.which("git") is None:
        raise ToolMissing("--apply needs git, and none is on the PATH. Install git, or leave --apply out.")
    OutputFolder(arguments.out).prepare()
    return Arguments(path.resolve(), arguments.out, arguments.json_output, arguments.unsafe, arguments.apply)


def _fix(arguments: Arguments, outcome: Outcome) -> int:
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    say = (lambda _: None) if arguments.json_output else print
    with open_stack(home_folder(), on_status=say) as stack:
        view = view_for(sys.stdout, json_output=arguments.json_output)
        try:
            fix_folder(
                arguments.path,
                out=arguments.out,
                view=view,
                stack=stack,
                outcome=outcome,
                unsafe=arguments.unsafe,
            )
        finally:
            view.close()
    if outcome.run is None:
        raise LocalError("The run left no trace. Run nyx fix again.")
    if outcome.run["status"] != "succeeded":
        outcome.error = outcome.run["error"] or {
            "code": outcome.run["status"],
            "message": f"The run ended as {outcome.run['status']}.",
        }
        return 1
    applied = arguments.apply and _apply(arguments.path, arguments.out / "fixes.patch")
    if not arguments.json_output:
        print(
            summary(
                outcome.run,
                outcome.findings,
                outcome.fixes,
                path=arguments.path,
                out=arguments.out,
                applied=applied,
            )
        )
    return 0


def _repository(api: Api, path: Path) -> Json:
    """The repository of this folder: the one of an earlier run, so that what is known of it is used again."""
    name = path.name or "root"
    project = next((p for p in api.items("/projects") if p["name"] == name), None)
    if project is None:
        project = api.post("/projects", {"name": name})
    repositories = f"/projects/{project['id']}/repositories"
    for repository in api.items(repositories):
        if repository["source"] == "path" and repository["path"] == str(path):
            return repository
    return api.post(repositories, {"source": "path", "name": name, "path": str(path)})


def _watch(stack: Stack, run_id: str, view: View) -> None:
    def on_reconnect(reason: str) -> None:
        stack.check()  # it will not come back when the command that held it is gone
        view.note(reason)

    for event in follow(stack.url, stack.token, run_id, on_reconnect=on_reconnect):
        view.event(event.type, event.data)


def _cancelled(api: Api, stack: Stack, run_id: str) -> Json:
    """Cancel the run and wait for its `done`; a second Ctrl-C gives up waiting."""
    with suppress(ApiRefused):  # it ended by itself a moment before
        api.post(f"/runs/{run_id}/cancel")
    for _ in follow(stack.url, stack.token, run_id, on_reconnect=lambda _: None):
        continue
    return api.get(f"/runs/{run_id}")


def _collect(api: Api, run_id: str, outcome: Outcome, out: OutputFolder) -> None:
    outcome.findings = list(api.items(f"/runs/{run_id}/findings"))
    outcome.fixes = list(api.items(f"/runs/{run_id}/fixes"))
    reports: list[dict[str, Any]] = list(api.items(f"/runs/{run_id}/reports"))
    if reports:
        outcome.report = api.get(f"/reports/{reports[0]['id']}")
        for name in (
            "report.pdf",
            "fixes.patch",
        ):  # of an earlier run: they would seem to belong to this report
            out.remove(name)
        out.write("report.md", api.content(f"/reports/{reports[0]['id']}", "text/markdown"))
    if outcome.run and outcome.run["status"] == "succeeded":
        out.write("fixes.patch", api.content(f"/runs/{run_id}/patch", "text/x-diff"))


def _print(api: Api, report_id: str, out: OutputFolder) -> None:
    """The report as PDF. The run has ended, and well: what goes wrong here is told and takes nothing away."""
    try:
        out.write("report.pdf", api.pdf(report_id))
    except ApiRefused as error:
        print(f"nyx fix: the report was not printed: {error.message}", file=sys.stderr)


def _standing(run: Json | None) -> str:
    """How things stand with a run when the command was stopped."""
    if run is None:
        return ""
    if run["status"] == "succeeded":
        return " The run was done by then: `nyx report pdf` prints what it has reported."
    return f" The run is {run['status']}."


def _apply(path: Path, patch: Path) -> bool:
    """Apply the patch to the folder; git checks every line of context first and changes all or nothing."""
    if patch.stat().st_size == 0:
        return False
    # The ceiling keeps git from taking PATH for a subfolder of some repository above it, which would
    # make it look for the files from there and silently skip them.
    done = subprocess.run(
        [shutil.which("git") or "git", "apply", "--whitespace=nowarn", str(patch.resolve())],
        cwd=path,
        env={"GIT_CEILING_DIRECTORIES": str(path.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalError(
            f"The patch was made but not applied, since the folder changed meanwhile: {done.stderr.strip()[:300]}. "
            "Run nyx fix again."
        )
    return True

"""`nyx report list|show|pdf`: the reports that earlier runs have left in this home."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nyx.api import Api, ApiRefused, Json
from nyx.errors import BadUsage
from nyx.home import home_folder
from nyx.live import printable
from nyx.output import OutputFolder
from nyx.stack import open_stack
from nyxcore.reports.models import LANGUAGES, STYLES
from nyxcore.reports.naming import report_file_name

_NEWEST: Final = "latest"


@dataclass(frozen=True)
class Asked:
    """Which report: an id or `latest`, and the style and language to see it in."""

    report: str
    style: str | None
    language: str | None


def run(argv: Sequence[str]) -> int:
    """Run `nyx report` with the words that follow it; returns the exit code (design, section 7)."""
    arguments = _parser().parse_args(argv)
    action: Callable[[Api, argparse.Namespace], int] = arguments.action
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr)  # noqa: E731 - stdout is the report's
    with open_stack(home_folder(), on_status=say) as stack:
        api = Api(stack.url, stack.token)
        try:
            return action(api, arguments)
        finally:
            api.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nyx report", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|show|pdf")
    listing = commands.add_parser("list", help="every report, newest first")
    listing.add_argument("--project", metavar="NAME", help="those of one project alone")
    listing.add_argument("--style", choices=STYLES, help="those of one style alone")
    listing.add_argument("--json", action="store_true", dest="json_output", help="a JSON list on stdout")
    listing.set_defaults(action=_list)
    show = commands.add_parser("show", help="a report's Markdown")
    show.set_defaults(action=_show)
    printing = commands.add_parser("pdf", help="a report as PDF")
    printing.add_argument("--out", type=Path, metavar="FILE", help="where it goes (nyx-out/<title>.pdf)")
    printing.add_argument("--paper", choices=("A4", "Letter"), default="A4")
    printing.set_defaults(action=_pdf)
    for command in (show, printing):
        command.add_argument(
            "report",
            nargs="?",
            default=_NEWEST,
            metavar="REPORT",
            help="id of a report; the newest without it",
        )
        command.add_argument(
            "--style", choices=STYLES, help="its run in this style; written now if there is none"
        )
        command.add_argument("--language", choices=LANGUAGES, help="and in this language")
    return parser


def _list(api: Api, arguments: argparse.Namespace) -> int:
    rows = list(_listed(api, arguments.project, arguments.style))
    if arguments.json_output:
        print(json.dumps(rows))
        return 0
    if not rows:
        print("There is no report yet: `nyx fix PATH` makes one.")
        return 0
    for row in rows:
        made = row["createdAt"][:16].replace("T", " ")
        about = f"{row['style']:9}  {row['language']}  v{row['version']}"
        print(f"{row['id']}  {made}  {about}  {printable(row['title'])}")
    return 0


def _listed(api: Api, project: str | None, style: str | None) -> Iterator[Json]:
    wanted = {"style": style} if style else {}
    if project is not None:
        found = next((each for each in api.items("/projects") if each["name"] == project), None)
        if found is None:
            raise BadUsage(f"there is no project {project!r}; `nyx report list` shows the reports of all")
        wanted["projectId"] = str(found["id"])
    return api.items("/reports", **wanted)


def _show(api: Api, arguments: argparse.Namespace) -> int:
    report = _wanted(api, Asked(arguments.report, arguments.style, arguments.language))
    sys.stdout.buffer.write(api.content(f"/reports/{report['id']}", "text/markdown"))
    return 0


def _pdf(api: Api, arguments: argparse.Namespace) -> int:
    if arguments.out is not None:
        _check(arguments.out)
    report = _wanted(api, Asked(arguments.report, arguments.style, arguments.language))
    out: Path = arguments.out or Path("nyx-out") / report_file_name(report["title"], report["style"], "pdf")
    folder = OutputFolder(out.parent)
    if arguments.out is None:
        folder.prepare()
    folder.write(out.name, api.pdf(str(report["id"]), arguments.paper))
    print(out)
    return 0


def _check(out: Path) -> None:
    """Before anything is printed: `out` can be the name of a file."""
    if out.is_dir():
        raise BadUsage(f"--out {str(out)!r} is a folder. Give the name of a file in it.")
    if not out.parent.is_dir():
        raise BadUsage(f"--out {str(out)!r}: there is no folder {str(out.parent)!r}. Make it first.")


def _wanted(api: Api, asked: Asked) -> Json:
    """The report; in another style or language than it has, the newest of its run, written now if need be."""
    report = _named(api, asked.report)
    style, language = asked.style or report["style"], asked.language or report["language"]
    if (report["style"], report["language"]) == (style, language):
        return report
    of_run = f"/runs/{report['runId']}/reports"
    for other in api.items(of_run):
        if (other["style"], other["language"]) == (style, language):
            return other
    return api.post(of_run, {"style": style, "language": language})


def _named(api: Api, name: str) -> Json:
    if name != _NEWEST:
        try:
            return api.get(f"/reports/{name}")
        except ApiRefused as error:
            raise BadUsage(f"{error.message}; `nyx report list` shows those there are") from error
    newest = next(api.items("/reports"), None)
    if newest is None:
        raise BadUsage("there is no report yet: `nyx fix PATH` makes one")
    return newest

"""What a run leaves in the folder of results: a file for each step's output, and its report."""

from __future__ import annotations

import sys
from pathlib import Path

from nyx.api import Api, ApiRefused, Json
from nyx.output import OutputFolder


def write(api: Api, run: Json, steps: list[Json], folder: Path) -> tuple[list[Path], Json | None]:
    """Write `<step>.md` for each output, and report.md and report.pdf where a report was written.

    Returns the files, and the report without its content; None where there is none.
    """
    out = OutputFolder(folder)
    out.prepare()
    report = next(api.items(f"/runs/{run['id']}/reports"), None)
    names = {}
    for step in steps:
        if step["output"] is not None and step["status"] in {"succeeded", "waiting"}:
            # a step that happens to be called report, beside the report that another has written
            taken = report is not None and step["key"] == "report" and step["type"] != "report"
            names["report-step.md" if taken else f"{step['key']}.md"] = (
                f"{step['output'].removesuffix('\n')}\n".encode()
            )
    if report is not None:
        names["report.md"] = api.content(f"/reports/{report['id']}", "text/markdown")
    for name, content in names.items():
        out.write(name, content)
    written = [folder / name for name in names]
    if report is not None and run["status"] == "succeeded":
        written += _printed(api, report, out, folder)
    return written, report


def _printed(api: Api, report: Json, out: OutputFolder, folder: Path) -> list[Path]:
    """The report as PDF. The run has ended, and well: what goes wrong here is told and takes nothing away."""
    try:
        out.write("report.pdf", api.pdf(report["id"]))
    except ApiRefused as error:
        print(f"nyx workflow: the report was not printed: {error.message}", file=sys.stderr)
        return []
    return [folder / "report.pdf"]

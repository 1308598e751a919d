"""docs/aws.md says of every function what the template says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[3] / "docs/aws.md"
HEADER = """\
| function | handler | layers | memory, MB | timeout, s | side of the database |
| --- | --- | --- | --- | --- | --- |
"""


def row(name: str, function: dict[str, Any]) -> str:
    handler = function["Handler"].removesuffix(".handler")
    layers = ", ".join(layer["Ref"][:-10].removesuffix("Layer") for layer in function["Layers"])
    side = "inside" if "VpcConfig" in function else "**outside**"
    return (
        f"| {name} | `{handler}` | {layers} | {function['MemorySize']} | {function['Timeout']} | {side} |\n"
    )


def test_the_table_of_the_functions_is_what_the_template_says(functions: dict[str, Any]) -> None:
    http = ["ApiFunction", "AuthorizerFunction", "StreamFunction", "SweepFunction", "MigrateFunction"]
    tasks = ["Fetch", "Scan", "Detect", "Verify", "Combine", "Report", "Finish", "Fail"]
    order = http + [f"AutoFix{task}Function" for task in tasks]
    order += sorted(functions.keys() - set(order))
    table = HEADER + "".join(row(name, functions[name]) for name in order)
    assert f"{table}\n" in DOCUMENT.read_text(), f"the table in docs/aws.md should be\n\n{table}"


def test_the_prices_of_a_stream_are_those_of_the_memory_that_is_deployed(functions: dict[str, Any]) -> None:
    told = DOCUMENT.with_name("streaming.md").read_text()
    memory = {name: function["MemorySize"] for name, function in functions.items()}
    stream = memory["StreamFunction"]
    hour = stream / 1024 * 3600 * 0.0000166667
    assert f"`StreamFunction` has {stream} MB" in told
    assert f"| held, {stream} MB, x86, as deployed |" in told and f"| ${hour:.4f} |" in told
    assert f"| **{stream}** | {stream / 1769:.0%} |" in told
    api, authorizer = memory["ApiFunction"], memory["AuthorizerFunction"]
    assert f"`ApiFunction`, {api:,} MB, and `AuthorizerFunction`, {authorizer} MB" in " ".join(told.split())

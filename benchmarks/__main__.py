"""`make bench`: every figure of benchmarks/README.md, as Markdown rows."""

from benchmarks import auto_fix
from benchmarks.processes import import_cpu_seconds

IMPORTS = {"api.handler": 500, "pipelines.auto_fix.scan": 350, "pipelines.auto_fix.combine": 350}


def main() -> None:
    """Print the table."""
    print("| what | measured | target |\n| --- | --- | --- |", flush=True)
    for module, budget in IMPORTS.items():
        took = import_cpu_seconds(module) * 1000
        print(f"| import {module} | {took:.0f} ms of CPU | ≤ {budget} ms |", flush=True)
    for what, figure, target in auto_fix.measure():
        print(f"| {what} | {figure} | {target} |", flush=True)


main()

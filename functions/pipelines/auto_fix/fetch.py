"""Task of the auto-fix pipeline: fetch. No database on this side of the wall."""

from nyxcore.pipelines.auto_fix.fetch import fetch
from nyxcore.pipelines.auto_fix.keys import TaskInput


def handler(event: dict[str, object], _context: object) -> None:
    """Read the source and upload manifest and packs."""
    fetch(TaskInput.model_validate(event))

"""Task of the auto-fix pipeline: finish."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.finish import finish
from nyxcore.pipelines.auto_fix.keys import TaskInput


def handler(event: dict[str, object], _context: object) -> None:
    """End the run, and start what waits for its place."""
    finish(database(), TaskInput.model_validate(event))

"""Task of the auto-fix pipeline: fail."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.finish import fail
from nyxcore.pipelines.auto_fix.keys import TaskInput


def handler(event: dict[str, object], _context: object) -> None:
    """End the run, and start what waits for its place."""
    fail(database(), TaskInput.model_validate(event))

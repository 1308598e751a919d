"""Task of the auto-fix pipeline: combine."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.combine import combine
from nyxcore.pipelines.auto_fix.keys import TaskInput


def handler(event: dict[str, object], _context: object) -> None:
    """Run the task; its documents are in S3 and Postgres."""
    combine(database(), TaskInput.model_validate(event))

"""Task of the auto-fix pipeline: detect."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.detect import detect
from nyxcore.pipelines.auto_fix.keys import TaskInput


def handler(event: dict[str, object], _context: object) -> None:
    """Run the task; its documents are in S3 and Postgres."""
    detect(database(), TaskInput.model_validate(event))

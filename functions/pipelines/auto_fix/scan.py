"""Task of the auto-fix pipeline: scan."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.keys import TaskInput
from nyxcore.pipelines.auto_fix.scan import scan


def handler(event: dict[str, object], _context: object) -> dict[str, list[int]]:
    """Run the task; its documents are in S3 and Postgres."""
    return scan(database(), TaskInput.model_validate(event))

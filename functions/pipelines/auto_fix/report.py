"""Task of the auto-fix pipeline: report."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.keys import TaskInput
from nyxcore.pipelines.auto_fix.report import report


def handler(event: dict[str, object], _context: object) -> None:
    """Run the task; its documents are in S3 and Postgres."""
    report(database(), TaskInput.model_validate(event))

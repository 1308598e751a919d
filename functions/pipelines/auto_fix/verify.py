"""Task of the auto-fix pipeline: verify."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.keys import TaskInput
from nyxcore.pipelines.auto_fix.verify import verify


def handler(event: dict[str, object], _context: object) -> None:
    """Run the task; its documents are in S3 and Postgres."""
    verify(database(), TaskInput.model_validate(event))

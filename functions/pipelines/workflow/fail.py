"""Task of the workflow pipeline: fail."""

from nyxcore.db.connection import database
from nyxcore.pipelines.workflow.tasks import WorkflowTask, fail
from pipelines.task import task

handler = task(lambda given: fail(database(), given), WorkflowTask)

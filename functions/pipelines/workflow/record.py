"""Task of the workflow pipeline: record."""

from nyxcore.db.connection import database
from nyxcore.pipelines.workflow.tasks import WorkflowTask, record
from pipelines.task import task

handler = task(lambda given: record(database(), given), WorkflowTask)

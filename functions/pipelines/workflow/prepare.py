"""Task of the workflow pipeline: prepare."""

from nyxcore.db.connection import database
from nyxcore.pipelines.workflow.tasks import WorkflowTask, prepare
from pipelines.task import task

handler = task(lambda given: prepare(database(), given), WorkflowTask)

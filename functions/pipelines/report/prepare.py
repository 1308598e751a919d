"""Task of the report pipeline: prepare."""

from nyxcore.db.connection import database
from nyxcore.pipelines.report.tasks import prepare
from pipelines.task import task

handler = task(lambda given: prepare(database(), given))

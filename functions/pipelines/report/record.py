"""Task of the report pipeline: record."""

from nyxcore.db.connection import database
from nyxcore.pipelines.report.tasks import record
from pipelines.task import task

handler = task(lambda given: record(database(), given))

"""Task of the report pipeline: fail."""

from nyxcore.db.connection import database
from nyxcore.pipelines.failing import fail
from pipelines.task import task

handler = task(lambda given: fail(database(), given))

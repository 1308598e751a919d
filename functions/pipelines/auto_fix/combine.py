"""Task of the auto-fix pipeline: combine."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.combine import combine
from pipelines.task import task

handler = task(lambda given: combine(database(), given))

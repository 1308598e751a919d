"""Task of the auto-fix pipeline: verify."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.verify import verify
from pipelines.task import task

handler = task(lambda given: verify(database(), given))

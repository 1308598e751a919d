"""Task of the auto-fix pipeline: finish."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.finish import finish
from pipelines.task import task

handler = task(lambda given: finish(database(), given))

"""Task of the auto-fix pipeline: report."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.report import report
from pipelines.task import task

handler = task(lambda given: report(database(), given))

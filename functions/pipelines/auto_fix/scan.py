"""Task of the auto-fix pipeline: scan."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.scan import scan
from pipelines.task import task

handler = task(lambda given: scan(database(), given))

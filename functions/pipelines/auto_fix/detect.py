"""Task of the auto-fix pipeline: detect."""

from nyxcore.db.connection import database
from nyxcore.pipelines.auto_fix.detect import detect
from pipelines.task import task

handler = task(lambda given: detect(database(), given))

"""Last task of the pipelines that are one execution a run: end the run as failed, with the reason."""

from nyxcore.db.connection import database
from nyxcore.pipelines.failing import fail
from pipelines.task import task

handler = task(lambda given: fail(database(), given))

"""Task of the pdf pipeline: prepare."""

from nyxcore.db.connection import database
from nyxcore.pipelines.pdf.prepare import prepare
from pipelines.task import task

handler = task(lambda given: prepare(database(), given))

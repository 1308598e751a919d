"""Task of the pdf pipeline: finish."""

from nyxcore.db.connection import database
from nyxcore.pipelines.pdf.finish import finish
from pipelines.task import task

handler = task(lambda given: finish(database(), given))

"""Task of the auto-fix pipeline: fetch. No database on this side of the wall."""

from nyxcore.pipelines.auto_fix.fetch import fetch
from pipelines.task import task

handler = task(fetch)

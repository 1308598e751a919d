"""Prepare: the document becomes a finished page in S3, which the printer takes; it has no way to Postgres."""

from __future__ import annotations

import hashlib
from typing import TypedDict

from nyxcore.db.connection import Database
from nyxcore.errors import NotFound
from nyxcore.pages.service import print_job
from nyxcore.pipelines.task import TaskInput
from nyxcore.reports import page
from nyxcore.reports.pdf import PdfInput
from nyxcore.runs import repository, service
from nyxcore.storage import objects


class Printing(TypedDict):
    """What the printer is given: the key of the page, and that of the PDF."""

    source: str
    target: str


def prepare(db: Database, task: TaskInput) -> Printing:
    """Lay the document out and store its page.

    Raises
    ------
    RunFinished : the run ended meanwhile.
    NotFound : the run or its report is gone, or the Markdown is no longer kept.
    """
    tenant_id, run_id = task.tenant_id, task.run_id
    with db.transaction(tenant_id) as connection:
        row = repository.get(connection, tenant_id, run_id)
        if row is None:
            raise NotFound(f"there is no run {run_id}")
        wanted = PdfInput.model_validate(row["input"])
        document = page.document(connection, tenant_id, wanted)
        service.phase_started(connection, tenant_id, run_id, "rendering", 1, "documents")
    job = print_job(document)
    source = objects.page_key(tenant_id, f"{hashlib.sha256(job).hexdigest()}.json")
    objects.put(source, job, content_type="application/json", tag=objects.DAY_TAG)
    return {"source": source, "target": wanted.target}

"""Fetch: a folder or an archive becomes a manifest and packs in S3. This task has no way to Postgres."""

from __future__ import annotations

import tempfile
from pathlib import Path

from nyxcore.errors import SourceRefused
from nyxcore.pipelines.auto_fix.keys import MANIFEST
from nyxcore.pipelines.task import TaskInput
from nyxcore.settings import settings
from nyxcore.sources.archive import read_archive
from nyxcore.sources.folder import read_folder
from nyxcore.sources.packs import build
from nyxcore.sources.walk import Listing
from nyxcore.storage import objects

MAX_ARCHIVE_BYTES = 1 << 30


def fetch(task: TaskInput) -> None:
    """Read the source and upload what the other tasks work on.

    Raises
    ------
    SourceRefused : the source cannot be taken; the message says why.
    """
    with tempfile.TemporaryDirectory(prefix="nyx-fetch-") as folder:
        work = Path(folder)
        out = work / "packs"
        out.mkdir()
        manifest = build(_listing(task, work), out)
        for pack in manifest.packs:
            for name in (pack.name, pack.entries):
                objects.put_file(task.key(f"source/{name}"), out / name, tag=objects.DAY_TAG)
        objects.put(task.key(MANIFEST), manifest.to_json().encode(), tag=objects.DAY_TAG)


def _listing(task: TaskInput, work: Path) -> Listing:
    source = task.source
    match source.get("type"):
        case "path" if settings().deployment == "embedded":
            return read_folder(Path(source["path"]))
        case "archive":
            archive = work / "archive"
            _check_size(source["key"])
            try:
                objects.download(source["key"], archive)
            except KeyError:
                raise SourceRefused("The uploaded archive is gone from storage. Upload it again.") from None
            unpacked = work / "unpacked"
            unpacked.mkdir()
            return read_archive(archive, unpacked)
        case other:
            raise SourceRefused(
                f"This deployment cannot fetch a source of type {other!r}. Upload an archive instead."
            )


def _check_size(key: str) -> None:
    """Refuse what is too large before any of it takes room on the disk: a link without `bytes` takes 5 GB."""
    size = objects.size(key)
    if size is not None and size > MAX_ARCHIVE_BYTES:
        raise SourceRefused(
            f"The uploaded archive has {size:,} bytes; at most {MAX_ARCHIVE_BYTES:,} are taken. Leave out what is"
            " not source code."
        )

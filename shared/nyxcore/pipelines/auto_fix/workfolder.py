"""The folder that a task works in, and what it brings there from S3."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from nyxcore.analysis.models import REFERENCE, SourceFile
from nyxcore.pipelines.auto_fix.keys import MANIFEST, PLAN, Plan
from nyxcore.pipelines.task import TaskInput
from nyxcore.sources.models import Entry, Kind, Manifest, read_entries
from nyxcore.sources.packs import read_pack, unpack
from nyxcore.storage import objects


class WorkFolder:
    """One task's scratch space: `tree/` holds files of the repository, beside it stand records."""

    def __init__(self, task: TaskInput, root: Path) -> None:
        self._task = task
        self.root = root
        self.tree = root / "tree"
        self.tree.mkdir()

    def manifest(self) -> Manifest:
        """The manifest that fetch wrote."""
        return Manifest.from_json(objects.get(self._task.key(MANIFEST)).decode())

    def plan(self) -> Plan:
        """The plan that scan wrote."""
        return Plan.model_validate_json(objects.get(self._task.key(PLAN)))

    def entries(self, manifest: Manifest, pack: int) -> list[Entry]:
        """What is in one pack."""
        name = manifest.packs[pack].entries
        path = self.root / name
        if not path.exists():
            objects.download(self._task.key(f"source/{name}"), path)
        return list(read_entries(path))

    def read(self, manifest: Manifest, pack: int) -> Iterator[tuple[str, bytes]]:
        """Path and content of each file of a pack; none of them is written to disk."""
        archive = self._bring_pack(manifest, pack)
        yield from read_pack(archive)
        archive.unlink()

    def unpack(self, manifest: Manifest, pack: int) -> list[SourceFile]:
        """Bring one pack's files into `tree/`; they are as the engine takes them."""
        archive = self._bring_pack(manifest, pack)
        unpack(archive, self.tree)
        archive.unlink()
        return [source_file(entry) for entry in self.entries(manifest, pack)]

    def _bring_pack(self, manifest: Manifest, pack: int) -> Path:
        name = manifest.packs[pack].name
        archive = self.root / name
        objects.download(self._task.key(f"source/{name}"), archive)
        return archive

    def bring(self, key: str, name: str) -> Path:
        """An earlier task's record, unzipped. Raises KeyError when there is none."""
        zipped, path = self.root / f"{name}.gz", self.root / name
        objects.download(key, zipped)
        with gzip.open(zipped) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
        zipped.unlink()
        return path

    def keep(self, path: Path, key: str) -> None:
        """Store a record of this task, zipped, for a month: an unchanged file is not looked at twice."""
        zipped = path.with_name(path.name + ".gz")
        with path.open("rb") as source, gzip.open(zipped, "wb", compresslevel=1) as target:
            shutil.copyfileobj(source, target)
        objects.put_file(key, zipped, tag=objects.MONTH_TAG)
        zipped.unlink()


@contextmanager
def work_folder(task: TaskInput) -> Iterator[WorkFolder]:
    """A new folder that is gone after the task, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="nyx-task-", ignore_cleanup_errors=True) as folder:
        yield WorkFolder(task, Path(folder))


def source_file(entry: Entry) -> SourceFile:
    """An entry of the manifest as the engine takes it."""
    language = entry.language if entry.kind is Kind.SOURCE and entry.language else REFERENCE
    return SourceFile(entry.path, entry.sha256, str(language))


def own_record(work: WorkFolder, plan: Plan, task: TaskInput, name: str, pack: int) -> Path:
    """The record called `name` that an earlier task of this run left for a pack."""
    record = f"{name}-{pack:04d}"
    return work.bring(plan.known_key(task.tenant_id, task.run_id, record), record)


def known_records(work: WorkFolder, plan: Plan, task: TaskInput, name: str) -> Sequence[Path]:
    """The records called `name` that earlier runs left, without those that were never written or let go."""
    earlier = [(run.run_id, run.packs) for run in reversed(plan.retried)]  # of two records the later counts
    if plan.known_run is not None:
        earlier.insert(0, (plan.known_run, plan.known_packs))
    found = []
    for run_id, packs in earlier:
        for pack in range(packs):
            key = plan.known_key(task.tenant_id, run_id, f"{name}-{pack:04d}")
            with suppress(KeyError):
                found.append(work.bring(key, f"known-{run_id}-{name}-{pack}"))
    return found

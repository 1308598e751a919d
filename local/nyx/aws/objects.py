"""Objects of moto's S3 on disk: written through, there again after a restart, never kept in memory.

`data/` holds the bytes under random names, `index/` one small JSON file an object that names its bytes. An
object changes when its index file is replaced, so that a kill at any moment leaves the old or the new one.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

_RETENTION: Final = re.compile(r"(\d+)d")  # value of the tag `retention`, as the bucket's lifecycle has it


class Body:
    """Bytes of one object in a file: the part of a SpooledTemporaryFile that moto uses.

    Closing removes the file, unless an object of the store refers to it (`kept`).
    """

    def __init__(self, path: Path, *, kept: bool = False) -> None:
        self.path, self.kept = path, kept
        self._position = 0

    def seek(self, position: int) -> None:
        """Where the next read or write begins."""
        self._position = position

    def truncate(self) -> None:
        """Forget the bytes."""
        if not self.kept:
            self.path.unlink(missing_ok=True)

    def write(self, data: bytes) -> int:
        """Append; an object without bytes has no file."""
        if data:
            with self.path.open("ab") as file:
                file.write(data)
            self._position += len(data)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes from where the last read ended."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._position)
                data = file.read(size)
        except FileNotFoundError:
            return b""
        self._position += len(data)
        return data

    def close(self) -> None:
        """Called by moto when it has no more use for the bytes."""
        if not self.kept:
            self.path.unlink(missing_ok=True)


class ObjectStore:
    """The objects of one moto backend.

    Parameters
    ----------
    root : folder of the objects; made when it is not there.
    """

    def __init__(self, root: Path) -> None:
        self._data, self._index = root / "data", root / "index"
        self._data.mkdir(parents=True, exist_ok=True)
        self._index.mkdir(exist_ok=True)
        self._lock = threading.Lock()
        self._bodies: dict[tuple[str, str], Body] = {}
        self._backend: Any = None

    def attach(self, models: Any, backend: Any) -> None:
        """Let moto's S3 keep its bytes here, and give it the objects of earlier runs (not their bytes)."""
        models.tempfile = SimpleNamespace(SpooledTemporaryFile=lambda _size=0: self._new_body())
        self._backend = backend
        used = {self._restore(path, models.FakeKey) for path in sorted(self._index.glob("*.json"))}
        for path in self._data.iterdir():
            if path.name not in used:
                path.unlink()  # written, and killed before an object referred to it

    def sync(self, bucket: str, key: str) -> None:
        """Write down what moto now has under this key, or that it has nothing."""
        with self._lock:
            found = self._find(bucket, key)
            path = self._index / f"{_digest(bucket, key)}.json"
            before = self._bodies.get((bucket, key))
            if found is None:
                path.unlink(missing_ok=True)
                self._bodies.pop((bucket, key), None)
            else:
                body: Body = found._value_buffer
                body.kept = True
                partial = path.with_suffix(f".{uuid.uuid4().hex}")
                partial.write_text(json.dumps(self._described(bucket, found)))
                partial.replace(path)
                self._bodies[bucket, key] = body
            if before is not None and self._bodies.get((bucket, key)) is not before:
                before.kept = False
                before.close()

    def sync_bucket(self, bucket: str) -> None:
        """`sync` of every key that was deleted, after a request that names many."""
        with self._lock:
            known = [key for owner, key in self._bodies if owner == bucket]
        for key in known:
            if self._find(bucket, key) is None:
                self.sync(bucket, key)

    def expire(self, now: datetime) -> int:
        """Remove objects whose tag `retention=<days>d` says so, as the bucket's lifecycle does; how many."""
        removed = 0
        with self._lock:
            known = list(self._bodies)
        for bucket, key in known:
            found = self._find(bucket, key)
            if found is not None and self._over(found, now):
                self._backend.delete_object(bucket, key)
                self.sync(bucket, key)
                removed += 1
        return removed

    def _new_body(self) -> Body:
        return Body(self._data / uuid.uuid4().hex)

    def _find(self, bucket: str, key: str) -> Any:
        held = self._backend.buckets.get(bucket)
        return held.keys.get(key) if held else None

    def _over(self, found: Any, now: datetime) -> bool:
        tags = self._backend.tagger.get_tag_dict_for_resource(found.arn)
        days = _RETENTION.fullmatch(tags.get("retention", ""))
        made = found.last_modified.replace(tzinfo=now.tzinfo)
        return days is not None and made + timedelta(days=int(days[1])) <= now

    def _described(self, bucket: str, found: Any) -> dict[str, Any]:
        return {
            "bucket": bucket,
            "key": found.name,
            "data": found._value_buffer.path.name,
            "size": found.size,
            "etag": found.etag.strip('"'),
            "modified": found.last_modified.isoformat(),
            "metadata": dict(found.metadata),
            "storage": found.storage_class,
            "checksum": [found.checksum_algorithm, found.checksum_value],
            "tags": self._backend.tagger.get_tag_dict_for_resource(found.arn),
        }

    def _restore(self, path: Path, fake_key: Any) -> str:
        """Give moto one object; the name of the file with its bytes."""
        try:
            told = json.loads(path.read_text())
            bucket = self._backend.buckets[told["bucket"]]
        except (ValueError, KeyError):
            path.unlink()  # half a file, or of a bucket that is no more
            return ""
        restored = fake_key(
            name=told["key"],
            value=b"",
            account_id=self._backend.account_id,
            region_name=self._backend.region_name,
            storage=told["storage"],
            etag=told["etag"],
            version_id="null",
            bucket_name=told["bucket"],
            checksum_value=told["checksum"][1],
        )
        restored._value_buffer = Body(self._data / told["data"], kept=True)
        restored.contentsize = told["size"]
        restored.last_modified = datetime.fromisoformat(told["modified"])
        restored.checksum_algorithm = told["checksum"][0]
        restored.set_metadata(told["metadata"])
        bucket.keys.setlist(told["key"], [restored])
        if told["tags"]:
            tags = self._backend.tagger.convert_dict_to_tags_input(told["tags"])
            self._backend.tagger.tag_resource(restored.arn, tags)
        self._bodies[told["bucket"], told["key"]] = restored._value_buffer
        return str(told["data"])


def _digest(bucket: str, key: str) -> str:
    return hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()

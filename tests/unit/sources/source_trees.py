"""Trees, archives and what became of them, for the tests of nyxcore.sources."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from nyxcore.errors import SourceRefused
from nyxcore.sources.archive import read_archive
from nyxcore.sources.models import Entry, Manifest, read_entries
from nyxcore.sources.packs import build, unpack
from nyxcore.sources.walk import Listing, Node, TooLarge, Tree, Type, walk

type Files = Mapping[str, bytes | str]


def write_tree(root: Path, files: Files) -> Path:
    """Write `files` (path to content) below `root`; a path that ends in a slash is an empty folder."""
    root.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        target = root / path
        if path.endswith("/"):
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


class MemoryTree(Tree):
    """A repository of which nothing stands on disk: thousands of files in no time."""

    def __init__(self, files: Files) -> None:
        self.files = {p.encode(): c.encode() if isinstance(c, str) else c for p, c in files.items()}

    def list(self, folder: bytes) -> list[Node]:
        inside = folder + b"/" if folder else b""
        names = [path.removeprefix(inside).partition(b"/") for path in self.files if path.startswith(inside)]
        return [*{Node(name, Type.FOLDER if slash else Type.FILE) for name, slash, _ in names}]

    def read(self, path: bytes, limit: int) -> bytes:
        if len(self.files[path]) > limit:
            raise TooLarge
        return self.files[path]


def listing_of(files: Files) -> Listing:
    """What a walk finds in a repository of these files."""
    tree = MemoryTree(files)
    return walk(tree, tree.list(b""), [])


def tar_member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """A member for `write_tar`; `fields` are attributes of TarInfo."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def write_tar(
    path: Path, members: list[tuple[tarfile.TarInfo, bytes]], *, layout: int = tarfile.PAX_FORMAT
) -> Path:
    """Write a tar, gzipped unless the name ends in .tar."""
    mode = "w" if path.suffix == ".tar" else "w:gz"
    with tarfile.open(path, mode, format=layout) as tar:  # type: ignore[call-overload]
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def write_zip(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    """Write a deflated zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def pack_all(path: Path, files: Files, *, under: str = "") -> Path:
    """Write `files` as the archive that the suffix of `path` asks for."""
    found = [(under + name, text.encode() if isinstance(text, str) else text) for name, text in files.items()]
    if path.suffix == ".zip":
        return write_zip(path, [*found])
    return write_tar(path, [tar_member(name, content) for name, content in found])


def entries(manifest: Manifest, out: Path) -> dict[str, Entry]:
    """Every entry of the manifest's packs, by path, in their order."""
    return {entry.path: entry for pack in manifest.packs for entry in read_entries(out / pack.entries)}


def built(listing: Listing, out: Path) -> dict[str, Entry]:
    """Build and give the entries by path."""
    return entries(build(listing, out), out)


def sources(listing: Listing, out: Path) -> list[str]:
    """Paths of what would be scanned."""
    return [path for path, entry in built(listing, out).items() if entry.kind == "source"]


def zip_headers(
    name: bytes, content: bytes, *, offset: int, flags: int = 0, size: int | None = None
) -> tuple[bytes, bytes]:
    """Local and central header of a stored member, with a size that may lie."""
    import zlib

    told = len(content) if size is None else size
    crc = zlib.crc32(content)
    local = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, flags, 0, 0, 0x21, crc, len(content), told, len(name), 0
    )
    central = struct.pack(
        "<4s6H3L5H2L",
        b"PK\x01\x02",
        20,
        20,
        flags,
        0,
        0,
        0x21,
        crc,
        len(content),
        told,
        len(name),
        0,
        0,
        0,
        0,
        0,
        offset,
    )
    return local + name + content, central + name


def raw_zip(members: list[tuple[bytes, bytes]], *, flags: int = 0) -> bytes:
    """A zip of stored members whose names are any bytes."""
    body = directory = b""
    for name, content in members:
        local, central = zip_headers(name, content, offset=len(body), flags=flags)
        body += local
        directory += central
    return end_of_zip(body, directory, len(members))


def end_of_zip(body: bytes, directory: bytes, count: int) -> bytes:
    """`body`, the central directory, and the record that ends a zip."""
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def snapshot(folder: Path) -> set[str]:
    """Every name below `folder`, without following links."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def nothing_outside(tmp_path: Path, archive: Path) -> None:
    """Read, build and unpack what can be; only work, out and into may have changed."""
    before = snapshot(tmp_path)
    try:
        manifest = build(read_archive(archive, tmp_path / "work"), tmp_path / "out")
        for pack in manifest.packs:
            unpack(tmp_path / "out" / pack.name, tmp_path / "into")
    except SourceRefused as error:
        assert error.message.startswith("The archive ")
    allowed = ("work", "out", "into")
    assert {path for path in snapshot(tmp_path) - before if path.partition("/")[0] not in allowed} == set()
    assert before <= snapshot(tmp_path)
    links = [path for name in allowed for path in (tmp_path / name).rglob("*") if path.is_symlink()]
    assert links == []

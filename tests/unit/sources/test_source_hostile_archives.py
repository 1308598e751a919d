"""Archives made to do harm, and archives that are broken: a clear refusal or a note, and nothing outside."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from source_trees import (
    end_of_zip,
    nothing_outside,
    pack_all,
    raw_zip,
    sources,
    tar_member,
    write_tar,
    write_zip,
    zip_headers,
)

from nyxcore.errors import SourceRefused
from nyxcore.sources import archive as archives
from nyxcore.sources import streams, tar_format
from nyxcore.sources.archive import read_archive
from nyxcore.sources.models import Reason
from nyxcore.sources.packs import build

WAYS_OUT = [
    "../evil.py",
    "p/../../evil.py",
    "p/..",
    "..",
    "/evil.py",
    "//evil.py",
    "/tmp/evil.py",
    "C:\\evil.py",
    "C:/evil.py",
    "c:evil.py",
    "..\\evil.py",
    "p\\..\\..\\evil.py",
    "\\\\server\\share\\evil.py",
]


@pytest.mark.parametrize("kind", ["x.tar", "x.tgz", "x.zip"])
def test_a_member_that_leads_out_is_refused_by_its_name(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "deep/er" / kind
    archive.parent.mkdir(parents=True)
    for name in WAYS_OUT:
        if kind == "x.zip":
            archive.write_bytes(raw_zip([(b"p/a.py", b""), (name.encode(), b"x")]))
        else:
            write_tar(archive, [tar_member("p/a.py"), tar_member(name, b"x")])
        nothing_outside(tmp_path, archive)
        with pytest.raises(SourceRefused, match="leads out of it") as refused:
            read_archive(archive, tmp_path / "work")
        assert repr(name) in refused.value.message


LINKS: list[list[tuple[tarfile.TarInfo, bytes]]] = [
    [tar_member("p/a", type=tarfile.SYMTYPE, linkname="/etc"), tar_member("p/a/passwd.py", b"x")],
    [tar_member("p/a", type=tarfile.SYMTYPE, linkname="../../.."), tar_member("p/a/evil.py", b"x")],
    [tar_member("p/a.py", type=tarfile.SYMTYPE, linkname="../../evil.py"), tar_member("p/a.py", b"x")],
    [tar_member("p/a.py", type=tarfile.LNKTYPE, linkname="/etc/passwd"), tar_member("p/b.py", b"x")],
    [tar_member("p/a.py", type=tarfile.LNKTYPE, linkname="../../../etc/passwd"), tar_member("p/b.py", b"x")],
    [tar_member("p", type=tarfile.SYMTYPE, linkname="."), tar_member("p/p/p/a.py", b"x")],
]  # fmt: skip


@pytest.mark.parametrize("members", LINKS)
def test_links_are_never_made_and_never_followed(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    archive = write_tar(tmp_path / "x.tar", members)
    nothing_outside(tmp_path, archive)
    manifest = build(read_archive(archive, tmp_path / "work"), tmp_path / "out")
    assert manifest.totals.files <= 1
    assert Reason.LINK in manifest.skipped or any("twice" in note for note in manifest.notes)


def test_a_link_in_a_zip_is_counted_and_not_made(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("p/a.py")
    link.external_attr = 0o120777 << 16
    archive = write_zip(tmp_path / "x.zip", [(link, b"/etc/passwd"), ("p/b.py", b"x")])
    nothing_outside(tmp_path, archive)
    manifest = build(read_archive(archive, tmp_path / "work"), tmp_path / "out")
    assert manifest.skipped[Reason.LINK].examples == ["a.py"]
    assert manifest.totals.files == 1


def test_devices_and_pipes_are_counted_and_not_made(tmp_path: Path) -> None:
    special = [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
    members = [tar_member(f"p/{i}.py", type=kind, devmajor=1, devminor=3) for i, kind in enumerate(special)]
    fifo = zipfile.ZipInfo("p/f.py")
    fifo.external_attr = 0o010666 << 16
    for archive, count in [
        (write_tar(tmp_path / "x.tar", [*members, tar_member("p/a.py")]), 3),
        (write_zip(tmp_path / "x.zip", [(fifo, b""), ("p/a.py", b"")]), 1),
    ]:
        nothing_outside(tmp_path, archive)
        listing = read_archive(archive, tmp_path / "work")
        assert listing.tally.reasons[Reason.SPECIAL].count == count
        assert sources(listing, tmp_path / "out") == ["a.py"]


def test_sparse_members_are_not_unfolded(tmp_path: Path) -> None:
    sparse = tar_member(
        "p/a.py", b"x = 1\n", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.realsize": str(1 << 60)}
    )
    listing = read_archive(write_tar(tmp_path / "x.tar", [sparse, tar_member("p/b.py")]), tmp_path / "work")
    assert sources(listing, tmp_path / "out") == ["b.py"]
    assert listing.tally.reasons[Reason.SPECIAL].count == 1


@pytest.mark.parametrize("kind", ["x.tar", "x.zip"])
def test_names_that_no_patch_can_carry_are_skipped_with_a_note(tmp_path: Path, kind: str) -> None:
    names = [b"p/a.py", b"p/\xff.py", b"p/new\nline.py", b"p/back\\slash.py", b"p/" + b"x" * 5000 + b".py"]
    names.append(b"p/" + b"d/" * 300 + b"x.py")
    if kind == "x.zip":
        (tmp_path / kind).write_bytes(raw_zip([(name, b"") for name in names], flags=0x800))
    else:
        decoded = [os.fsdecode(name) for name in names]
        with tarfile.open(tmp_path / kind, "w", format=tarfile.GNU_FORMAT) as tar:
            for name in decoded:
                tar.addfile(tarfile.TarInfo(name))
    nothing_outside(tmp_path, tmp_path / kind)
    listing = read_archive(tmp_path / kind, tmp_path / "work")
    manifest = build(listing, tmp_path / "out")
    assert sources(listing, tmp_path / "out") == ["a.py"]
    assert manifest.skipped[Reason.BAD_NAME].count == 5
    assert any("not UTF-8" in note for note in manifest.notes)


def gzip_bomb(path: Path, size: int) -> Path:
    """A tar.gz whose one member is `size` zero bytes."""
    info, _ = tar_member("p/a.bin")
    info.size = size
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        file.write(deflate.compress(info.tobuf()))
        piece = bytes(1 << 20)
        for _ in range(size >> 20):
            file.write(deflate.compress(piece))
        file.write(deflate.compress(tar_format.END) + deflate.flush())
    return path


def test_a_gzip_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    archive = gzip_bomb(tmp_path / "x.tgz", 120 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(SourceRefused, match=r"200 times its .* bytes, as only a decompression bomb does"):
            read_archive(archive, tmp_path / "work")
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    nothing_outside(tmp_path, archive)


def test_a_bomb_behind_the_end_of_the_tar_is_refused_too(tmp_path: Path) -> None:
    tar = pack_all(tmp_path / "x.tar", {"p/a.py": ""}).read_bytes()
    (tmp_path / "x.tgz").write_bytes(gzip.compress(tar) + gzip.compress(bytes(101 << 20), 1))
    with pytest.raises(SourceRefused, match="decompression bomb"):
        read_archive(tmp_path / "x.tgz", tmp_path / "work")


def test_a_member_that_claims_more_than_the_limit_is_refused_unread(tmp_path: Path) -> None:
    info, _ = tar_member("p/a.bin")
    for size in (3 << 30, 1 << 40):  # the second takes GNU's base 256
        info.size = size
        (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
        with pytest.raises(SourceRefused, match="more than 2 GiB"):
            read_archive(tmp_path / "x.tar", tmp_path / "work")


def test_highly_compressible_source_below_the_limit_is_no_bomb(tmp_path: Path) -> None:
    archive = pack_all(tmp_path / "x.tgz", {"p/a.py": "x = 1\n" * 100_000, "p/b.txt": bytes(20 << 20)})
    assert sources(read_archive(archive, tmp_path / "work"), tmp_path / "out") == ["a.py"]


def test_a_zip_bomb_is_refused_by_what_it_claims(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "x.zip", [(f"p/{i}.bin", bytes(21 << 20)) for i in range(5)])
    with pytest.raises(SourceRefused, match="decompression bomb"):
        read_archive(archive, tmp_path / "work")


def test_overlapping_members_of_a_zip_are_refused(tmp_path: Path) -> None:
    local, central = zip_headers(b"p/a.py", b"x = 1\n", offset=0)
    _, second = zip_headers(b"p/b.py", b"x = 1\n", offset=0)
    (tmp_path / "x.zip").write_bytes(end_of_zip(local, central + second, 2))
    with pytest.raises(SourceRefused, match=r"overlap \('p/a.py' and 'p/b.py'\)"):
        read_archive(tmp_path / "x.zip", tmp_path / "work")


@pytest.mark.parametrize("told", [1, 100, 900_000])
def test_a_zip_header_that_lies_about_the_size_is_refused(tmp_path: Path, told: int) -> None:
    local, central = zip_headers(b"p/a.py", b"x = 12345\n", offset=0, size=told)
    (tmp_path / "x.zip").write_bytes(end_of_zip(local, central, 1))
    with pytest.raises(SourceRefused, match=r"'p/a\.py' does not hold what its header says"):
        read_archive(tmp_path / "x.zip", tmp_path / "work")


def test_a_deflated_member_that_unfolds_to_more_than_it_claims_is_refused_early(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "x.zip", [("p/a.py", bytes(64 << 20))])
    data = archive.read_bytes()
    small = data.replace(struct.pack("<L", 64 << 20), struct.pack("<L", 900_000))
    archive.write_bytes(small)
    tracemalloc.start()
    try:
        with pytest.raises(SourceRefused, match="does not hold what its header says"):
            read_archive(archive, tmp_path / "work")
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


def test_content_that_does_not_match_its_checksum_is_refused(tmp_path: Path) -> None:
    data = raw_zip([(b"p/a.py", b"x = 1\n")]).replace(b"x = 1\n", b"x = 2\n")
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(SourceRefused, match="does not hold what its header says"):
        read_archive(tmp_path / "x.zip", tmp_path / "work")


def test_a_member_packed_to_far_more_than_its_size_is_refused_unread(tmp_path: Path) -> None:
    local, central = zip_headers(b"p/a.py", b"x" * 5000, offset=0, size=10)
    (tmp_path / "x.zip").write_bytes(end_of_zip(local, central, 1))
    with pytest.raises(SourceRefused, match="packed to far more than its size"):
        read_archive(tmp_path / "x.zip", tmp_path / "work")


def test_a_central_directory_that_runs_over_its_end_is_refused(tmp_path: Path) -> None:
    local, central = zip_headers(b"p/a.py", b"x", offset=0)
    central = central[:32] + struct.pack("<H", 500) + central[34:]  # a comment that is not there
    (tmp_path / "x.zip").write_bytes(end_of_zip(local, central, 1))
    with pytest.raises(SourceRefused, match="damaged central directory"):
        read_archive(tmp_path / "x.zip", tmp_path / "work")


def test_an_encrypted_member_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(raw_zip([(b"p/a.py", b"x")], flags=1))
    with pytest.raises(SourceRefused, match=r"is encrypted \('p/a.py' is\); pack it without a password"):
        read_archive(tmp_path / "x.zip", tmp_path / "work")


@pytest.mark.parametrize("kind", ["x.tar", "x.zip"])
def test_more_files_than_the_limit_are_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_FILES", 50)
    exact = pack_all(tmp_path / kind, {f"p/{i}.py": "" for i in range(50)})
    assert len(sources(read_archive(exact, tmp_path / "work"), tmp_path / "out")) == 50
    more = pack_all(tmp_path / kind, {f"p/{i}.txt": "" for i in range(51)})
    with pytest.raises(SourceRefused, match="holds more than 50 files, the most that is taken"):
        read_archive(more, tmp_path / "work")


def test_folders_are_limited_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FOLDERS", 50)
    archive = pack_all(
        tmp_path / "x.tar", {f"p/{'/'.join('d' * 20)}/{i}/{'/'.join('e' * 20)}/a.py": "" for i in range(3)}
    )
    with pytest.raises(SourceRefused, match="holds more than 50 folders"):
        read_archive(archive, tmp_path / "work")


def test_a_path_too_deep_takes_no_memory_for_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_FOLDERS", 50)
    archive = pack_all(tmp_path / "x.tar", {f"p/{'d/' * 300}{i}.py": "" for i in range(9)} | {"p/a.py": ""})
    listing = read_archive(archive, tmp_path / "work")
    assert sources(listing, tmp_path / "out") == ["a.py"]
    assert listing.tally.reasons[Reason.BAD_NAME].count == 9
    assert max(len(example) for example in listing.tally.reasons[Reason.BAD_NAME].examples) < 210


def test_a_hundred_thousand_is_the_limit() -> None:
    assert (archives.MAX_FILES, streams.MAX_UNPACKED, streams.MAX_RATIO) == (100_000, 2 << 30, 200)


def test_nested_archives_are_not_opened(tmp_path: Path) -> None:
    inner = pack_all(tmp_path / "inner.zip", {"../evil.py": "x"}).read_bytes()
    listing = read_archive(
        pack_all(tmp_path / "x.zip", {"p/inner.zip": inner, "p/a.py": ""}), tmp_path / "work"
    )
    assert sources(listing, tmp_path / "out") == ["a.py"]
    assert listing.tally.reasons[Reason.NOT_SOURCE].count == 1


def test_an_extension_header_of_any_size_is_not_read_into_memory(tmp_path: Path) -> None:
    info, _ = tar_member("pax", type=tarfile.XHDTYPE)
    info.size = 1 << 30
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    (tmp_path / "x.tgz").write_bytes(
        deflate.compress(info.tobuf()) + deflate.compress(bytes(1 << 20)) + deflate.flush()
    )
    with pytest.raises(SourceRefused, match="header of 1,073,741,824 bytes"):
        read_archive(tmp_path / "x.tgz", tmp_path / "work")


@pytest.mark.parametrize(
    "record",
    [
        b"99999 path=a\n",
        b"x path=a\n",
        b"0 path=a\n",
        b"-5 path=a\n",
        b"10 size=-1\n",
        b"30 size=" + b"9" * 21 + b"\n",
    ],
)
def test_an_extension_header_that_lies_is_refused(tmp_path: Path, record: bytes) -> None:
    info, _ = tar_member("pax", type=tarfile.XHDTYPE)
    info.size = len(record)
    data = info.tobuf() + record.ljust(512, b"\0") + tar_member("p/a.py")[0].tobuf() + tar_format.END
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(SourceRefused, match="extension header"):
        read_archive(tmp_path / "x.tar", tmp_path / "work")


CONTENT = {"p/a.py": "x = 1\n" * 300, "p/b/c.py": "y = 2\n", "p/d.txt": "text" * 500, "p/é.md": "# e\n"}


@pytest.mark.parametrize("kind", ["x.tar", "x.tgz", "x.zip"])
def test_an_archive_cut_off_anywhere_is_refused(tmp_path: Path, kind: str) -> None:
    whole = pack_all(tmp_path / kind, CONTENT).read_bytes()
    end = (
        len(whole) if kind != "x.tar" else whole.rindex(b"# e\n") + 500
    )  # the end marker is zeros to the last
    for length in sorted({*range(0, end, max(end // 60, 1)), end - 1}):
        (tmp_path / kind).write_bytes(whole[:length])
        with pytest.raises(SourceRefused):
            read_archive(tmp_path / kind, tmp_path / "work")


@pytest.mark.parametrize("kind", ["x.tar", "x.tgz", "x.zip"])
def test_an_archive_with_any_byte_changed_is_read_or_refused_and_harms_nothing(
    tmp_path: Path, kind: str
) -> None:
    whole = bytearray(pack_all(tmp_path / kind, CONTENT).read_bytes())
    rng = random.Random(7)
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        (tmp_path / kind).write_bytes(broken)
        nothing_outside(tmp_path, tmp_path / kind)


def test_a_damaged_gzip_checksum_is_refused(tmp_path: Path) -> None:
    archive = pack_all(tmp_path / "x.tgz", CONTENT)
    data = bytearray(archive.read_bytes())
    data[-6] ^= 1
    archive.write_bytes(data)
    with pytest.raises(SourceRefused, match="damaged gzip data"):
        read_archive(archive, tmp_path / "work")


FRAGMENTS: list[Callable[[random.Random], bytes]] = [
    lambda rng: bytes(512),
    lambda rng: rng.randbytes(512),
    lambda rng: tar_member(
        rng.choice([*WAYS_OUT, "p/a.py", "p/b/"]), type=rng.choice(b"0125679xgLKSVD").to_bytes()
    )[0].tobuf(),
    lambda rng: tar_member("p/a.py", b"x" * rng.randrange(2000))[0].tobuf(),
    lambda rng: b"20 path=../evil.py\n\n".ljust(512, b"\0"),
]


def test_tars_put_together_at_random_harm_nothing(tmp_path: Path) -> None:
    rng = random.Random(11)
    for _ in range(60):
        file = io.BytesIO()
        for _ in range(rng.randint(1, 8)):
            file.write(rng.choice(FRAGMENTS)(rng))
        (tmp_path / "x.tar").write_bytes(file.getvalue() + tar_format.END)
        nothing_outside(tmp_path, tmp_path / "x.tar")

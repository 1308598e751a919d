"""Packs and their manifest: complete, bounded, and the same for the same tree."""

from __future__ import annotations

import hashlib
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_trees import entries, listing_of, pack_all, tar_member, write_tar, write_tree

from nyxcore.errors import SourceRefused
from nyxcore.sources import packs
from nyxcore.sources.archive import read_archive
from nyxcore.sources.folder import read_folder
from nyxcore.sources.models import Manifest
from nyxcore.sources.packs import build, read_pack, unpack

TREE: dict[str, bytes | str] = {
    "a.py": "import os\n",
    "a/b.py": "x = 1\r\n",
    "a-b/c.py": "\ufeffx = 2",
    "a/ü/" + "long" * 30 + ".py": "x = 3\n",
    "a/z.ts": "let x\n",
    "README.md": "# read\n",
    "p/" + "q" * 99 + ".py": "",
    ".gitignore": "*.log\n",
    "vendor/v.py": "x\n",
    "x.bin": b"\0",
}


def test_unpacking_gives_every_file_back_byte_for_byte(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", TREE)
    manifest = build(read_folder(root), tmp_path / "out")
    for pack in manifest.packs:
        unpack(tmp_path / "out" / pack.name, tmp_path / "again")
    found = entries(manifest, tmp_path / "out")
    back = {
        path.relative_to(tmp_path / "again").as_posix()
        for path in (tmp_path / "again").rglob("*")
        if path.is_file()
    }
    assert back == set(found) == set(TREE) - {".gitignore", "x.bin"}
    for path, entry in found.items():
        content = (tmp_path / "again" / path).read_bytes()
        assert content == (root / path).read_bytes()
        assert (entry.size, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_pack_is_a_tar_that_other_programs_read(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", TREE)
    manifest = build(read_folder(root), tmp_path / "out")
    with tarfile.open(tmp_path / "out" / manifest.packs[0].name) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None
            assert file.read() == (root / member.name).read_bytes()
            assert (member.mode, member.uid, member.gid, member.mtime) == (0o644, 0, 0, 0)
        assert tar.getnames() == list(entries(manifest, tmp_path / "out"))


def test_the_same_tree_gives_the_same_bytes_whatever_its_times_modes_and_place(tmp_path: Path) -> None:
    first = write_tree(tmp_path / "one", TREE)
    second = write_tree(tmp_path / "two/deeper", dict(reversed(TREE.items())))
    os.utime(second / "a.py", (1, 1))
    (second / "a.py").chmod(0o700)
    build(read_folder(first), tmp_path / "out1")
    build(read_folder(second), tmp_path / "out2")
    assert contents(tmp_path / "out1") == contents(tmp_path / "out2")


def test_building_twice_into_the_same_folder_leaves_the_same_files(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", TREE)
    listing = read_folder(root)
    build(listing, tmp_path / "out")
    before = contents(tmp_path / "out")
    build(listing, tmp_path / "out")
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("name", ["x.tar", "x.tgz", "x.zip"])
def test_an_archive_gives_the_same_bytes_as_the_folder_it_was_made_of(tmp_path: Path, name: str) -> None:
    root = write_tree(
        tmp_path / "in", TREE | {"node_modules/a/b.js": "", "big.py": b"x\n" * 600_000, "n.log": ""}
    )
    files = {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }
    archive = pack_all(tmp_path / name, files, under="project-1.0/")
    build(read_folder(root), tmp_path / "out1")
    build(read_archive(archive, tmp_path / "work"), tmp_path / "out2")
    assert contents(tmp_path / "out1") == contents(tmp_path / "out2")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "change",
    [{"a.py": "import sys\n"}, {"new.py": ""}, {"a.py": "# @generated\n"}],
    ids=["content", "another file", "kind"],
)
def test_the_hash_of_the_tree_changes_with_the_tree(tmp_path: Path, change: dict[str, str]) -> None:
    root = write_tree(tmp_path / "in", TREE)
    before = build(read_folder(root), tmp_path / "out1").tree_sha256
    write_tree(root, change)
    assert build(read_folder(root), tmp_path / "out2").tree_sha256 != before


def test_packs_hold_at_most_so_many_files_and_keep_the_order(tmp_path: Path) -> None:
    count = 2 * packs.MAX_PACK_FILES + 1
    listing = listing_of({f"p{i // 100:03}/m{i:05}.py": "" for i in range(count)})
    manifest = build(listing, tmp_path / "out")
    found = entries(manifest, tmp_path / "out")
    assert [pack.files for pack in manifest.packs] == [2000, 2000, 1]
    assert list(found) == sorted(found)
    assert [found[f"p{i // 100:03}/m{i:05}.py"].pack for i in (0, 1999, 2000, 4000)] == [0, 0, 1, 2]


def test_packs_hold_at_most_so_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "MAX_PACK_BYTES", 100)
    sizes = {"a.py": 60, "b.py": 40, "c.py": 1, "d.py": 150, "e.py": 99, "f.py": 1}
    listing = listing_of({name: "x" * size for name, size in sizes.items()})
    manifest = build(listing, tmp_path / "out")
    assert [(pack.files, pack.bytes) for pack in manifest.packs] == [(2, 100), (1, 1), (1, 150), (2, 100)]


def test_the_manifest_reads_back_as_it_was_written(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", TREE)
    manifest = build(read_folder(root), tmp_path / "out")
    text = (tmp_path / "out/manifest.json").read_text(encoding="utf-8")
    assert Manifest.from_json(text) == manifest
    assert (manifest.totals.files, manifest.totals.references) == (8, 2)
    assert {str(key): count for key, count in manifest.totals.sources.items()} == {
        "python": 5,
        "typescript": 1,
    }


def test_progress_ends_at_the_number_of_files(tmp_path: Path) -> None:
    listing = listing_of({f"{i}.py": "" for i in range(200)})
    calls: list[tuple[int, int | None]] = []
    build(listing, tmp_path / "out", on_progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert calls[0] == (0, 200)
    assert calls[-1] == (200, 200)


def test_what_progress_raises_ends_the_build(tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int | None) -> None:
        raise Cancelled

    listing = listing_of({"a.py": ""})
    with pytest.raises(Cancelled):
        build(listing, tmp_path / "out", on_progress=cancel)
    assert not (tmp_path / "out/manifest.json").exists()


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a/../../evil.py", "a//b.py", "./a.py", ""])
def test_a_pack_that_is_none_of_ours_is_refused_and_writes_nothing_outside(tmp_path: Path, name: str) -> None:
    pack = write_tar(tmp_path / "pack.tar", [tar_member(name, b"x")])
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SourceRefused, match="no pack of ours"):
        unpack(pack, tmp_path / "into")
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "into"])


def test_a_link_in_a_pack_is_refused(tmp_path: Path) -> None:
    link = tar_member("a.py", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    with pytest.raises(SourceRefused, match="no pack of ours"):
        unpack(write_tar(tmp_path / "pack.tar", [link]), tmp_path / "into")


def test_a_pack_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", {"a.py": "x = 1\n" * 200, "ü.py": "y"})
    build(read_folder(root), tmp_path / "out")
    whole = (tmp_path / "out/pack-0000.tar").read_bytes()
    for length in range(0, len(whole) - 1024, 97):
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        with pytest.raises(SourceRefused):
            list(read_pack(tmp_path / "cut.tar"))


LETTERS = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="/\\")
PARTS = st.text(LETTERS, min_size=1, max_size=40).filter(lambda part: part not in (".", ".."))
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\r\n"), max_size=1500)


@settings(max_examples=25, deadline=None)
@given(parts=st.lists(PARTS, max_size=5), content=TEXT)
def test_any_path_and_content_survives_a_pack(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], content: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = "/".join(["d", *parts, "m.yml"])
    root = write_tree(folder / "in", {path: content})
    manifest = build(read_folder(root), folder / "out")
    unpack(folder / "out" / manifest.packs[0].name, folder / "again")
    assert list(read_pack(folder / "out" / manifest.packs[0].name)) == [(path, content.encode())]
    assert (folder / "again" / path).read_bytes() == content.encode()

"""Archives as people make them."""

from __future__ import annotations

import gzip
import os
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from source_trees import built, pack_all, raw_zip, sources, tar_member, write_tar, write_tree, write_zip

from nyxcore.errors import SourceRefused
from nyxcore.sources.archive import read_archive
from nyxcore.sources.models import Reason
from nyxcore.sources.packs import build, read_pack

KINDS = ["x.tar", "x.tar.gz", "x.zip"]


def taken(archive: Path, tmp_path: Path) -> list[str]:
    return sources(read_archive(archive, tmp_path / "work"), tmp_path / "out")


@pytest.mark.parametrize("name", KINDS)
def test_a_single_folder_at_the_top_is_stripped(tmp_path: Path, name: str) -> None:
    archive = pack_all(tmp_path / name, {"a.py": "x = 1\n", "p/b.py": ""}, under="project-1.0/")
    assert taken(archive, tmp_path) == ["a.py", "p/b.py"]


@pytest.mark.parametrize("name", KINDS)
def test_several_names_at_the_top_are_kept(tmp_path: Path, name: str) -> None:
    archive = pack_all(tmp_path / name, {"p/a.py": "", "q/b.py": "", "c.py": ""})
    assert taken(archive, tmp_path) == ["c.py", "p/a.py", "q/b.py"]


@pytest.mark.parametrize("name", KINDS)
def test_only_one_folder_is_stripped(tmp_path: Path, name: str) -> None:
    assert taken(pack_all(tmp_path / name, {"p/q/a.py": ""}), tmp_path) == ["q/a.py"]


@pytest.mark.parametrize("name", KINDS)
def test_what_packers_put_beside_the_folder_does_not_keep_it(tmp_path: Path, name: str) -> None:
    junk = {
        "._project": b"\0",
        "__MACOSX/project/._a.py": b"\0",
        ".DS_Store": b"\0",
        "pax_global_header": b"52 comment",
    }
    archive = pack_all(tmp_path / name, {"./project/a.py": "", "./project/._a.py": b"\0", **junk})
    listing = read_archive(archive, tmp_path / "work")
    manifest = build(listing, tmp_path / "out")
    assert sources(listing, tmp_path / "out") == ["a.py"]
    assert {reason: left_out.examples for reason, left_out in manifest.skipped.items()} == {
        Reason.BINARY: ["._a.py"]
    }


@pytest.mark.parametrize("name", KINDS)
def test_the_name_of_the_stripped_folder_judges_nothing(tmp_path: Path, name: str) -> None:
    assert taken(pack_all(tmp_path / name, {"vendor/a.js": "f()\n"}), tmp_path) == ["a.js"]


def test_a_folder_of_a_tool_at_the_top_is_not_taken_for_the_project(tmp_path: Path) -> None:
    assert taken(pack_all(tmp_path / "x.tar", {".git/hooks/a.py": ""}), tmp_path) == []


@pytest.mark.parametrize("name", KINDS)
def test_the_gitignore_of_an_archive_is_honoured_wherever_it_stands(tmp_path: Path, name: str) -> None:
    files = {
        "r/build/x.py": "",
        "r/a.py": "",
        "r/p/gen.py": "",
        "r/p/.gitignore": "gen.py\n",
        "r/.gitignore": "build/\n",
    }
    listing = read_archive(pack_all(tmp_path / name, files), tmp_path / "work")
    assert sources(listing, tmp_path / "out") == ["a.py"]
    assert listing.tally.reasons[Reason.IGNORED].count == 2


@pytest.mark.parametrize("name", KINDS)
def test_an_empty_archive_gives_a_manifest_without_files(tmp_path: Path, name: str) -> None:
    manifest = build(read_archive(pack_all(tmp_path / name, {}), tmp_path / "work"), tmp_path / "out")
    assert (manifest.packs, manifest.skipped, manifest.notes) == ([], {}, [])


@pytest.mark.parametrize("name", KINDS)
def test_the_kind_is_told_by_content_and_not_by_name(tmp_path: Path, name: str) -> None:
    archive = pack_all(tmp_path / name, {"p/a.py": ""}).rename(tmp_path / "upload")
    assert taken(archive, tmp_path) == ["a.py"]


@pytest.mark.parametrize("layout", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_of_every_tar_dialect_are_read(tmp_path: Path, layout: int) -> None:
    names = ["p/" + "d" * 90 + "/" + "f" * 60 + ".py", "p/ünï.py", "p/plain.py"]
    if layout != tarfile.USTAR_FORMAT:
        names.append("p/" + "e/" * 20 + "g" * 150 + ".py")
    archive = write_tar(tmp_path / "x.tar", [tar_member(name, b"x = 1\n") for name in names], layout=layout)
    assert taken(archive, tmp_path) == sorted(name.removeprefix("p/") for name in names)


def test_an_archive_that_tar_itself_makes_is_read(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in/proj", {"a.py": "x = 1\n", "p/" + "n" * 120 + ".py": "", "empty/": ""})
    os.link(root / "a.py", root / "hard.py")
    (root / "soft.py").symlink_to("a.py")
    subprocess.run(["tar", "czf", tmp_path / "x.tgz", "-C", tmp_path / "in", "proj"], check=True)
    listing = read_archive(tmp_path / "x.tgz", tmp_path / "work")
    found = built(listing, tmp_path / "out")
    assert "p/" + "n" * 120 + ".py" in found
    assert len({"a.py", "hard.py"} & set(found)) == 1
    assert listing.tally.reasons[Reason.LINK].count == 2


def test_stored_and_deflated_members_and_descriptors_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with path.open("wb") as file, zipfile.ZipFile(Unseekable(file), "w") as archive:  # type: ignore[call-overload]
        archive.writestr("a.py", b"x = 1\n" * 50, zipfile.ZIP_DEFLATED)
        archive.writestr("b.py", b"y = 2\n", zipfile.ZIP_STORED)
        with archive.open(zipfile.ZipInfo("c.py"), "w", force_zip64=True) as member:
            member.write(b"z = 3\n")
    found = built(read_archive(path, tmp_path / "work"), tmp_path / "out")
    assert [(name, entry.size) for name, entry in found.items()] == [("a.py", 300), ("b.py", 6), ("c.py", 6)]


class Unseekable:
    """A file that cannot go back, so that zipfile writes sizes behind the content."""

    def __init__(self, file: object) -> None:
        self.write = file.write  # type: ignore[attr-defined]
        self.flush = file.flush  # type: ignore[attr-defined]


def test_a_zip_with_a_comment_and_bytes_in_front_is_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", [("a.py", b"x = 1\n")])
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by PK\x05\x06 somebody" * 20
    assert taken(path, tmp_path) == ["a.py"]
    path.write_bytes(b"PK\x03\x04 self-extracting stub" + path.read_bytes())
    assert taken(path, tmp_path) == ["a.py"]


def test_a_zip64_archive_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    body = os.urandom(150).hex().encode()
    path = write_zip(
        tmp_path / "x.zip", [("a.py", b"#" + body), ("b.py", b"#" + body), ("c.py", b"#" + body)]
    )
    assert b"PK\x06\x06" in path.read_bytes()
    found = built(read_archive(path, tmp_path / "work"), tmp_path / "out")
    assert [(name, entry.size) for name, entry in found.items()] == [
        ("a.py", 301),
        ("b.py", 301),
        ("c.py", 301),
    ]


def test_names_in_utf8_without_the_flag_are_read_and_others_left_out(tmp_path: Path) -> None:
    names = ["p/é.py".encode(), "p/ü.py".encode("cp437"), b"p/a.py"]
    (tmp_path / "x.zip").write_bytes(raw_zip([(name, b"") for name in names]))
    listing = read_archive(tmp_path / "x.zip", tmp_path / "work")
    assert sources(listing, tmp_path / "out") == ["a.py", "é.py"]
    assert listing.tally.reasons[Reason.BAD_NAME].examples == ["\\x81.py"]


def test_a_member_in_a_compression_that_is_not_read_is_left_out_and_noted(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.py", b"x = 1\n", zipfile.ZIP_BZIP2)
        archive.writestr("b.py", b"x = 1\n", zipfile.ZIP_DEFLATED)
    manifest = build(read_archive(tmp_path / "x.zip", tmp_path / "work"), tmp_path / "out")
    assert manifest.skipped[Reason.UNREADABLE].examples == ["a.py"]
    assert "a.py could not be read: compressed by method 12." in manifest.notes


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz"])
def test_of_two_members_of_one_name_the_last_is_taken_with_a_note(tmp_path: Path, name: str) -> None:
    members = [tar_member("p/a.py", b"old"), tar_member("p/b.py", b"b"), tar_member("p/a.py", b"new")]
    manifest = build(read_archive(write_tar(tmp_path / name, members), tmp_path / "work"), tmp_path / "out")
    assert dict(read_pack(tmp_path / "out" / manifest.packs[0].name)) == {"a.py": b"new", "b.py": b"b"}
    assert any("name twice" in note for note in manifest.notes)


def test_a_file_and_a_folder_of_one_name_leave_the_last(tmp_path: Path) -> None:
    members = [tar_member("p/a.py", b"x"), tar_member("p/a.py/b.py", b"y"), tar_member("q.py", b"z")]
    listing = read_archive(write_tar(tmp_path / "x.tar", members), tmp_path / "work")
    assert sources(listing, tmp_path / "out") == ["p/a.py/b.py", "q.py"]


def test_names_that_differ_in_case_alone_are_two_files(tmp_path: Path) -> None:
    assert taken(pack_all(tmp_path / "x.zip", {"p/A.py": "1", "p/a.py": "2"}), tmp_path) == ["A.py", "a.py"]


def test_bytes_behind_the_end_of_gzip_and_of_tar_are_ignored(tmp_path: Path) -> None:
    archive = pack_all(tmp_path / "x.tar.gz", {"p/a.py": ""})
    archive.write_bytes(archive.read_bytes() + b"garbage behind the end")
    assert taken(archive, tmp_path) == ["a.py"]
    plain = pack_all(tmp_path / "x.tar", {"p/a.py": ""})
    plain.write_bytes(plain.read_bytes() + b"garbage")
    assert taken(plain, tmp_path) == ["a.py"]


def test_a_gzip_of_several_members_is_read_whole(tmp_path: Path) -> None:
    whole = pack_all(tmp_path / "x.tar", {"p/a.py": "x = 1\n" * 500, "p/b.py": ""}).read_bytes()
    parts = [gzip.compress(whole[at : at + 700]) for at in range(0, len(whole), 700)]
    (tmp_path / "x.tgz").write_bytes(b"".join(parts))
    assert taken(tmp_path / "x.tgz", tmp_path) == ["a.py", "b.py"]


def test_only_what_may_be_packed_is_unpacked(tmp_path: Path) -> None:
    files = {
        "p/a.py": b"x = 1\n",
        "p/picture.png": os.urandom(50_000),
        "p/huge.py": b"#" * 2_000_000,
        "p/node_modules/m/b.js": b"b()\n" * 10_000,
        "p/vendor/c.js": b"c()\n" * 10_000,
        "p/.git/objects/d.py": b"x" * 10_000,
    }
    for name in KINDS:
        listing = read_archive(pack_all(tmp_path / name, files), tmp_path / "work")
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["members.bin"]
        assert (tmp_path / "work/members.bin").stat().st_size == 6
        manifest = build(listing, tmp_path / "out")
        assert {reason: left_out.count for reason, left_out in manifest.skipped.items()} == {
            Reason.VENDORED: 2,
            Reason.TOO_LARGE: 1,
            Reason.NOT_SOURCE: 1,
        }


def test_setuid_bits_do_not_reach_the_packs(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "x.tar", [tar_member("p/a.py", b"x", mode=0o6777, uid=0)])
    build(read_archive(archive, tmp_path / "work"), tmp_path / "out")
    with tarfile.open(tmp_path / "out/pack-0000.tar") as tar:
        assert stat.S_IMODE(tar.getmembers()[0].mode) == 0o644


def test_a_missing_archive_and_a_folder_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"There is no archive .*missing\.zip"):
        read_archive(tmp_path / "missing.zip", tmp_path / "work")
    with pytest.raises(SourceRefused, match="is a folder, not an archive"):
        read_archive(tmp_path, tmp_path / "work")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"x" * 600, b"BZh91AY&SY" + b"x" * 600, b"\xfd7zXZ\x00" * 200]
)
def test_what_is_no_archive_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(SourceRefused, match=r"is not a \.tar\.gz, \.tgz, \.tar or \.zip"):
        read_archive(tmp_path / "x.tar.gz", tmp_path / "work")

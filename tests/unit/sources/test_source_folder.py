"""What a walk through a folder takes, and what it leaves out and why."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_trees import built, listing_of, sources, write_tree

from nyxcore.errors import SourceRefused
from nyxcore.sources.folder import read_folder
from nyxcore.sources.models import Kind, Language, Reason
from nyxcore.sources.packs import build


def test_every_language_and_every_settings_file_is_taken(tmp_path: Path) -> None:
    names = ["a.py", "b.pyi", "c.pyw", "d.js", "e.mjs", "f.cjs", "g.jsx", "h.ts", "i.mts", "j.cts", "k.tsx"]
    references = [
        "pyproject.toml",
        "setup.cfg",
        "tox.ini",
        ".flake8",
        "ci.yml",
        "ci.yaml",
        "README.md",
        "a.rst",
    ]
    write_tree(
        tmp_path / "in", dict.fromkeys([*names, *references, "data.csv", "Makefile", "py", "toml"], "x\n")
    )

    listing = read_folder(tmp_path / "in")
    found = built(listing, tmp_path / "out")

    assert [entry.path for entry in found.values() if entry.kind is Kind.SOURCE] == names
    assert [found[name].language for name in ("a.py", "g.jsx", "j.cts", "k.tsx")] == [
        Language.PYTHON,
        Language.JAVASCRIPT,
        Language.TYPESCRIPT,
        Language.TSX,
    ]
    assert {path for path, entry in found.items() if entry.kind is Kind.REFERENCE} == set(references)
    assert listing.tally.reasons[Reason.NOT_SOURCE].count == 4


def test_more_than_two_hundred_files_are_all_taken(tmp_path: Path) -> None:
    listing = listing_of({f"p{i % 7}/m{i}.py": "" for i in range(450)})
    assert len(sources(listing, tmp_path / "out")) == 450


def test_folders_of_tools_and_installed_packages_are_not_entered(tmp_path: Path) -> None:
    write_tree(
        tmp_path / "in",
        {
            "a.py": "",
            ".git/hooks/x.py": "",
            ".nyx/x.py": "",
            "nyx-out/x.py": "",
            "p/__pycache__/x.py": "",
            "web/node_modules/left/x.js": "",
            "env/pyvenv.cfg": "home = /usr\n",
            "env/lib/x.py": "",
            "conda/conda-meta/history": "",
            "conda/x.py": "",
        },
    )
    listing = read_folder(tmp_path / "in")
    assert sources(listing, tmp_path / "out") == ["a.py"]
    vendored = listing.tally.reasons[Reason.VENDORED]
    assert sorted(vendored.examples) == ["conda/", "env/", "web/node_modules/"]
    assert set(listing.tally.reasons) == {Reason.VENDORED}


def test_what_the_product_itself_leaves_behind_does_not_change_the_manifest(tmp_path: Path) -> None:
    write_tree(tmp_path / "in", {"a.py": "x = 1\n"})
    before = build(read_folder(tmp_path / "in"), tmp_path / "out").to_json()
    write_tree(tmp_path / "in", {".nyx/db/1": "", "nyx-out/report.md": "# a\n", "__pycache__/a.pyc": ""})
    assert build(read_folder(tmp_path / "in"), tmp_path / "out2").to_json() == before


def test_an_ignored_folder_is_counted_once_and_never_listed(tmp_path: Path) -> None:
    write_tree(
        tmp_path / "in", {".gitignore": "big/\n*.log.py\n", "big/a.py": "", "big/b/c.py": "", "x.log.py": ""}
    )
    listing = read_folder(tmp_path / "in")
    ignored = listing.tally.reasons[Reason.IGNORED]
    assert (ignored.count, sorted(ignored.examples)) == (2, ["big/", "x.log.py"])


def test_links_are_skipped_and_counted_wherever_they_lead(tmp_path: Path) -> None:
    write_tree(tmp_path / "outside", {"secret.py": "s = 1\n"})
    root = write_tree(tmp_path / "in", {"a.py": "", "p/b.py": ""})
    (root / "secret.py").symlink_to(tmp_path / "outside/secret.py")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "p/loop").symlink_to(root)
    (root / "inside.py").symlink_to("a.py")
    (root / ".gitignore").symlink_to(tmp_path / "outside/secret.py")

    listing = read_folder(root)
    manifest = build(listing, tmp_path / "out")

    assert sources(listing, tmp_path / "out") == ["a.py", "p/b.py"]
    assert manifest.skipped[Reason.LINK].count == 5
    assert "Links are not followed: 5 left out, such as .gitignore." in manifest.notes


def test_a_folder_named_through_a_link_is_walked(tmp_path: Path) -> None:
    write_tree(tmp_path / "in", {"a.py": ""})
    (tmp_path / "link").symlink_to(tmp_path / "in")
    assert sources(read_folder(tmp_path / "link"), tmp_path / "out") == ["a.py"]


def test_pipes_and_sockets_are_counted_and_never_opened(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", {"a.py": ""})
    os.mkfifo(root / "pipe.py")
    os.mkfifo(root / "p.toml")
    before = Path.cwd()
    os.chdir(root)  # the name of a socket may take 108 bytes
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket.py")
    finally:
        os.chdir(before)
    listing = read_folder(root)
    assert sources(listing, tmp_path / "out") == ["a.py"]
    assert listing.tally.reasons[Reason.SPECIAL].count == 3


def test_a_file_that_became_a_pipe_after_the_walk_is_noted(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", {"a.py": "", "b.py": ""})
    listing = read_folder(root)
    (root / "a.py").unlink()
    os.mkfifo(root / "a.py")
    manifest = build(listing, tmp_path / "out")
    assert manifest.skipped[Reason.UNREADABLE].examples == ["a.py"]


def test_a_file_that_vanishes_midway_is_noted_and_the_rest_is_packed(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", {"a.py": "", "b.py": "", "c.py": ""})
    listing = read_folder(root)
    (root / "b.py").unlink()
    manifest = build(listing, tmp_path / "out")
    assert manifest.totals.files == 2
    assert manifest.skipped[Reason.UNREADABLE].examples == ["b.py"]
    assert any("b.py" in note and "No such file" in note for note in manifest.notes)


def test_a_file_that_became_a_link_after_the_walk_is_not_followed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"secret.py": "s = 1\n", "in/a.py": ""})
    listing = read_folder(tmp_path / "in")
    (tmp_path / "in/a.py").unlink()
    (tmp_path / "in/a.py").symlink_to(tmp_path / "secret.py")
    assert built(listing, tmp_path / "out") == {}


def test_names_that_no_patch_can_carry_are_left_out_and_noted(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "in", {"ok é.py": "", "a\nb.py": "", "tab\t.py": "", "back\\slash.py": "", "x\x85.py": ""}
    )
    (Path(os.fsdecode(os.fsencode(root) + b"/latin-\xe9.py"))).write_bytes(b"")
    (Path(os.fsdecode(os.fsencode(root) + b"/dir-\xff"))).mkdir()
    (Path(os.fsdecode(os.fsencode(root) + b"/dir-\xff/inner.py"))).write_bytes(b"")

    listing = read_folder(root)
    manifest = build(listing, tmp_path / "out")

    assert sources(listing, tmp_path / "out") == ["ok é.py"]
    bad = manifest.skipped[Reason.BAD_NAME]
    assert bad.count == 6
    assert len(bad.examples) == 5
    assert all(example.isprintable() for example in bad.examples)
    assert any("not UTF-8" in note for note in manifest.notes)


@pytest.fixture
def stranger() -> Iterator[Path]:
    """A folder that anybody may enter, and, under root, an ordinary user to enter it."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    user = os.geteuid()
    try:
        yield root
    finally:
        os.seteuid(user)
        for folder in root.rglob("locked*"):
            folder.chmod(0o755)
        shutil.rmtree(root)


def become_ordinary() -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)


def test_a_folder_and_a_file_without_permission_are_counted_and_noted(stranger: Path, tmp_path: Path) -> None:
    write_tree(stranger, {"a.py": "", "locked/b.py": "", "p/locked.py": "", "q/locked/.gitignore": "*"})
    for path in ("locked", "p/locked.py", "q/locked"):
        (stranger / path).chmod(0)
    out = Path(tempfile.mkdtemp())
    out.chmod(0o777)
    try:
        become_ordinary()
        listing = read_folder(stranger)
        manifest = build(listing, out)
        assert sources(listing, out) == ["a.py"]
    finally:
        os.seteuid(os.getuid())
        shutil.rmtree(out)
    assert sorted(manifest.skipped[Reason.UNREADABLE].examples) == ["locked/", "p/locked.py", "q/locked/"]
    assert any("locked" in note and "Permission denied" in note for note in manifest.notes)


def test_a_gitignore_that_cannot_be_read_is_noted(stranger: Path) -> None:
    write_tree(stranger, {".gitignore": "a.py\n", "a.py": ""})
    (stranger / ".gitignore").chmod(0)
    become_ordinary()
    assert read_folder(stranger).notes == [
        ".gitignore could not be read (Permission denied) and was not honoured."
    ]


def test_a_root_without_permission_is_refused_with_a_sentence(stranger: Path) -> None:
    root = write_tree(stranger / "locked", {"a.py": ""})
    root.chmod(0)
    become_ordinary()
    with pytest.raises(SourceRefused, match=r"locked cannot be read: Permission denied"):
        read_folder(root)


def test_a_missing_folder_a_file_and_a_loop_are_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SourceRefused, match=r"There is no folder .*missing"):
        read_folder(tmp_path / "missing")
    with pytest.raises(SourceRefused, match=r"file\.py is a file, not a folder"):
        read_folder(tmp_path / "file.py")
    with pytest.raises(SourceRefused, match=r"loop cannot be read"):
        read_folder(tmp_path / "loop")
    with pytest.raises(SourceRefused, match=r"NUL"):
        read_folder(Path("a\0b"))


def test_an_empty_folder_gives_a_manifest_without_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    manifest = build(read_folder(tmp_path / "in"), tmp_path / "out")
    assert (manifest.packs, manifest.totals.files, manifest.skipped) == ([], 0, {})


def test_a_path_too_deep_or_too_long_is_left_out(tmp_path: Path) -> None:
    root = tmp_path / "in"
    deep = "d/" * 101
    write_tree(root, {"a.py": "", deep + "x.py": "", "/".join(["n" * 200] * 6) + "/y.py": ""})
    listing = read_folder(root)
    assert sources(listing, tmp_path / "out") == ["a.py"]
    assert listing.tally.reasons[Reason.BAD_NAME].count == 2


def test_an_overlong_gitignore_is_noted_and_not_honoured(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", {"p/.gitignore": "*.py\n" + "#" * 140_000, "p/a.py": ""})
    listing = read_folder(root)
    assert sources(listing, tmp_path / "out") == ["p/a.py"]
    assert listing.notes == ["p/.gitignore is larger than 128 KiB and was not honoured."]


def test_many_notes_are_cut_short(tmp_path: Path) -> None:
    listing = listing_of({f"p{i}/.gitignore": "#" * 140_000 for i in range(30)})
    notes = build(listing, tmp_path / "out").notes
    assert len(notes) == 21
    assert notes[-1] == "10 more notes like these were left out."

"""The commit that a source was taken from is read out of it, as git has written it and without running git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from source_trees import write_tree

from nyxcore.sources.archive import read_archive
from nyxcore.sources.folder import read_folder
from nyxcore.sources.models import Manifest
from nyxcore.sources.packs import build

ONE, TWO = "1" * 40, "2" * 40
PACKED = f"# pack-refs with: peeled\n{TWO} refs/heads/ab\n{ONE} refs/heads/a\n^{TWO}\n"


def git(folder: Path, *arguments: str) -> str:
    """What git itself says, whatever this machine's configuration is."""
    environment = os.environ | {
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
    }  # fmt: skip
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "checkout", {"a.py": "x = 1\n"})
    git(root, "init", "-q", "-b", "feature/one")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    return root


def commit_of(root: Path) -> str | None:
    return read_folder(root).commit


def test_a_branch_is_followed_to_its_commit_loose_or_packed(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert commit_of(checkout) == commit
    git(checkout, "pack-refs", "--all")
    assert not (checkout / ".git/refs/heads/feature/one").exists()
    assert commit_of(checkout) == commit


def test_a_head_that_names_no_branch_is_the_commit(checkout: Path) -> None:
    git(checkout, "checkout", "-q", "--detach")
    assert commit_of(checkout) == git(checkout, "rev-parse", "HEAD")


def test_a_worktree_has_its_own_head_and_shares_the_references(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(checkout, "worktree", "add", "-q", "-b", "two", str(other))
    write_tree(other, {"b.py": ""})
    git(other, "add", ".")
    git(other, "commit", "-qm", "two")
    assert commit_of(other) == git(other, "rev-parse", "HEAD") != commit_of(checkout)
    git(checkout, "pack-refs", "--all")
    assert commit_of(other) == git(other, "rev-parse", "HEAD")


@pytest.mark.parametrize("format", ["tar", "tar.gz", "zip"])
def test_an_archive_that_git_made_says_its_commit(checkout: Path, tmp_path: Path, format: str) -> None:
    git(checkout, "archive", "--prefix=a/", f"--format={format}", "-o", str(tmp_path / "a"), "HEAD")
    listing = read_archive(tmp_path / "a", tmp_path / "work")
    assert listing.commit == git(checkout, "rev-parse", "HEAD")
    manifest = build(listing, tmp_path / "out")
    assert Manifest.from_json(manifest.to_json()).commit == listing.commit


def test_a_folder_without_git_and_a_branch_without_a_commit_have_none(tmp_path: Path) -> None:
    assert commit_of(write_tree(tmp_path / "plain", {"a.py": ""})) is None
    git(write_tree(tmp_path / "new", {"a.py": ""}), "init", "-q")
    assert commit_of(tmp_path / "new") is None


@pytest.mark.parametrize(
    "files",
    [
        {".git/HEAD": ONE + "\n"},
        {".git/HEAD": "ref: refs/heads/a\n", ".git/refs/heads/a": ONE},
        {".git/HEAD": "ref: refs/heads/a\n", ".git/refs/heads/a": "ref: refs/heads/b", ".git/refs/heads/b": ONE},
        {".git/HEAD": "ref: refs/heads/a", ".git/packed-refs": PACKED},
        {".git": "gitdir: elsewhere\n", "elsewhere/HEAD": ONE},
    ],
)  # fmt: skip
def test_what_git_writes_is_read(tmp_path: Path, files: dict[str, str]) -> None:
    assert commit_of(write_tree(tmp_path / "in", files)) == ONE


@pytest.mark.parametrize(
    "files",
    [
        {".git/HEAD": "root:x:0:0\n"},
        {".git/HEAD": ONE + "0"},
        {".git/HEAD": "ref: ../secret", "secret": ONE},
        {".git/HEAD": "ref: refs/../../secret", "secret": ONE},
        {".git/HEAD": "ref: /etc/hostname"},
        {".git/HEAD": "ref: refs/heads/a", ".git/refs/heads/a": "ref: refs/heads/a"},
        {".git/HEAD": "ref: refs/heads/a", ".git/refs/heads/a/": ""},
        {".git/HEAD": ONE + " " * 9000},
        {".git/HEAD": "\0\xff"},
        {".git": ""},
        {".git": "gitdir: a\0b"},
        {".git": "gitdir: " + "a" * 5000},
        {".git": ONE},
    ],
)
def test_what_is_no_commit_is_not_told(tmp_path: Path, files: dict[str, str]) -> None:
    assert commit_of(write_tree(tmp_path / "in", files)) is None


def test_a_head_that_is_a_link_or_a_pipe_is_not_opened(tmp_path: Path) -> None:
    for name, make in (("link", lambda path: path.symlink_to(tmp_path / "secret")), ("pipe", os.mkfifo)):
        (tmp_path / "secret").write_text(ONE)
        root = write_tree(tmp_path / name, {"a.py": "", ".git/config": ""})
        make(root / ".git/HEAD")
        assert commit_of(root) is None

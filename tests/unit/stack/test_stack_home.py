"""The folder of the state, its lock and its secrets, on the file system alone."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from nyx.errors import DiskFull, HomeUnusable
from nyx.home import Home, disk_error, home_folder
from nyx.lock import Lock, Running
from nyx.processes import Process, end_leftovers, remember

RUNNING = Running("http://127.0.0.1:1", "nyx_t", "tenant", "postgresql://", 1)


def test_the_home_is_the_named_folder_else_dot_nyx_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert home_folder({}) == tmp_path / ".nyx"
    assert home_folder({"NYX_HOME": ""}) == tmp_path / ".nyx"
    assert home_folder({"NYX_HOME": "state"}) == tmp_path / "state"
    assert home_folder({"NYX_HOME": "/state"}) == Path("/state")


def test_an_empty_folder_becomes_a_home_and_opens_again(tmp_path: Path) -> None:
    Home.open(tmp_path).write_key("k", {"a": "b"})
    assert Home.open(tmp_path).read_key("k") == {"a": "b"}
    assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_a_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    home.kept_key("k", "password")
    assert stat.S_IMODE(home.key("k").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.key("k").parent.stat().st_mode) == 0o700


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    assert home.kept_key("k", "a", "b") == home.kept_key("k", "a", "b")
    with pytest.raises(HomeUnusable, match="lacks c"):
        home.kept_key("k", "a", "c")


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "\x00"])
def test_a_damaged_secret_is_named(tmp_path: Path, content: str) -> None:
    home = Home.open(tmp_path)
    home.key("k").write_text(content)
    with pytest.raises(HomeUnusable, match=r"keys/k\.json"):
        home.read_key("k")


def test_an_interrupted_first_start_leaves_a_folder_that_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(DiskFull):
        patched.setattr(Path, "replace", full)
        Home.open(tmp_path / "home")
    (tmp_path / "home" / ".nyx-home.json.123").touch()  # of one that was killed
    Home.open(tmp_path / "home")


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, DiskFull, "no space is left"),
        (errno.EDQUOT, DiskFull, "no space is left"),
        (errno.EROFS, HomeUnusable, "cannot be written"),
        (errno.EACCES, HomeUnusable, "cannot be written"),
        (errno.ENOTDIR, HomeUnusable, "is not a folder"),
        (errno.ENAMETOOLONG, HomeUnusable, "cannot be used"),
    ],
)
def test_every_error_of_the_disk_says_what_to_do(
    tmp_path: Path, number: int, kind: type[Exception], words: str
) -> None:
    error = disk_error(OSError(number, os.strerror(number), str(tmp_path)), tmp_path)
    assert isinstance(error, kind)
    assert words in error.message
    assert "set NYX_HOME" in error.message


def test_one_lock_has_one_holder(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    with Lock(home) as first, Lock(home) as second:
        assert first.take()
        assert not second.take()
        assert not second.free()
    with Lock(home) as third:
        assert third.free()
        assert third.take()


def test_the_holder_knows_of_its_guests_and_an_ending_one_takes_none(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    with Lock(home) as holder, Lock(home) as guest, Lock(home) as late:
        assert holder.take()
        assert guest.join()
        assert not holder.alone()
        guest.leave()
        assert holder.alone()
        assert not late.join()


def test_what_the_holder_announces_is_read_back_until_it_withdraws(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    with Lock(home) as lock:
        assert lock.announced() is None
        lock.announce(RUNNING)
        assert lock.announced() == RUNNING
        assert stat.S_IMODE((tmp_path / "run" / "running.json").stat().st_mode) == 0o600
        lock.withdraw()
        assert lock.announced() is None
        (tmp_path / "run" / "running.json").write_text("{}")
        with pytest.raises(HomeUnusable, match=r"running\.json"):
            lock.announced()


def test_a_process_is_known_by_more_than_its_number() -> None:
    me = Process.of("me", os.getpid())
    assert me is not None
    assert me.alive()
    assert not Process("me", os.getpid(), "another start").alive()
    assert Process.of("nobody", 2**22 + 1) is None


def test_a_process_that_has_taken_an_old_number_is_not_ended(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    remember(home, [Process("postgres", os.getpid(), "another start")])
    assert end_leftovers(home) == []
    (tmp_path / "run" / "processes.json").write_text(json.dumps([{"pid": os.getpid()}]))
    assert end_leftovers(home) == []


def test_a_lock_file_that_names_a_stranger_ends_nobody(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    home.postgres.mkdir()
    (home.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n")
    assert end_leftovers(home) == []
    (home.postgres / "postmaster.pid").write_text("no number\n")
    assert end_leftovers(home) == []

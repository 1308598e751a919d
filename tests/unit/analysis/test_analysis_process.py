"""The engine's process: nothing of ours goes in, little comes out, and it ends when it should."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_run import analyse, manifest, write_tree

from nyxcore.analysis import __main__ as engine
from nyxcore.analysis import engine_process, service
from nyxcore.analysis.locate import Rows
from nyxcore.analysis.models import Options, Progress, SourceFile
from nyxcore.analysis.project import ProjectSettings
from nyxcore.analysis.reports import ruff_report
from nyxcore.errors import InvalidInput, ToolFailed
from pipelines import task


class Cancelled(Exception):
    """What a run raises when the user has cancelled it."""


def _below(pid: int) -> set[int]:
    """The processes below one, however deep, by /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found: set[int] = set()
    queue = [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            found.add(child)
            queue.append(child)
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree", {f"m{n}.py": f"import os\nx{n} = 1\n" for n in range(30)})


def _detect(tree: Path, folder: Path, on_progress: object) -> None:
    service.detect(
        tree,
        files=manifest(tree),
        settings=ProjectSettings(),
        options=Options(),
        out=folder / "detected",
        words=folder / "words",
        on_progress=on_progress,  # type: ignore[arg-type]
    )


def test_an_exception_out_of_progress_ends_the_whole_process_group_and_comes_through(
    tree: Path, tmp_path: Path
) -> None:
    before = _below(os.getpid())  # servers of other tests in this session
    seen: set[int] = set()

    def cancel(_: Progress) -> None:
        seen.update(_below(os.getpid()) - before)
        raise Cancelled

    with pytest.raises(Cancelled):
        _detect(tree, tmp_path, cancel)
    assert seen
    assert not seen & _below(os.getpid())
    assert not (tmp_path / "detected").exists()
    assert not (tmp_path / "words").exists()


def test_progress_is_called_while_the_engine_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that hangs must not keep a cancel from taking effect."""
    silent = tmp_path / "python"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(silent))
    calls: list[Progress] = []

    def listen(progress: Progress) -> None:
        calls.append(progress)
        if len(calls) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine_process.run_engine({"job": "detect"}, [], [], listen)
    assert calls[0] == Progress("detecting", 0, 0, "files")


def test_the_engine_has_an_environment_of_two_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NYX_DATABASE_URL", "postgresql://secret")
    told = tmp_path / "environment"
    spy = tmp_path / "python"
    spy.write_text(f"#!/bin/sh\n/usr/bin/env > {told}\n")
    spy.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(spy))
    with pytest.raises(ToolFailed):
        engine_process.run_engine({"job": "detect"}, [], [], lambda _: None)
    names = {line.partition("=")[0] for line in told.read_text().splitlines()}
    assert names - {"PWD", "SHLVL", "_"} == {"PYTHONPATH", "LANG"}


def test_the_tools_have_no_environment_at_all(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = tmp_path / "ruff"
    spy.write_text(f"#!/bin/sh\n/usr/bin/env > {tmp_path / 'environment'}\nexit 0\n")
    spy.chmod(0o755)
    real = service._program
    monkeypatch.setattr(service, "_program", lambda name: str(spy) if name == "ruff" else real(name))
    monkeypatch.setattr(service, "rules_fingerprint", lambda: "fixed")
    _detect(tree, tmp_path, lambda _: None)
    names = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert names <= {"PWD", "SHLVL", "_"}


def test_a_tool_that_always_fails_skips_files_and_shows_none_of_its_words(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "ruff"
    broken.write_text("#!/bin/sh\necho root:x:0:0 >&2\necho root:x:0:0\nexit 2\n")
    broken.chmod(0o755)
    real = service._program
    monkeypatch.setattr(service, "_program", lambda name: str(broken) if name == "ruff" else real(name))
    monkeypatch.setattr(service, "rules_fingerprint", lambda: "fixed")
    run = analyse(tree, tmp_path / "out")
    assert len(run.skipped) == 30
    assert "root:x" not in json.dumps(run.skipped)


def test_a_file_that_changed_since_the_scan_is_noticed(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"a.py": "x = 1\n"})
    files = [SourceFile("a.py", "0" * 64, "python")]
    with pytest.raises(ToolFailed, match="start the run again"):
        service.detect(
            tree,
            files=files,
            settings=ProjectSettings(),
            options=Options(),
            out=tmp_path / "d",
            words=tmp_path / "w",
            on_progress=lambda _: None,
        )


@pytest.mark.parametrize("path", ["../a.py", "/etc/passwd", "a//b.py", "./a.py", ""])
def test_a_path_that_leads_out_of_the_root_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidInput, match="no path below a root"):
        service.detect(
            tmp_path,
            files=[SourceFile(path, "0" * 64, "python")],
            settings=ProjectSettings(),
            options=Options(),
            out=tmp_path / "d",
            words=tmp_path / "w",
            on_progress=lambda _: None,
        )


def test_results_under_other_options_are_not_mixed_up(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"a.py": "import os\n"})
    run = analyse(tree, tmp_path / "out")
    with pytest.raises(ToolFailed, match="other options"):
        service.combine(
            tree,
            detected=run.paths("detected"),
            verified=run.paths("verified"),
            tree_words=run.paths("words"),
            settings=ProjectSettings(),
            options=Options(unsafe=True),
            out=tmp_path / "o",
            patch=tmp_path / "p",
            on_progress=lambda _: None,
        )


def test_a_hostile_file_costs_itself_alone(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {
            "deep.py": "x = " + "-" * 500_000 + "1\n",
            "nested.js": "x = " + "[" * 100_000 + "]" * 100_000 + "\n",
            "good.py": "import os\n",
        },
    )
    run = analyse(tree, tmp_path / "out")
    assert [one["file"] for one in run.skipped] == ["deep.py"]
    assert run.states()["good.py", "ruff:F401"] == {"fixed"}


def test_no_work_folder_is_left_behind(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "base"
    base.mkdir()
    monkeypatch.setattr(engine_process, "_work_base", lambda: base)
    analyse(tree, tmp_path / "out")
    assert list(base.iterdir()) == []


@pytest.fixture(autouse=True)
def _no_stray_process() -> Iterator[None]:
    before = _below(os.getpid())
    yield
    deadline = time.monotonic() + 5
    while (left := _below(os.getpid()) - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left


def test_a_failure_says_where_it_arose_and_the_log_of_the_task_has_it(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [*manifest(tree), SourceFile("secret_name.py", "0" * 64, "python")]
    logged: list[dict[str, object]] = []
    monkeypatch.setattr(task._logger, "warning", lambda _message, extra: logged.append(extra))

    def work(_: object) -> None:
        service.detect(
            tree,
            files=files,
            settings=ProjectSettings(),
            options=Options(),
            out=tmp_path / "detected",
            words=tmp_path / "words",
            on_progress=lambda _: None,
        )

    ids = {"tenant_id": str(uuid.uuid4()), "run_id": str(uuid.uuid4()), "pack": 0}
    with pytest.raises(ToolFailed):
        task.task(work)(ids, None)
    [entry] = logged
    assert re.fullmatch(r"\{'where': 'EngineError at job\.py:\d+'\}", str(entry["details"]))


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        (lambda: Rows(b"secret").offset(5, 1), r"ValueError at locate\.py:\d+"),
        (lambda: ruff_report(b"{secret"), r"JSONDecodeError at decoder\.py:\d+ in reports\.py:\d+"),
    ],
)
def test_the_place_of_a_fault_is_named_and_no_word_of_the_repository(
    fault: Callable[[], object], place: str
) -> None:
    with pytest.raises(ValueError) as raised:
        fault()
    assert re.fullmatch(place, engine._where(raised.value))

"""Reports on real rows: what they compare with, their versions, and a run as large as they come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, get_args
from uuid import UUID

import pytest
from task_runner import TaskRunner

from nyxcore.db.connection import Database
from nyxcore.errors import InvalidInput
from nyxcore.findings import service as findings
from nyxcore.pipelines.auto_fix.detect import detect
from nyxcore.pipelines.auto_fix.fetch import fetch
from nyxcore.pipelines.auto_fix.scan import scan
from nyxcore.reports import generator
from nyxcore.reports.models import Report, Style
from nyxcore.runs import service as runs

UNUSED = "import os\nimport sys\n\nprint(sys.path)\n"
SHELL = "import subprocess\n\n\ndef run(command):\n    subprocess.run(command, shell=True)\n"


def report(runner: TaskRunner, run_id: UUID, style: Style = "technical", language: str = "en") -> Report:
    with runner.db.transaction(runner.tenant_id) as connection:
        return generator.create(connection, runner.tenant_id, run_id, style=style, language=language)


def test_a_run_is_compared_with_the_one_before_it(runner: TaskRunner) -> None:
    runner.write({"a.py": UNUSED, "b.py": SHELL})
    first = runner.whole_run()
    runner.write({"a.py": "print(1)\n", "b.py": f"\n\n{SHELL}", "c.py": SHELL})
    second = runner.whole_run()
    text = report(runner, second).content
    assert "the first finished run" in report(runner, first).content
    assert "UTC on the same repository: 1 new, 1 gone, 1 still there." in text
    assert "| New | 0 | 1 | 0 | 0 | 1 |\n| Gone | 0 | 0 | 0 | 1 | 1 |" in text


def test_the_run_before_may_have_found_nothing(runner: TaskRunner) -> None:
    runner.write({"a.py": "print(1)\n"})
    runner.whole_run()
    runner.write({"a.py": UNUSED})
    assert "1 new, 0 gone, 0 still there." in report(runner, runner.whole_run()).content


def test_runs_that_looked_for_other_things_or_did_not_finish_are_not_compared(runner: TaskRunner) -> None:
    runner.write({"a.py": UNUSED, "b.py": SHELL})
    runner.whole_run(categories=["security"])
    task = runner.start()
    fetch(task)
    scan(runner.db, task)
    detect(runner.db, task)
    with runner.db.transaction(runner.tenant_id) as connection:
        runs.cancel_run(connection, runner.tenant_id, task.run_id, actor="test")
    assert "the first finished run" in report(runner, runner.whole_run()).content
    assert "A run that did not finish is not compared" in report(runner, task.run_id).content


def test_a_report_is_made_of_what_the_rows_hold_when_it_is_asked_for(runner: TaskRunner) -> None:
    runner.write({"b.py": SHELL})
    run_id = runner.whole_run()
    before = report(runner, run_id, "security").content
    [row] = runner.rows("select id from findings where run_id = %s", run_id)
    with runner.db.transaction(runner.tenant_id) as connection:
        findings.repository.dismiss(connection, runner.tenant_id, row["id"], "The command is a constant.")
    after = report(runner, run_id, "security").content
    assert "1 security finding: 0 fixed, 1 open." in before
    assert "1 security finding: 0 fixed, 0 open, 1 judged to be no bug." in after
    assert "Reason given: The command is a constant." in after


def test_phases_and_source_of_the_run_are_told(runner: TaskRunner) -> None:
    runner.write({"a.py": UNUSED})
    text = report(runner, runner.whole_run()).content
    assert [
        name for name in ("scanning", "detecting", "fixing", "verifying") if f"\n    {name} " not in text
    ] == []
    [plan] = set(text.splitlines()[-1].split("`")) & {
        part for part in text.split("`") if part.startswith("sha256:")
    }
    assert len(plan) == len("sha256:") + 12


def test_a_run_that_writes_its_own_report_does_not_say_how_long_that_takes(runner: TaskRunner) -> None:
    runner.write({"a.py": UNUSED})
    run_id = runner.whole_run()
    own = runner.rows("select content from reports where run_id = %s order by created_at limit 1", run_id)[0][
        "content"
    ]
    later = report(runner, run_id).content
    assert " until this report · " in own and "\n    reporting " not in own
    assert " until this report · " not in later and "\n    reporting " in later


def test_the_commit_that_is_checked_out_is_kept_on_the_run_and_told_in_its_report(
    runner: TaskRunner,
) -> None:
    first, second = "1" * 40, "2" * 40
    runner.write({"a.py": UNUSED, ".git/HEAD": first})
    run_id = runner.whole_run()
    runner.write({".git/HEAD": second})  # later: the run is about what it has seen
    assert f" · checked out: `{first}` · source `sha256:" in report(runner, run_id).content
    with runner.db.transaction(runner.tenant_id) as connection:
        assert runs.get_run(connection, runner.tenant_id, run_id).commit == first
        again = runs.retry_run(connection, runner.tenant_id, run_id, actor="test")
    assert again.commit is None  # it has not looked yet
    runner.write({".git/HEAD": "ref: refs/heads/none\n"})
    unknown = runner.whole_run()
    assert " · commit " not in report(runner, unknown).content


def test_a_run_whose_events_are_gone_has_no_timeline(runner: TaskRunner) -> None:
    runner.write({"a.py": UNUSED})
    run_id = runner.whole_run()
    runner.rows("delete from run_events where run_id = %s and type = 'phase' returning seq", run_id)
    assert "## How long it took" not in report(runner, run_id).content


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("style", get_args(Style))
def test_every_style_is_there_in_every_language(runner: TaskRunner, style: Style, language: str) -> None:
    runner.write({"a.py": UNUSED, "b.py": SHELL})
    made = report(runner, runner.whole_run(), style, language)
    assert (made.style, made.language, made.version) == (
        style,
        language,
        2 if (style, language) == ("technical", "en") else 1,
    )
    assert made.content.startswith(f"# {made.title}\n")


def test_a_kind_of_run_without_a_type_of_report_is_refused_with_those_that_have_one(
    runner: TaskRunner,
) -> None:
    run_id = runner.whole_run()
    runner.rows("update runs set kind = 'refactor' where id = %s returning id", run_id)
    with pytest.raises(InvalidInput, match="no reports on runs of kind 'refactor'; there are for: auto-fix"):
        report(runner, run_id)


def test_reports_that_are_asked_for_at_once_get_versions_of_their_own(
    runner: TaskRunner, more_databases: Callable[[], Database]
) -> None:
    runner.write({"a.py": UNUSED})
    run_id = runner.whole_run()
    ready = threading.Barrier(4)
    made: list[Report] = []

    def ask(db: Database) -> None:
        with db.transaction(runner.tenant_id) as connection:
            ready.wait()
            made.append(generator.create(connection, runner.tenant_id, run_id, style="executive"))

    threads = [threading.Thread(target=ask, args=(more_databases(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.version for one in made) == [1, 2, 3, 4]
    kept: list[dict[str, Any]] = runner.rows(
        "select version, content from reports where run_id = %s and style = 'executive' order by version",
        run_id,
    )
    assert [row["version"] for row in kept] == [1, 2, 3, 4]
    assert {row["content"] for row in kept} == {one.content for one in made}

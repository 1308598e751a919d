"""The life of a run, from queued to its end, and its log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID

import pytest
from moto import mock_aws
from run_workspace import Workspace

from nyxcore.db.connection import Database
from nyxcore.errors import ArchiveMissing, InvalidInput, NotFound, RunFinished, RunNotFinished
from nyxcore.ids import uuid7
from nyxcore.runs import repository, service
from nyxcore.runs.models import CostSoFar, Event, RunOptions
from nyxcore.storage import objects


def test_a_new_run_is_queued_with_its_source_pinned_and_its_first_event_written(workspace: Workspace) -> None:
    run = workspace.create(options=RunOptions(unsafe=True, categories=["security"]))

    assert (run.status, run.last_seq, run.phase, run.started_at) == ("queued", 1, None, None)
    assert workspace.get(run.id) == run
    assert workspace.events(run.id) == [(1, "status", {"status": "queued"})]
    workspace.execute("update repositories set path = '/srv/moved' where id = %s", workspace.repository_id)
    with workspace.db.transaction(workspace.tenant_id) as connection:
        row = repository.get(connection, workspace.tenant_id, run.id)
    assert row is not None
    assert row["source"] == {"type": "path", "path": "/srv/demo"}
    assert row["options"] == {"unsafe": True, "categories": ["security"], "force": False}


def test_a_run_reads_as_the_contract_says(workspace: Workspace) -> None:
    run = workspace.running()
    workspace.append(
        run.id,
        Event("progress", {"done": 1, "total": 4, "unit": "fixes"}),
        phase="fixing",
        progress={"done": 1, "total": 4, "unit": "fixes", "phase": "fixing", "packs": {"0": [1, 4]}},
        counts={"files": 8, "findings": 3},
        cost=CostSoFar(tokens=12, usd=Decimal("0.25")),
    )

    written = workspace.get(run.id).model_dump(mode="json", by_alias=True)

    started_at, created_at = written.pop("startedAt"), written.pop("createdAt")
    assert created_at.endswith("Z") and started_at >= created_at
    root = "https://nyx.example/api/v1"
    assert written == {
        "id": str(run.id),
        "kind": "auto-fix",
        "projectId": str(workspace.project_id),
        "repositoryId": str(workspace.repository_id),
        "commit": None,
        "workflowId": None,
        "retryOf": None,
        "status": "running",
        "phase": "fixing",
        "progress": {"done": 1, "total": 4, "unit": "fixes"},
        "counts": {"files": 8, "findings": 3, "fixed": 0},
        "lastSeq": 3,
        "cost": {"tokens": 12, "usd": 0.25},
        "error": None,
        "result": None,
        "finishedAt": None,
        "links": {"self": f"{root}/runs/{run.id}", "events": f"{root}/events/auto-fix/{run.id}"},
    }


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"project_id": uuid7()}, NotFound),
        ({"repository_id": uuid7()}, NotFound),
        ({"repository_id": None}, InvalidInput),
        ({"kind": "refactor"}, InvalidInput),
    ],
)
def test_a_run_on_what_is_not_there_is_refused(
    workspace: Workspace, changes: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        workspace.create(**changes)


def test_a_repository_of_another_project_is_refused(workspace: Workspace) -> None:
    other = uuid7()
    workspace.execute(
        "insert into projects (tenant_id, id, name) values (%s, %s, 'other')", workspace.tenant_id, other
    )
    with pytest.raises(InvalidInput, match="is of another project"):
        workspace.create(project_id=other)


def test_a_github_repository_is_refused_with_a_way_out(workspace: Workspace) -> None:
    repository_id = uuid7()
    workspace.add_repository(repository_id, source="github")
    with pytest.raises(InvalidInput, match="archive"):
        workspace.create(repository_id=repository_id)


def test_a_run_on_an_archive_needs_its_upload_and_pins_the_version_that_is_there(
    workspace: Workspace,
) -> None:
    repository_id = uuid7()
    workspace.add_repository(repository_id, source="archive")
    with pytest.raises(ArchiveMissing):
        workspace.create(repository_id=repository_id)
    key = objects.repository_key(workspace.tenant_id, repository_id, "archives/1")
    workspace.execute(
        "update repositories set archive_key = %s, archive_filename = 'a.zip' where id = %s",
        key,
        repository_id,
    )
    with mock_aws():
        objects.client().create_bucket(Bucket="nyxcore")
        with pytest.raises(ArchiveMissing):
            workspace.create(repository_id=repository_id)
        objects.put(key, b"PK")
        run = workspace.create(repository_id=repository_id)

    with workspace.db.transaction(workspace.tenant_id) as connection:
        row = repository.get(connection, workspace.tenant_id, run.id)
    assert row is not None
    assert row["source"] == {"type": "archive", "key": key, "filename": "a.zip"}


def test_eight_writers_leave_no_hole_and_a_reader_of_the_cursor_misses_nothing(
    workspace: Workspace, more_databases: Callable[[], Database]
) -> None:
    run = workspace.running()
    writers, rounds, batch = 8, 25, 3
    over = threading.Event()
    seen: list[int] = []

    def write(database: Database, writer: int) -> None:
        for number in range(rounds):
            events = [
                Event("log", {"level": "info", "message": f"{writer}.{number}.{n}"}) for n in range(batch)
            ]
            with database.transaction(workspace.tenant_id) as connection:
                connection.execute("select pg_sleep(random() * 0.002)")
                service.append(connection, workspace.tenant_id, run.id, events)

    def read(database: Database) -> None:
        last = 0
        while True:
            final = over.is_set()
            with database.transaction(workspace.tenant_id) as connection:
                rows = connection.execute(
                    "select seq from run_events where run_id = %s and seq > %s order by seq", (run.id, last)
                ).fetchall()
            seen.extend(row["seq"] for row in rows)
            last = seen[-1] if seen else 0
            if final:
                return

    reader = threading.Thread(target=read, args=(more_databases(),))
    reader.start()
    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, [more_databases() for _ in range(writers)], range(writers)))
    over.set()
    reader.join()

    expected = 2 + writers * rounds * batch
    assert seen == list(range(1, expected + 1))
    messages = [data["message"] for _, kind, data in workspace.events(run.id) if kind == "log"]
    for writer in range(writers):
        mine = [m for m in messages if str(m).startswith(f"{writer}.")]
        assert mine == [f"{writer}.{number}.{n}" for number in range(rounds) for n in range(batch)]


def test_done_is_the_run_as_it_is_read_and_nothing_comes_after_it(workspace: Workspace) -> None:
    run = workspace.running()
    workspace.log(run.id, 2)

    ended = workspace.finish(run.id, result={"report": "r1"})

    assert ended == workspace.get(run.id)
    assert (ended.status, ended.last_seq, ended.result) == ("succeeded", 5, {"report": "r1"})
    assert workspace.events(run.id)[-1] == (5, "done", {"run": ended.model_dump(mode="json", by_alias=True)})
    with pytest.raises(RunFinished, match="succeeded"):
        workspace.log(run.id, 1)
    assert workspace.finish(run.id, "failed", error={"code": "late", "message": "late"}) is None
    assert workspace.get(run.id) == ended
    assert len(workspace.events(run.id)) == 5


def test_the_end_and_its_event_are_one_statement(workspace: Workspace) -> None:
    run = workspace.running()
    with workspace.db.transaction(workspace.tenant_id) as connection:
        service.finish_run(connection, workspace.tenant_id, run.id, "succeeded")
        rows = connection.execute(
            "select r.xmin = e.xmin and r.cmin = e.cmin as together from runs r"
            " join run_events e on e.run_id = r.id and e.seq = r.last_seq where r.id = %s",
            (run.id,),
        ).fetchall()
    assert rows == [{"together": True}]


def test_strings_that_the_database_refuses_do_not_keep_a_run_from_ending(workspace: Workspace) -> None:
    run = workspace.running()
    ended = workspace.finish(run.id, "failed", error={"code": "x", "message": "nul \0 and \ud800"})
    assert ended is not None and ended.error is not None
    assert ended.error.message == "nul \ufffd and \ufffd"
    assert workspace.get(run.id) == ended


def test_starting_a_phase_twice_writes_it_once(workspace: Workspace) -> None:
    run = workspace.running()
    for _ in range(2):
        with workspace.db.transaction(workspace.tenant_id) as connection:
            service.phase_started(connection, workspace.tenant_id, run.id, "scanning", 7, "files")
    assert workspace.events(run.id)[2:] == [
        (3, "phase", {"phase": "scanning"}),
        (4, "progress", {"done": 0, "total": 7, "unit": "files"}),
    ]
    read = workspace.get(run.id)
    assert read.phase == "scanning" and read.progress is not None and read.progress.total == 7


def test_progress_of_packs_adds_up_within_a_phase_and_is_not_written_in_another(workspace: Workspace) -> None:
    run = workspace.running()
    progress = {"done": 2, "total": 4, "unit": "files", "phase": "scanning", "packs": {"0": [2, 4]}}
    workspace.append(run.id, phase="scanning", progress=progress)
    with workspace.db.transaction(workspace.tenant_id) as connection:
        known = repository.lock_pack_progress(connection, workspace.tenant_id, run.id, "scanning")
        other = repository.lock_pack_progress(connection, workspace.tenant_id, run.id, "fixing")
    assert (known, other) == ({"0": (2, 4)}, None)


def test_starting_a_run_twice_starts_it_once(workspace: Workspace) -> None:
    run = workspace.running()
    with workspace.db.transaction(workspace.tenant_id) as connection:
        assert service.start_run(connection, workspace.tenant_id, run.id) is None
        row = repository.get(connection, workspace.tenant_id, run.id)
    assert row is not None
    assert (row["deadline"] - row["started_at"]).total_seconds() == pytest.approx(3600, abs=1)
    assert [kind for _, kind, _ in workspace.events(run.id)] == ["status", "status"]


def test_cancelling_twice_is_cancelling_once_and_a_run_that_succeeded_cannot_be_cancelled(
    workspace: Workspace,
) -> None:
    def cancel(run_id: UUID) -> str:
        with workspace.db.transaction(workspace.tenant_id) as connection:
            return service.cancel_run(connection, workspace.tenant_id, run_id, actor="token:test").status

    cancelled, succeeded = workspace.create(), workspace.running()
    workspace.finish(succeeded.id)

    assert [cancel(cancelled.id), cancel(cancelled.id)] == ["cancelled", "cancelled"]
    assert [kind for _, kind, _ in workspace.events(cancelled.id)] == ["status", "done"]
    with pytest.raises(RunFinished):
        cancel(succeeded.id)
    with pytest.raises(NotFound):
        cancel(uuid7())


def test_of_a_cancel_and_a_finish_at_once_exactly_one_takes_effect(
    workspace: Workspace, more_databases: Callable[[], Database]
) -> None:
    databases = more_databases(), more_databases()
    for _ in range(15):
        run = workspace.running()
        start = threading.Barrier(2)

        def end(
            database: Database, status: str, run_id: UUID = run.id, gate: threading.Barrier = start
        ) -> bool:
            gate.wait()
            with database.transaction(workspace.tenant_id) as connection:
                return service.finish_run(connection, workspace.tenant_id, run_id, status) is not None  # type: ignore[arg-type]

        with ThreadPoolExecutor(2) as pool:
            effects = list(pool.map(end, databases, ("cancelled", "succeeded")))
        assert sorted(effects) == [False, True]
        assert [kind for _, kind, _ in workspace.events(run.id)] == ["status", "status", "done"]
        assert workspace.get(run.id).status == ("cancelled" if effects[0] else "succeeded")


def test_a_retry_is_a_new_run_on_the_same_source_with_the_same_options(workspace: Workspace) -> None:
    def retry(run_id: UUID) -> UUID:
        with workspace.db.transaction(workspace.tenant_id) as connection:
            again = service.retry_run(connection, workspace.tenant_id, run_id, actor="token:test")
        assert (again.status, again.retry_of) == ("queued", run_id)
        return again.id

    run = workspace.create(options=RunOptions(unsafe=True))
    with pytest.raises(RunNotFinished):
        retry(run.id)
    workspace.finish(run.id, "failed", error={"code": "x", "message": "y"})
    workspace.execute("update repositories set path = '/srv/moved' where id = %s", workspace.repository_id)
    again = retry(run.id)
    with workspace.db.transaction(workspace.tenant_id) as connection:
        row = repository.get(connection, workspace.tenant_id, again)
    assert row is not None
    assert row["source"]["path"] == "/srv/demo" and row["options"]["unsafe"] is True


def test_runs_are_listed_newest_first_filtered_and_by_page(workspace: Workspace) -> None:
    runs = [workspace.create() for _ in range(5)]
    workspace.finish(runs[1].id, "failed", error={"code": "x", "message": "y"})
    newest_first = [run.id for run in reversed(runs)]

    def listed(**filters: object) -> list[UUID]:
        with workspace.db.transaction(workspace.tenant_id) as connection:
            found = service.list_runs(connection, workspace.tenant_id, limit=2, **filters)  # type: ignore[arg-type]
        return [run.id for run in found]

    assert listed() == newest_first[:2]
    assert listed(after=newest_first[1]) == newest_first[2:4]
    assert listed(after=newest_first[-1]) == []
    assert listed(status="failed") == [runs[1].id]
    assert listed(kind="workflow") == []
    assert listed(project_id=uuid7()) == []


def test_another_tenants_run_is_as_unknown_as_one_that_never_was(
    workspace: Workspace, new_tenant: Callable[[], UUID]
) -> None:
    run = workspace.running()
    stranger = new_tenant()
    with workspace.db.transaction(stranger) as connection:
        with pytest.raises(NotFound):
            service.get_run(connection, stranger, run.id)
        with pytest.raises(NotFound):
            service.append(connection, stranger, run.id, [Event("log", {"level": "info", "message": "x"})])
        with pytest.raises(NotFound):
            service.finish_run(connection, stranger, run.id, "cancelled")
    assert workspace.get(run.id) == run

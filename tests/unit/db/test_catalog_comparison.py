"""Two catalogs are compared object by object."""

from __future__ import annotations

from nyxcore.db.catalog import Difference, compare, snapshot, write

RUNS = {"table": "table, owner nyx_owner", "column id": "uuid not null"}


def test_equal_catalogs_have_no_difference() -> None:
    assert compare({"runs": RUNS}, {"runs": dict(RUNS)}) == []


def test_a_changed_a_missing_and_an_extra_object_are_named_with_both_definitions() -> None:
    actual = {"runs": {"table": RUNS["table"], "column id": "text", "column note": "text"}}
    expected = {"runs": {**RUNS, "index runs_id": "CREATE INDEX"}}
    assert [str(found) for found in compare(expected, actual)] == [
        "runs: column id: expected uuid not null; found text",
        "runs: column note: expected nothing; found text",
        "runs: index runs_id: expected CREATE INDEX; it is missing",
    ]


def test_a_table_that_is_missing_or_too_much_is_one_difference() -> None:
    assert compare({"runs": RUNS}, {}) == [Difference("runs", "table", RUNS["table"], None)]
    assert compare({}, {"runs": RUNS}) == [Difference("runs", "table", None, RUNS["table"])]


def test_a_snapshot_that_was_written_is_read_back_the_same(tmp_path) -> None:
    write({"runs": RUNS, "roles": {"nyx_app": "nosuperuser"}}, tmp_path / "s.json")
    assert snapshot(tmp_path / "s.json") == {"runs": RUNS, "roles": {"nyx_app": "nosuperuser"}}


def test_the_committed_snapshot_is_in_the_form_that_write_gives_it(tmp_path) -> None:
    from nyxcore.db.catalog import SNAPSHOT

    write(snapshot(), tmp_path / "s.json")
    assert (tmp_path / "s.json").read_text() == SNAPSHOT.read_text()

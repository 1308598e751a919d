"""The built-in personas in the database: written after the migrations, and again by every later version."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree

import psycopg
import pytest

from nyxcore.db import catalog
from nyxcore.errors import InvalidInput
from nyxcore.personas import library, repository, service
from nyxcore.upgrade import upgrade


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library as the next version of the product may have it: the test changes it."""
    copy = tmp_path / "library"
    copytree(library.FOLDER, copy)
    read = library.read
    monkeypatch.setattr(library, "read", lambda: read(copy))
    return copy


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def names(db) -> dict[str, str]:
    with db.tenantless() as connection:
        return {
            row["key"]: row["name"] for row in connection.execute("select key, name from personas_builtin")
        }


def test_a_migrated_database_has_them_and_a_second_time_changes_nothing(database_urls, db) -> None:
    assert names(db) == {persona.key: persona.name for persona in library.read()}
    assert upgrade(database_urls.owner_url).personas == []


def test_a_changed_file_is_enough_and_the_schema_stays_as_the_snapshot_says(
    database_urls, db, folder: Path
) -> None:
    edit(folder / "architect.toml", "Software architect", "System architect")
    done = upgrade(database_urls.owner_url)
    assert (done.applied, done.personas) == ([], ["architect"])
    assert names(db)["architect"] == "System architect"
    assert catalog.check(database_urls.owner_url) == []


def test_one_that_the_product_no_longer_has_is_retired_and_comes_back_as_the_same(
    database_urls, db, new_tenant, folder: Path
) -> None:
    tenant = new_tenant()
    reviewer = next(persona for persona in library.read() if persona.key == "reviewer")
    kept = (folder / "reviewer.toml").read_text()
    (folder / "reviewer.toml").unlink()
    assert upgrade(database_urls.owner_url).personas == ["reviewer"]
    with db.transaction(tenant) as connection:
        assert "reviewer" not in {row.key for row in repository.list_personas(connection, tenant)}
        assert service.by_id(connection, tenant, reviewer.id).gone
    (folder / "reviewer.toml").write_text(kept)
    assert upgrade(database_urls.owner_url).personas == ["reviewer"]
    with db.transaction(tenant) as connection:
        assert service.by_key(connection, tenant, "reviewer").id == reviewer.id


def test_two_upgrades_at_once_write_each_change_once(database_urls, db, folder: Path) -> None:
    for persona in library.read():
        edit(folder / f"{persona.key}.toml", f'name = "{persona.name}"', f'name = "New {persona.name}"')
    with ThreadPoolExecutor(2) as pool:
        done = [each.personas for each in pool.map(upgrade, [database_urls.owner_url] * 2)]
    assert sorted(done[0] + done[1]) == sorted(persona.key for persona in library.read())
    assert all(name.startswith("New ") for name in names(db).values())


def test_a_file_that_is_no_persona_changes_nothing(database_urls, db, folder: Path) -> None:
    before = names(db)
    edit(folder / "architect.toml", "Software architect", "System architect")
    edit(folder / "reviewer.toml", 'category = "quality"', 'category = "magic"')
    with pytest.raises(InvalidInput, match=r"reviewer\.toml"):
        upgrade(database_urls.owner_url)
    assert names(db) == before


@pytest.mark.parametrize(
    "statement",
    [
        "update personas_builtin set prompt = 'Do as I say.'",
        "delete from personas_builtin",
        "insert into personas_builtin select * from personas_builtin",
        "truncate personas_builtin",
    ],
)
def test_a_function_reads_them_for_every_tenant_and_changes_none(db, new_tenant, statement: str) -> None:
    for tenant in (new_tenant(), new_tenant()):
        with db.transaction(tenant) as connection:
            assert len(connection.execute("select id from personas_builtin").fetchall()) == 14
    with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction(new_tenant()) as connection:
        connection.execute(statement)

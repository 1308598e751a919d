"""The Lambda function that a deployment invokes before the code."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from migrate import handler as function
from nyxcore.db.schema import names
from nyxcore.errors import InvalidInput
from nyxcore.personas import library
from nyxcore.tenancy import service as tenancy
from nyxcore.tenancy.models import SCOPES


@pytest.fixture
def invoke(monkeypatch):
    """Invokes the handler with this environment and event."""

    def call(urls, event, **environment: str):
        monkeypatch.setenv("NYX_OWNER_URL", urls.owner_url)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        function._environment.cache_clear()
        return function.handler(event, None)

    yield call
    function._environment.cache_clear()


def test_migrate_applies_what_is_pending_and_checks_the_outcome(invoke, empty_urls) -> None:
    personas = [persona.key for persona in library.read()]
    first = invoke(empty_urls, {"action": "migrate"})
    assert first == {"applied": list(names().values()), "personas": personas}
    assert invoke(empty_urls, {"action": "migrate"}) == {"applied": [], "personas": []}


def test_migrate_makes_roles_and_database_when_asked_to(invoke, postgres, empty_urls) -> None:
    answer = invoke(
        empty_urls,
        {"action": "migrate", "bootstrap": True},
        NYX_MASTER_URL=postgres.server.superuser_url,
        NYX_OWNER_PASSWORD="owner",
        NYX_APP_PASSWORD="app",
    )
    assert answer["applied"] == list(names().values())


def test_a_bootstrap_without_its_secrets_names_them(invoke, empty_urls) -> None:
    with pytest.raises(InvalidInput, match="NYX_MASTER_URL, NYX_OWNER_PASSWORD and NYX_APP_PASSWORD"):
        invoke(empty_urls, {"action": "migrate", "bootstrap": True})


def test_migrate_fails_on_a_schema_that_drifted_and_check_tells_how(invoke, database_urls, superuser) -> None:
    superuser.execute("alter table runs no force row level security")
    with pytest.raises(function.SchemaDrifted, match="runs: force row level security"):
        invoke(database_urls, {"action": "migrate"})
    assert invoke(database_urls, {"action": "check"}) == {
        "differences": ["runs: force row level security: expected forced; found not forced"]
    }


def test_status_lists_every_migration(invoke, database_urls) -> None:
    assert invoke(database_urls, {"action": "status"}) == {
        "migrations": [{"name": name, "state": "applied"} for name in names().values()]
    }


def test_a_tenant_is_made_with_its_settings(invoke, database_urls, db) -> None:
    from uuid import UUID

    answer = invoke(database_urls, {"action": "create-tenant", "name": "Acme"})
    with db.transaction(UUID(answer["tenantId"])) as connection:
        assert connection.execute("select name from tenant_settings").fetchone() == {"name": "Acme"}


def test_a_new_tenant_gets_a_first_token_that_may_do_everything(invoke, database_urls, db) -> None:
    answer = invoke(database_urls, {"action": "create-tenant", "name": "Acme"})
    principal = tenancy.authenticate(db, f"Bearer {answer['token']}")
    assert str(principal.tenant_id) == answer["tenantId"]
    assert principal.scopes == frozenset(SCOPES)


@pytest.mark.parametrize("event", [{}, {"action": "drop"}, {"action": "status", "url": "x"}])
def test_an_event_that_is_none_of_these_is_refused(invoke, database_urls, event) -> None:
    with pytest.raises(ValidationError):
        invoke(database_urls, event)

"""The application in this process, on a database of the module and on moto's S3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_stack import Http, Stack
from moto import mock_aws

from nyxcore.credentials import sealing
from nyxcore.db import connection
from nyxcore.db.connection import Database
from nyxcore.runs import dispatch
from nyxcore.runs.models import KINDS
from nyxcore.settings import settings
from nyxcore.storage import objects

FONTS = Path(__file__).parents[3] / "layers/pages/opt/fonts"
_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine"
_CACHES: tuple[Callable[..., object], ...] = (settings, objects.client, dispatch._client, sealing.keys)


@pytest.fixture(scope="module")
def stack(postgres: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The application on a fresh database; a test makes tenants of its own in it."""
    from api.app import create_app

    name = postgres.create()  # type: ignore[attr-defined]
    urls = postgres.urls(name)  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("NYX_DATABASE_URL", urls.app_url)
        patch.setenv("NYX_POOL_SIZE", "6")
        patch.setenv("NYX_BUCKET", "nyxcore-test")
        patch.setenv("NYX_PUBLIC_BASE_URL", "https://nyx.example")
        patch.setenv("NYX_CORS_ORIGINS", '["https://app.example"]')
        patch.setenv("NYX_STREAM_WINDOW_SECONDS", "1")
        patch.setenv("NYX_PDF_PATIENCE_SECONDS", "0.3")
        patch.setenv("NYX_FONTS", str(FONTS))
        patch.setenv("NYX_CREDENTIAL_KEY_FILE", str(tmp_path_factory.mktemp("keys") / "credentials.json"))
        patch.setenv("NYX_STATE_MACHINES", json.dumps({kind: f"{_MACHINE}:{kind}" for kind in KINDS}))
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setattr(connection, "_database", None)
        for cached in _CACHES:
            cached.cache_clear()  # type: ignore[attr-defined]
        objects.client().create_bucket(Bucket="nyxcore-test")
        db = Database(urls.app_url)
        http = Http(create_app())
        yield Stack(http, urls.owner_url, db)
        http.close()
        db.close()
    for cached in _CACHES:
        cached.cache_clear()  # type: ignore[attr-defined]
    postgres.drop(name)  # type: ignore[attr-defined]

"""A server that plays the provider, and calls to it with loopback allowed, as on a laptop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asking import Asking
from model_server import ModelServer

from nyxcore.settings import settings


@pytest.fixture(autouse=True)
def loopback_is_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NYX_MODEL_ADDRESS_EXCEPTIONS", '["127.0.0.0/8"]')
    monkeypatch.setenv("NYX_DEPLOYMENT", "embedded")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def ask(server: ModelServer) -> Asking:
    return Asking(server)

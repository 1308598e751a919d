"""A server that plays the provider, and calls to it with loopback allowed, as on a laptop."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from asking import Asking
from botocore.stub import Stubber
from model_server import ModelServer

from nyxcore.llm import clients
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


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """The client of Bedrock, answered by botocore's stubber."""
    monkeypatch.setenv("NYX_DEPLOYMENT", "aws")
    settings.cache_clear()
    client = boto3.client(
        "bedrock-runtime", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(clients, "bedrock_client", lambda silence: client)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()

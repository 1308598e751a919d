"""The engines, started once a session, and the server whose bytes they read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium
from engines import ChromiumEngine, Engine, NodeEngine
from wire_server import WireServer

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def wire() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def chromium(wire: WireServer) -> Iterator[ChromiumEngine]:
    engine = ChromiumEngine(Chromium(), wire.origin)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def node() -> Iterator[NodeEngine]:
    engine = NodeEngine()
    yield engine
    engine.close()


@pytest.fixture(params=["chromium", "node"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each of the engines in turn."""
    found: Engine = request.getfixturevalue(request.param)
    return found

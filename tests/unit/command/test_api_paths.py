"""The command's client of the API asks for what it was told to, wherever a query is written."""

from __future__ import annotations

import httpx
import pytest

from nyx.api import Api


@pytest.mark.parametrize(
    ("path", "params", "asked"),
    [
        ("/runs", {"status": "waiting"}, "/api/v1/runs?status=waiting"),
        ("/runs?status=waiting", {}, "/api/v1/runs?status=waiting"),
        ("/runs?status=waiting", {"limit": "5"}, "/api/v1/runs?status=waiting&limit=5"),
        ("/runs/1/steps/a", {}, "/api/v1/runs/1/steps/a"),
    ],
)
def test_a_query_reaches_the_api(
    path: str, params: dict[str, str], asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"asked": request.url.raw_path.decode()})

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **all_: client(transport=httpx.MockTransport(answer), **all_))
    assert Api("http://localhost", "t").get(path, **params) == {"asked": asked}

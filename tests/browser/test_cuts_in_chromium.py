"""The stream of `nyx dev` in real Chromium, through 200 cuts at any byte while eight writers write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from chromium import Chromium
from cutting_proxy import CuttingProxy
from live_run import LiveRun, LiveStack, nyx_dev

from nyxcore.settings import settings

CUTS = 200
SECONDS = 60.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with nyx_dev(tmp_path_factory.mktemp("live")) as stack:
        yield stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture
def run(stack: LiveStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRun]:
    monkeypatch.setenv(
        "NYX_STATE_MACHINES", '{"auto-fix": "arn"}'
    )  # the kind is to be had; nothing starts it
    settings.cache_clear()
    run = LiveRun(stack)
    yield run
    run.stop()
    settings.cache_clear()


@pytest.fixture
def cutting(stack: LiveStack) -> Iterator[Callable[..., CuttingProxy]]:
    with ExitStack() as proxies:

        def start(*, half_heads: float) -> CuttingProxy:
            proxy = CuttingProxy(stack.url, CUTS, seed=20261123, half_heads=half_heads)
            proxies.callback(proxy.server_close)
            proxies.callback(proxy.shutdown)
            return proxy

        yield start


def written_until_cut(
    run: LiveRun, proxy: CuttingProxy, half_way: Callable[[], None] = lambda: None
) -> Future[bool]:
    """Writers that write until the last cut, and the end of the run then; whether there were as many cuts."""

    def finish() -> bool:
        half = proxy.half_way.wait(SECONDS)
        half_way()
        all_cut = proxy.exhausted.wait(SECONDS)
        run.finish()  # in any case: whoever reads waits for it
        return half and all_cut

    run.begin()
    executor = ThreadPoolExecutor(1)
    finished = executor.submit(finish)
    executor.shutdown(wait=False)
    return finished


def test_the_client_loses_nothing_and_repeats_nothing_and_renews_its_ticket(
    browser: Chromium, stack: LiveStack, run: LiveRun, cutting: Callable[..., CuttingProxy]
) -> None:
    proxy = cutting(half_heads=0.1)
    browser.open(f"{proxy.origin}/page")
    finishing = written_until_cut(run, proxy, half_way=run.end_tickets)
    argument = f"{{origin: '{proxy.origin}', runId: '{run.id}', token: '{stack.token}', after: null}}"
    followed = browser.evaluate(f"calls.followRun({argument})", timeout=SECONDS)

    assert finishing.result(), f"fewer than {CUTS} cuts"
    (first, kind, _), *rest = followed["events"]
    assert kind == "snapshot"
    assert [number for number, _, _ in rest] == list(range(first + 1, run.last_seq + 1))
    assert [kind for _, kind, _ in rest] == ["log"] * (len(rest) - 1) + ["done"]
    assert followed["end"] == "done"
    assert proxy.cut_in_head > 0
    assert 401 in proxy.statuses
    assert len({asked.query["ticket"] for asked in proxy.asked}) == 2


def test_eventsource_alone_loses_nothing_and_is_stopped_by_204(
    browser: Chromium, stack: LiveStack, run: LiveRun, cutting: Callable[..., CuttingProxy]
) -> None:
    proxy = cutting(half_heads=0.0)
    ticket = stack.post("/events/tickets", {"runId": str(run.id)})["ticket"]
    browser.open(f"{proxy.origin}/page")
    finishing = written_until_cut(run, proxy)
    url = f"{proxy.origin}/api/v1/events/auto-fix/{run.id}?ticket={ticket}&lastEventId=0"
    argument = f"{{url: '{url}', types: ['status', 'log', 'done'], comesBack: true}}"
    result = browser.evaluate(f"calls.readStream({argument})", timeout=SECONDS)

    assert finishing.result(), f"fewer than {CUTS} cuts"
    assert [int(number) for number, _, _ in result["events"]] == list(range(1, run.last_seq + 1))
    assert result["events"][-1][1] == "done"
    assert proxy.statuses[-1] == 204
    assert Counter(proxy.statuses).keys() == {200, 204}
    assert proxy.asked[-1].headers["last-event-id"] == str(run.last_seq)

"""`POST /reports/pdf` with the real Chromium: links, one printing for all who ask, and whatever ends in the middle."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from pypdf import PdfReader
from stack_bench import Dev, Reported, eventually, processes_of

type Nyx = Callable[..., Dev]

BROWSER = b"headless_shell"
LONG = "".join(f"## Part {n}\n\n```mermaid\ngraph TD; A{n}-->B{n}\n```\n\n" for n in range(30))
"""Some seconds of printing: what happens in the middle of it has time to happen."""


@pytest.fixture(scope="module")
def http(reported: Reported) -> Iterator[httpx.Client]:
    with client(reported.dev) as shared:
        yield shared


def client(dev: Dev) -> httpx.Client:
    return httpx.Client(
        base_url=f"{dev.ready['url']}/api/v1",
        headers={"Authorization": f"Bearer {dev.ready['token']}"},
        timeout=60,
    )


def ask(http: httpx.Client, **body: str) -> httpx.Response:
    return http.post("/reports/pdf", json=body)


def printed(http: httpx.Client, **body: str) -> dict[str, Any]:
    """What it comes to in the end, however slow this machine is today."""
    answer = ask(http, **body)
    if answer.status_code == 202:
        run = ended(http, answer.json()["id"])
        assert run["status"] == "succeeded", run
        return dict(run["result"])
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ended(http: httpx.Client, run_id: str) -> dict[str, Any]:
    def run() -> Any:
        found = http.get(f"/runs/{run_id}").json()
        return found if found["status"] in {"succeeded", "failed", "cancelled"} else None

    return dict(eventually(run, f"run {run_id} ends"))


def runs(http: httpx.Client) -> list[dict[str, Any]]:
    return list(http.get("/runs?kind=pdf&limit=200").json()["items"])


def in_the_middle(http: httpx.Client, home: Path) -> tuple[dict[str, Any], int]:
    """The run that prints now, and its browser."""
    run = eventually(lambda: next((r for r in runs(http) if r["phase"] == "rendering"
                                   and r["status"] == "running"), None), "a run prints")  # fmt: skip
    return run, eventually(lambda: browser(home), "Chromium runs")


def browser(home: Path) -> int | None:
    """The browser that a worker of this home has started; it has neither the home's folder nor its environment."""
    workers = processes_of(home)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                program = entry.joinpath("cmdline").read_bytes().split(b"\0")[0]
                if program.endswith(BROWSER) and parent(int(entry.name)) in workers:
                    return int(entry.name)
            except OSError:
                continue  # it ended meanwhile
    return None


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_the_link_downloads_a_pdf_under_a_readable_name(http: httpx.Client) -> None:
    body = {"markdown": "# Größe\n\nWörter.\n", "title": "Müller · Größe", "language": "de"}
    answer = printed(http, **body)
    download = httpx.get(answer["url"])  # without our token
    assert download.headers["content-type"] == "application/pdf"
    name = download.headers["content-disposition"].partition("filename*=UTF-8''")[2]
    assert unquote(name) == "Müller · Größe.pdf"
    pdf = PdfReader(BytesIO(download.content))
    assert (len(pdf.pages), len(download.content)) == (answer["pages"], answer["bytes"])
    assert pdf.trailer["/Root"]["/Lang"] == "de" and "Wörter." in pdf.pages[1].extract_text()


def test_who_asks_twice_at_once_gets_one_printing(http: httpx.Client) -> None:
    before = {run["id"] for run in runs(http)}
    body = {"markdown": f"# Twice\n\n{'Words. ' * 2_000}", "title": "Twice"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: printed(http, **body), range(4)))
    assert len({(answer["pages"], answer["bytes"]) for answer in answers}) == 1
    assert len({run["id"] for run in runs(http)} - before) == 1
    assert ask(http, **body).status_code == 200
    assert len({run["id"] for run in runs(http)} - before) == 1


def test_the_page_has_its_diagrams_drawn_once_the_report_is_printed(
    http: httpx.Client, reported: Reported
) -> None:
    report = http.post(f"/runs/{reported.told['run']['id']}/reports", json={"style": "executive"}).json()
    page = {"Accept": "text/html"}
    before = http.get(f"/reports/{report['id']}", headers=page).text
    assert "xychart-beta" in before and "data:image/svg+xml" not in before
    printed(http, reportId=report["id"])
    after = http.get(f"/reports/{report['id']}", headers=page)
    assert "xychart-beta" not in after.text and "data:image/svg+xml" in after.text
    assert "default-src 'none'" in after.headers["content-security-policy"]


def test_a_deleted_report_is_printed_no_more_and_a_restored_one_is_found_again(
    http: httpx.Client, reported: Reported
) -> None:
    report = http.post(f"/runs/{reported.told['run']['id']}/reports", json={"style": "marketing"}).json()
    first = printed(http, reportId=report["id"])
    assert http.delete(f"/reports/{report['id']}").status_code == 204
    assert ask(http, reportId=report["id"]).status_code == 404
    assert http.post(f"/reports/{report['id']}/restore").status_code == 200
    again = ask(http, reportId=report["id"])
    assert (again.status_code, again.json()["bytes"]) == (200, first["bytes"])


def test_a_cancelled_printing_says_so_and_the_next_one_prints(http: httpx.Client, reported: Reported) -> None:
    body = {"markdown": LONG + "Cancelled.", "title": "Cancelled"}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, http, **body)
        run, _ = in_the_middle(http, reported.dev.home)
        assert http.post(f"/runs/{run['id']}/cancel").json()["status"] == "cancelled"
        answer = waiting.result()
    assert answer.status_code == 409 and "was cancelled: ask again" in answer.json()["detail"]
    assert printed(http, markdown="After it.", title="After")["pages"] == 2


@pytest.mark.parametrize("size", [10_000_000, 40_000_000])
def test_a_request_that_is_too_large_is_refused_as_one(http: httpx.Client, size: int) -> None:
    answer = ask(http, markdown="x" * size, title="Too large")
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert printed(http, markdown=f"After {size}.", title="After")["pages"] == 2


def test_a_table_of_100_000_rows_ends_with_a_clear_error_and_the_next_document_prints(
    http: httpx.Client,
) -> None:
    rows = "| number | what |\n| --- | --- |\n" + "".join(f"| {n} | a row |\n" for n in range(100_000))
    answer = ask(http, markdown=rows, title="Rows")
    assert answer.status_code in {202, 422}, answer.text
    if answer.status_code == 202:
        run = answer.json()
        while run["status"] not in {"succeeded", "failed", "cancelled"}:  # its own limits end it
            time.sleep(0.5)
            run = http.get(f"/runs/{run['id']}").json()
        assert run["status"] == "failed", run
        assert run["error"]["code"] in {"render_out_of_memory", "render_timeout"}
        assert "make" in run["error"]["message"]
    assert printed(http, markdown="After the rows.", title="After")["pages"] == 2


@pytest.mark.parametrize("victim", ["worker", "browser"])
def test_what_is_killed_in_the_middle_is_tried_again(
    http: httpx.Client, reported: Reported, victim: str
) -> None:
    body = {"markdown": f"{LONG}Killed: {victim}.", "title": f"Killed {victim}"}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(printed, http, **body)
        run, chromium = in_the_middle(http, reported.dev.home)
        os.kill(parent(chromium) if victim == "worker" else chromium, signal.SIGKILL)
        assert waiting.result()["pages"] > 10
    assert ended(http, run["id"])["status"] == "succeeded"


def test_a_stack_that_is_killed_while_it_prints_comes_back_and_prints(nyx: Nyx) -> None:
    patience = {"NYX_PDF_PATIENCE_SECONDS": "0"}
    dev = nyx("dev", "--json", "--port", "0", environment=patience).wait_ready()
    kept = {"markdown": "Kept.", "title": "Kept"}
    with client(dev) as http:
        answer = ask(http, **kept)
        assert answer.status_code == 202 and answer.headers["location"].endswith(answer.json()["id"])
        result = ended(http, answer.json()["id"])["result"]
        assert result.keys() == {"url", "expiresAt", "pages", "bytes"}
        assert len(httpx.get(result["url"]).content) == result["bytes"]
        lost = ask(http, markdown=LONG, title="Lost").json()["id"]
        in_the_middle(http, dev.home)
    dev.end(signal.SIGKILL)

    again = nyx("dev", "--json", "--port", "0", environment=patience).wait_ready()
    with client(again) as http:
        run = http.get(f"/runs/{lost}").json()
        assert (run["status"], run["error"]["code"]) == ("failed", "interrupted")
        found = ask(http, **kept)
        assert (found.status_code, found.json()["bytes"]) == (200, result["bytes"])
        assert printed(http, markdown=LONG, title="Lost")["pages"] > 10

"""The report's page reaches nothing, whatever stands in it; and each layer of its protection would do alone."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import leaks
import pytest
from leaks import MEASURED, MORE, NEVER, Listener
from print_jobs import CHROMIUM, job, page
from pypdf import PdfReader

from nyxpdf import browser as browsers
from nyxpdf.browser import Browser, Page
from nyxpdf.errors import BrowserFailed, InvalidJob
from nyxpdf.limits import Limits
from nyxpdf.printer import Printer

ALL = {**MEASURED, **MORE, **NEVER}
WORKING = MEASURED.keys() | MORE.keys()
ADDRESSES = (
    "http://169.254.169.254",
    "http://[fe80::1]",
    "http://10.0.0.1",
    "http://localhost",
    "http://leak.example",
)
RULES, PROXY = browsers._NO_NETWORK[:1], browsers._NO_NETWORK[1:3]


def document(listener: Listener) -> str:
    return page(leaks.body(ALL, f"http://127.0.0.1:{listener.port}") + leaks.datagrams(listener.port))


@contextlib.contextmanager
def shown_page(*flags: str) -> Iterator[Page]:
    """A page of a browser with these flags."""
    browser = Browser(CHROMIUM, flags)
    try:
        with browser.page(browser.budget(Limits())) as shown:
            yield shown
    finally:
        browser.close()


def text_of(pdf: bytes) -> str:
    return "\n".join(each.extract_text() for each in PdfReader(io.BytesIO(pdf)).pages)


def sealed(shown: Page, html: str) -> None:
    shown.seal()
    shown.load(html)


def test_every_way_out_works_when_nothing_is_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: otherwise the tests below would prove nothing."""
    monkeypatch.setattr(browsers, "_NO_NETWORK", ())
    with Listener() as listener:
        with shown_page() as shown:
            shown.load(document(listener))
            listener.wait_for({*WORKING, "a datagram"}, 20)
        assert WORKING - listener.asked == set()
        assert "a datagram" in listener.asked
        assert not NEVER.keys() & listener.asked


def test_none_of_them_gets_out_of_a_printed_job(printer: Printer) -> None:
    with Listener() as listener:
        own = Printer(CHROMIUM, Limits())
        try:
            own.print(job(document(listener)))
        finally:
            own.close()  # what it had asked for would have arrived by now
        assert listener.asked == set()


@pytest.mark.parametrize("name", ALL)
def test_nothing_gets_out_of_a_header_either(name: str) -> None:
    """Chromium's page for headers runs no scripts; of some of the others it dies, which is an error like any."""
    with Listener() as listener:
        own = Printer(CHROMIUM, Limits())
        try:
            with contextlib.suppress(BrowserFailed):
                own.print(job(page("text"), header=ALL[name](f"http://127.0.0.1:{listener.port}/v/{name}")))
        finally:
            own.close()
        assert listener.asked == set()


@pytest.mark.parametrize(
    ("flags", "load"),
    [((), sealed), (RULES, Page.load), (PROXY, Page.load)],
    ids=["JavaScript off and offline", "no name resolves", "a dead proxy"],
)
def test_each_layer_alone_lets_no_request_out(
    monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], load: Callable[[Page, str], None]
) -> None:
    monkeypatch.setattr(browsers, "_NO_NETWORK", ())
    with Listener() as listener:
        html = page(leaks.body(ALL, f"http://127.0.0.1:{listener.port}"))
        with shown_page(*flags) as shown:
            load(shown, html)
            shown.call("Page.printToPDF", printBackground=True)
        assert listener.asked == set()


@pytest.mark.parametrize("origin", ADDRESSES)
@pytest.mark.parametrize(("load", "heard"), [(Page.load, {"img", "css-import", "iframe"}), (sealed, set())])
def test_no_other_address_is_asked_for_either(
    monkeypatch: pytest.MonkeyPatch, origin: str, load: Callable[[Page, str], None], heard: set[str]
) -> None:
    """Link-local, private, names: a proxy that listens hears of every address, unless the page is sealed."""
    monkeypatch.setattr(browsers, "_NO_NETWORK", ())
    with Listener() as listener:
        proxy = f"--proxy-server=http://127.0.0.1:{listener.port}"
        with shown_page(proxy, "--proxy-bypass-list=<-loopback>") as shown:
            load(shown, page(leaks.body(ALL, origin)))
            listener.wait_for(heard, 20)
        assert heard <= listener.asked
        assert heard or not listener.asked


FILE_WAYS = (
    '<iframe src="{url}" width="600" height="99"></iframe>',
    '<object data="{url}" type="text/plain" width="600" height="99"></object>',
    '<embed src="{url}" type="text/plain" width="600" height="99">',
    '<link rel="stylesheet" href="{url}.css"><p class="secret"></p>',
    '<style>@import "{url}.css";</style><p class="secret"></p>',
    '<iframe srcdoc="<iframe src={url}></iframe>" width="600" height="99"></iframe>',
)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text("TOPSECRET")
    tmp_path.joinpath("secret.txt.css").write_text(".secret::before { content: 'TOPSECRET' }")
    return path


@pytest.mark.parametrize("way", FILE_WAYS)
def test_no_file_is_read(printer: Printer, secret: Path, tmp_path: Path, way: str) -> None:
    html = page(f"<p>before</p>{way.format(url=secret.as_uri())}<p>after</p>")
    control = tmp_path / "control.html"
    control.write_text(html)
    with shown_page() as shown:
        shown.open(control.as_uri())
        pdf = shown.call("Page.printToPDF", printBackground=True)["data"]
    assert "TOPSECRET" in text_of(base64.b64decode(pdf)), "the way works where nothing is protected"
    text = text_of(printer.print(job(html)).pdf)
    assert "before" in text
    assert "after" in text
    assert "TOPSECRET" not in text


@pytest.mark.parametrize(
    "url", ["chrome://version", "chrome://gpu", "chrome-error://chromewebdata", "view-source:about:blank"]
)
def test_the_browsers_own_pages_are_not_shown(printer: Printer, url: str) -> None:
    frames = f'<iframe src="{url}" width="600" height="300"></iframe><object data="{url}"></object>'
    printed = printer.print(job(page(f"<p>before</p>{frames}<p>after</p>")))
    assert text_of(printed.pdf).split() == ["before", "after", "1", "/", "1"]


@pytest.mark.parametrize(
    "target", ["data:text/html,replaced", "http://127.0.0.1:9/", "about:blank", "file:///etc/hostname"]
)
def test_a_refresh_does_not_replace_the_document(printer: Printer, target: str) -> None:
    """Whichever is faster, printing or the refresh: the document or an error, never another document."""
    refresh = f'<meta http-equiv="refresh" content="0;url={target}">'
    slow = "<table>" + "<tr><td>a row</td></tr>" * 2_000 + "</table>"
    try:
        printed = printer.print(job(page(f"{refresh}<p>the document</p>{slow}<p>its end</p>")))
    except (InvalidJob, BrowserFailed):
        return
    assert text_of(printed.pdf).startswith("the document")
    assert "its end" in text_of(printed.pdf)


def test_a_page_that_has_led_away_from_itself_is_noticed() -> None:
    with shown_page() as shown:
        shown.seal()
        shown.load(page("<p>the document</p>"))
        assert shown.shows_what_was_loaded()
        shown.open("about:blank")
        assert not shown.shows_what_was_loaded()

"""The report's page reaches nothing, whatever stands in it; and what each layer of its protection does alone."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator

import leaks
import pytest
from leaks import MEASURED, MORE, NEVER, REFRESH, Listener
from print_jobs import CHROMIUM, job, page
from pypdf import PdfReader

from nyxpdf import browser as browsers
from nyxpdf.browser import Browser, Page
from nyxpdf.cdp import PageCrashed, Refused
from nyxpdf.errors import BrowserFailed, InvalidJob
from nyxpdf.limits import Limits
from nyxpdf.printer import Printer

ALL = {**MEASURED, **MORE, **NEVER}
WORKING = MEASURED.keys() | MORE.keys()
DATAGRAM = {"a datagram"}
ADDRESSES = (
    "http://169.254.169.254",
    "http://[fe80::1]",
    "http://10.0.0.1",
    "http://localhost",
    "http://leak.example",
)
RULES, PROXY, POLICY = browsers._NO_NETWORK[:1], browsers._NO_NETWORK[1:3], browsers._NO_NETWORK[3:4]
HELD = 2.0  # seconds that a page is kept: far longer than a refresh, a request and a datagram take


def everything(port: int) -> str:
    return page(leaks.body(ALL, f"http://127.0.0.1:{port}") + leaks.datagrams(port))


def refresh(port: int) -> str:
    return page(leaks.body(REFRESH, f"http://127.0.0.1:{port}"))


type Document = Callable[[int], str]
DOCUMENTS = pytest.mark.parametrize("document", [everything, refresh])


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


def heard(
    flags: tuple[str, ...], load: Callable[[Page, str], None], document: Document, wanted: set[str]
) -> set[str]:
    """What is asked for by a page that is shown until all that is wanted was, or for a time."""
    with Listener() as listener:
        with shown_page(*flags) as shown:
            load(shown, document(listener.port))
            listener.wait_for(wanted or {"nothing"}, 20 if wanted else HELD)
        return listener.asked


@pytest.mark.parametrize(("document", "ways"), [(everything, WORKING | DATAGRAM), (refresh, REFRESH.keys())])
def test_every_way_out_works_when_nothing_is_protected(
    monkeypatch: pytest.MonkeyPatch, document: Document, ways: set[str]
) -> None:
    """The control: otherwise the tests below would prove nothing."""
    monkeypatch.setattr(browsers, "_NO_NETWORK", ())
    asked = heard((), Page.load, document, set(ways))
    assert ways - asked == set()
    assert not NEVER.keys() & asked


@DOCUMENTS
def test_none_of_them_gets_out_of_a_printed_job(document: Document) -> None:
    with Listener() as listener:
        own = Printer(CHROMIUM, Limits())
        try:
            with contextlib.suppress(InvalidJob, Refused):  # the refresh was before or during the printing
                own.print(job(document(listener.port)))
            listener.wait_for({"nothing"}, HELD)
        finally:
            own.close()
        assert listener.asked == set()


def offline(shown: Page, html: str) -> None:
    shown.cut_off()
    shown.load(html)


@DOCUMENTS
@pytest.mark.parametrize(
    ("flags", "load", "known"),
    [
        ((), sealed, set()),
        ((), offline, {"worker", "a connection"}),  # the page is offline, its worker is not
        (RULES, Page.load, DATAGRAM),
        (PROXY, Page.load, DATAGRAM),
        (RULES + POLICY, Page.load, set()),
        (PROXY + POLICY, Page.load, set()),
        (browsers._NO_NETWORK, Page.load, set()),
    ],
    ids=[
        *("JavaScript off and offline", "offline", "no name resolves", "a dead proxy"),
        *("no name resolves, no UDP", "a dead proxy, no UDP", "all flags of the browser"),
    ],
)
def test_each_layer_alone_lets_out_what_is_known_of_it_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
    document: Document,
    flags: tuple[str, ...],
    load: Callable[[Page, str], None],
    known: set[str],
) -> None:
    monkeypatch.setattr(browsers, "_NO_NETWORK", ())
    expected = known if document is everything else set()
    assert heard(flags, load, document, expected) == expected


# Chromium's own page around header and footer takes these amiss.
DEADLY = {"stylesheet", "prefetch", "css-import", "css-font", "modulepreload"}


def in_a_header(names: set[str], origin: str) -> str:
    ways = {name: way for name, way in {**ALL, **REFRESH}.items() if name in names}
    return f'<span style="font-size: 9px">HEADER</span>{leaks.body(ways, origin)}'


def test_a_header_leads_nowhere_even_where_nothing_is_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of what follows: Chromium shows a header, runs no script of it and loads nothing for it."""
    monkeypatch.setattr(browsers, "_NO_NETWORK", ())
    monkeypatch.setattr(Page, "seal", lambda _: None)
    own = Printer(CHROMIUM, Limits())
    with Listener() as listener:
        try:
            origin = f"http://127.0.0.1:{listener.port}"
            printed = own.print(
                job(page("text"), header=in_a_header(ALL.keys() - DEADLY | REFRESH.keys(), origin))
            )
            assert "HEADER" in text_of(printed.pdf)
            assert listener.asked == set()
            own.print(job(page(f'<img src="{origin}/v/img">')))
            assert "img" in listener.asked, "the same from the page itself is heard"
        finally:
            own.close()


def test_what_a_header_takes_is_printed_and_gets_nothing_out() -> None:
    with Listener() as listener:
        own = Printer(CHROMIUM, Limits())
        try:
            header = in_a_header(ALL.keys() - DEADLY | REFRESH.keys(), f"http://127.0.0.1:{listener.port}")
            assert "HEADER" in text_of(own.print(job(page("text"), header=header)).pdf)
        finally:
            own.close()
        assert listener.asked == set()


@pytest.mark.parametrize("name", sorted(DEADLY))
def test_of_what_a_header_does_not_take_the_job_fails_and_gets_nothing_out(name: str) -> None:
    """No product code writes a header from a document; the next job is printed, as after any fault."""
    with Listener() as listener:
        own = Printer(CHROMIUM, Limits())
        try:
            with pytest.raises((Refused, PageCrashed)):
                own.print(job(page("text"), header=in_a_header({name}, f"http://127.0.0.1:{listener.port}")))
            assert own.print(job(page("text"))).pages == 1
        finally:
            own.close()
        assert listener.asked == set()


@pytest.mark.parametrize("origin", ADDRESSES)
@pytest.mark.parametrize(
    ("load", "ways"), [(Page.load, WORKING - {"websocket"}), (sealed, set())], ids=["loose", "sealed"]
)
def test_no_other_address_is_asked_for_either(
    monkeypatch: pytest.MonkeyPatch, origin: str, load: Callable[[Page, str], None], ways: set[str]
) -> None:
    """Link-local, private, names: a proxy that listens hears of every address, unless the page is sealed.

    Of a WebSocket it hears `CONNECT` and the address alone.
    """
    monkeypatch.setattr(browsers, "_NO_NETWORK", ())
    tunnel = {f"{origin.removeprefix('http://')}:80"} if ways else set()
    with Listener() as listener:
        proxy = f"--proxy-server=http://127.0.0.1:{listener.port}"
        with shown_page(proxy, "--proxy-bypass-list=<-loopback>") as shown:
            load(shown, page(leaks.body(ALL, origin)))
            listener.wait_for(ways | tunnel or {"nothing"}, 20 if ways else HELD)
        assert listener.asked - {"a connection"} == ways | tunnel


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

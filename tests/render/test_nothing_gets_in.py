"""No file and none of the browser's own pages gets into a report, whatever it asks for."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import leaks
import pytest
from leaks import MEASURED, MORE, NEVER, REFRESH, Opened
from print_jobs import job, page
from test_nothing_gets_out import HELD, sealed, shown_page, text_of

from nyxpdf.browser import Page
from nyxpdf.errors import InvalidJob
from nyxpdf.printer import Printer

ALL = {**MEASURED, **MORE, **NEVER}
# Those that read a file for a page that is a file itself: raw HTML, SVG and CSS. Scripts and data URIs read none there.
READING = {
    *(
        "img",
        "srcset",
        "picture",
        "input",
        "poster",
        "video",
        "audio",
        "prefetch",
        "preload",
        "script",
        "stylesheet",
    ),
    *("iframe", "srcdoc", "object", "embed", "form", "svg-image", "svg-filter"),
    *("css-background", "css-content", "css-font", "css-image-set", "css-import", "css-list"),
}
# Those of which Chromium says by name that it refused them; the others end without a word.
REFUSED = READING - {"form"} | {
    *("css-mask", "svg-use", "import", "modulepreload", "eventsource", "xhr", "fetch", "handler", "worker"),
    *("data-frame", "data-svg-frame"),
}
OWN_PAGE = "chrome://blob-internals"  # one that the headless shell has
OWN_WORDS = "No available blob data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file for each way to ask for."""
    files = tmp_path / "v"
    files.mkdir()
    for name in {**ALL, **REFRESH}:
        files.joinpath(name).write_text("TOPSECRET")
    return files


def refusals(shown: Page) -> Iterator[str]:
    """What the page's log says that Chromium has refused."""
    shown.evaluate("1")  # what was logged before has arrived now
    for event in shown._connection._events:
        if event["method"] == "Log.entryAdded":
            text = event["params"]["entry"]["text"]
            if "Not allowed to load local resource" in text or "is not supported" in text:
                yield text


@pytest.mark.parametrize("ways", [ALL, REFRESH], ids=["all at once", "refresh"])
def test_a_page_that_is_a_file_itself_reads_the_files(folder: Path, ways: dict[str, leaks.Way]) -> None:
    """The control: the ways, the files' names and who watches them are right."""
    expected = READING if ways is ALL else {"refresh"}
    control = folder.parent / "control.html"
    control.write_text(page(leaks.body(ways, folder.parent.as_uri())))
    with Opened(folder) as files, shown_page() as shown:
        shown.open(control.as_uri())
        files.wait_for(expected, 20)
        assert expected - files.asked == set()


@pytest.mark.parametrize("scheme", ["file", "chrome"])
def test_chromium_refuses_each_by_name_where_nothing_else_is_protected(folder: Path, scheme: str) -> None:
    """Each was tried; a page that came as text may ask for neither, even with scripts and network."""
    origin = folder.parent.as_uri() if scheme == "file" else OWN_PAGE
    with Opened(folder) as files, shown_page() as shown:
        shown.call("Log.enable")
        shown.load(page(leaks.body(ALL, origin)))
        files.wait_for({"nothing"}, HELD)
        named = {name for text in refusals(shown) for name in re.findall(r"/v/([a-z-]+)", text)}
        assert REFUSED - named == set()
        assert files.asked == set()


@pytest.mark.parametrize("ways", [ALL, REFRESH], ids=["all at once", "refresh"])
def test_no_file_is_opened_by_a_sealed_page(folder: Path, ways: dict[str, leaks.Way]) -> None:
    with Opened(folder) as files, shown_page() as shown:
        sealed(shown, page(leaks.body(ways, folder.parent.as_uri())))
        files.wait_for({"nothing"}, HELD)
        assert files.asked == set()


FILE_WAYS = (
    '<iframe src="{url}" width="600" height="99"></iframe>',
    '<object data="{url}" type="text/plain" width="600" height="99"></object>',
    '<embed src="{url}" type="text/plain" width="600" height="99">',
    '<link rel="stylesheet" href="{url}.css"><p class="secret"></p>',
    '<style>@import "{url}.css";</style><p class="secret"></p>',
    '<iframe srcdoc="<iframe src={url}></iframe>" width="600" height="99"></iframe>',
    '<svg width="600" height="99"><image href="{url}.svg" width="600" height="99"/></svg>',
    '<img src="{url}.svg">',
)
PICTURE = f'<svg xmlns="{leaks.SVG}" width="600" height="99"><text y="50">TOPSECRET</text></svg>'


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text("TOPSECRET")
    tmp_path.joinpath("secret.txt.css").write_text(".secret::before { content: 'TOPSECRET' }")
    tmp_path.joinpath("secret.txt.svg").write_text(PICTURE)
    return path


@pytest.mark.parametrize("way", FILE_WAYS)
def test_no_file_is_printed(printer: Printer, secret: Path, tmp_path: Path, way: str) -> None:
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


def test_the_browsers_own_page_can_be_opened() -> None:
    """The control of what follows."""
    with shown_page() as shown:
        shown.open(OWN_PAGE)
        assert OWN_WORDS in text_of(base64.b64decode(shown.call("Page.printToPDF")["data"]))


@pytest.mark.parametrize(
    "url", [OWN_PAGE, "chrome://version", "chrome-error://chromewebdata", "view-source:about:blank"]
)
def test_the_browsers_own_pages_are_not_shown(printer: Printer, url: str) -> None:
    frames = f'<iframe src="{url}" width="600" height="300"></iframe><object data="{url}"></object>'
    printed = printer.print(job(page(f"<p>before</p>{frames}<p>after</p>")))
    assert text_of(printed.pdf).split() == ["before", "after", "1", "/", "1"]


def test_the_browsers_own_page_is_shown_by_no_other_way_either(printer: Printer) -> None:
    for ways in (ALL, REFRESH):
        try:
            text = text_of(printer.print(job(page(f"<p>before</p>{leaks.body(ways, OWN_PAGE)}"))).pdf)
        except InvalidJob:
            assert ways is REFRESH
        else:
            assert "before" in text
            assert OWN_WORDS not in text

"""Hostile Markdown on the whole way to paper: printed or refused by name, within the printer's own limits, and the next
document prints.
"""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from print_jobs import CHROMIUM, job, page
from test_hostile_jobs import png

from nyxcore.errors import MarkdownTooLarge
from nyxcore.markup.service import decode
from nyxcore.pages.models import PageDocument
from nyxcore.pages.service import print_job
from nyxpdf.browser import Browser
from nyxpdf.errors import RenderError, RenderOutOfMemory, RenderTimeout, TooManyPages
from nyxpdf.limits import Limits
from nyxpdf.printer import Printed, Printer

NEXT = job(page("<p>the next document</p>"))
LIMITS = Limits()


pytestmark = pytest.mark.usefixtures("copied_fonts")


@pytest.fixture
def own() -> Iterator[Printer]:
    """A printer of the test's own, whose browser runs."""
    printer = Printer(CHROMIUM, LIMITS)
    printer.print(NEXT)
    yield printer
    printer.close()


class Peak:
    """The most memory that a browser held, looked at more often than the printer itself does."""

    def __init__(self, browser: Browser) -> None:
        self.bytes = 0
        self._browser, self._over = browser, threading.Event()
        self._watch = threading.Thread(target=self._look)

    def __enter__(self) -> Peak:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.bytes = max(self.bytes, self._browser.memory())


def as_job(markdown: str) -> bytes:
    return print_job(
        PageDocument(
            title="Hostile", project="P", kind="K", date=datetime(2026, 11, 23, tzinfo=UTC), markdown=markdown
        )
    )


def a_line(characters: int) -> str:
    return "x" * characters


def rows(count: int) -> str:
    return "| number | what |\n| --- | --- |\n" + "".join(f"| {n} | a row |\n" for n in range(count))


def quotes() -> str:
    return ">" * 1_000 + " in the middle\n"


def diagrams() -> str:
    return "".join(f"```mermaid\ngraph TD\n A{n} --> B{n}\n```\n\n" for n in range(500))


def no_utf8() -> str:
    return decode(b"before \xff\xfe\xc3\x28 \xed\xa0\x80 \xf8\x88 after\n\n" * 1_000)


def picture(side: int) -> str:
    return f"![noise](data:image/png;base64,{b64encode(png(side)).decode()})\n"


@pytest.mark.parametrize(
    ("markdown", "characters"),
    [(a_line(10_000_000), "10,000,000"), (picture(6_400), "54,6")],
    ids=["a line of ten megabytes", "a picture of forty megabytes"],
)
def test_what_is_too_large_for_any_page_is_refused_before_it_is_read(
    own: Printer, markdown: str, characters: str
) -> None:
    with pytest.raises(MarkdownTooLarge, match=f"{characters}.*at most 8,000,000"):
        as_job(markdown)
    assert own.print(NEXT).pages == 1


# Which of its limits a document meets first, and whether a line meets any, depends on how fast the machine is; none may
# make the browser fail.
LARGE: dict[str, tuple[Callable[[], str], set[type[RenderError]], bool]] = {
    "as long a line as is taken": (
        lambda: a_line(7_900_000),
        {RenderOutOfMemory, RenderTimeout, TooManyPages},
        True,
    ),
    "100,000 rows": (lambda: rows(100_000), {RenderOutOfMemory, RenderTimeout}, False),
}


@pytest.mark.parametrize(("markdown", "errors", "may_print"), LARGE.values(), ids=LARGE)
def test_what_is_too_large_for_the_printer_is_refused_by_name(
    own: Printer, markdown: Callable[[], str], errors: set[type[RenderError]], may_print: bool
) -> None:
    assert own._browser is not None
    given = as_job(markdown())
    with Peak(own._browser) as peak:
        try:
            found = own.print(given)
        except RenderError as error:
            assert type(error) in errors and re.search(r"smaller|shorte[nr]", str(error))
        else:
            assert may_print and found.pages > 400
    assert peak.bytes < LIMITS.memory * 1.25, "it may grow between two of the printer's looks, and ends then"
    assert own.print(NEXT).pages == 1


def drawn_or_told(found: Printed) -> bool:
    """Each diagram is a picture, or has its source and a note where no time for it was left."""
    pictures = len(re.findall(r'<figure class="diagram"><img src="data:image/svg', found.html))
    return pictures > 0 and pictures + found.html.count("This diagram could not be drawn") == 500


PRINTED: dict[str, tuple[Callable[[], str], Callable[[Printed], bool]]] = {
    "1,000 quotes in each other": (quotes, lambda found: "in the middle" in found.html),
    "500 diagrams": (diagrams, drawn_or_told),
    "no UTF-8": (no_utf8, lambda found: "before \ufffd" in found.html and " after" in found.html),
    "the largest picture that is taken": (
        lambda: picture(1_700),
        lambda found: "data:image/png" in found.html,
    ),
}


@pytest.mark.parametrize(("markdown", "holds"), PRINTED.values(), ids=PRINTED)
def test_what_is_within_the_limits_is_printed_whole(
    own: Printer, markdown: Callable[[], str], holds: Callable[[Printed], bool]
) -> None:
    assert own._browser is not None
    given = as_job(markdown())
    with Peak(own._browser) as peak:
        printed = own.print(given)
    assert holds(printed)
    assert 0 < peak.bytes < LIMITS.memory
    assert own.print(NEXT).pages == 1

"""Print jobs to PDFs, one after another, by one browser that is kept warm."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nyxpdf import diagrams
from nyxpdf import job as jobs
from nyxpdf.browser import Browser, Page
from nyxpdf.errors import ContentsUnstable, InvalidJob, JobTooLarge, TooManyPages
from nyxpdf.fonts import Faces
from nyxpdf.limits import MIB, Budget, Limits
from nyxpdf.pdf import Pdf

_PRINTING: Final = {"printBackground": True, "preferCSSPageSize": True}
_NUMBERINGS: Final = 3  # numbers may move a heading to the next page, once
# Chromium lays a document out four times: for the screen, at the screen's width as if in print, for the paper, and for
# the screen again. Only the third is wanted, so the screen is wider than any paper (200 inches are the most) and has
# nothing on it. That no layout asks for the fonts before the third is made up for, even where an element is called
# `fonts` and hides those of the document.
_SCREEN: Final = 20_000  # CSS pixels
_OFF_SCREEN: Final = (
    f"<style>@media (min-width: {_SCREEN}px) {{ html {{ display: none !important }} }}</style>"
)
_LOAD_FONTS: Final = """
Promise.allSettled(
  Array.from(Object.getOwnPropertyDescriptor(Document.prototype, "fonts").get.call(document), (face) => face.load())
).then(() => true)
"""


@dataclass(frozen=True)
class Printed:
    """A printed job.

    Attributes
    ----------
    pdf : the document; the same for the same job and the same versions.
    pages : how many it has.
    html : the job's page with its diagrams drawn in and its page numbers filled: the view on a screen.
    """

    pdf: bytes
    pages: int
    html: str


class Printer:
    """Keeps one browser warm; not for two threads at once. `close` ends it, and so does the end of this process."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """`folder` is what layers/chromium/unpack.py made; the browser is started by the first job."""
        self._folder, self._limits = folder, limits
        self._browser: Browser | None = None
        self._documents = 0

    def print(self, job: bytes) -> Printed:
        """Print a job (see `nyxpdf.job`).

        Raises
        ------
        InvalidJob, JobTooLarge, TooManyPages, ContentsUnstable, RenderTimeout, RenderOutOfMemory : it is the job's
        fault. BrowserFailed : it may be anyone's. ChromiumMissing : it is the installation's.
        After one that came while printing the next job gets a browser of its own.
        """
        if len(job) > self._limits.job_bytes:
            raise JobTooLarge(
                f"The print job has {len(job):,} bytes, more than the {self._limits.job_bytes // MIB} MiB that are"
                " allowed; make the document or its images smaller."
            )
        read = jobs.parse(job)
        browser = self._ready()
        try:
            printed = _print(browser, read, browser.budget(self._limits))
        except BaseException:
            self.close()
            raise
        self._documents += 1
        return printed

    def close(self) -> None:
        """End the browser. A later job starts another."""
        if self._browser is not None:
            self._browser.close()
        self._browser, self._documents = None, 0

    def _ready(self) -> Browser:
        if self._browser is not None and (
            self._documents >= self._limits.documents or not self._browser.alive()
        ):
            self.close()
        if self._browser is None:
            self._browser = Browser(self._folder)
        return self._browser


def _print(browser: Browser, job: jobs.PrintJob, budget: Budget) -> Printed:
    drawn: dict[int, str] = {}
    if job.diagrams:
        sources = {number: diagram.source for number, diagram in enumerate(job.diagrams)}
        drawn = diagrams.draw(browser, sources, Faces(job.html), job.created, budget)
    html, pdf = _numbered(browser, job.with_diagrams(drawn), job, budget)
    return Printed(pdf.stamped(author=job.author, created=job.created), pdf.page_count(), html)


def _numbered(browser: Browser, open_html: str, job: jobs.PrintJob, budget: Budget) -> tuple[str, Pdf]:
    """The page with its places of page numbers filled, and its PDF: one pass without such places, else two.

    The first pass tells, too, whether contents are worth their place; without them the second has no numbers to fill.
    """
    if not jobs.ids_to_number(open_html):
        return open_html, _pass(browser, open_html, job, budget, structure=True)
    first = _pass(browser, open_html, job, budget, structure=False)  # a quarter faster without tags
    fitting = jobs.with_fitting_contents(open_html, first.page_count())
    if fitting != open_html:
        return _numbered(browser, fitting, job, budget)
    places = first.pages_of()
    for _ in range(_NUMBERINGS):
        html = jobs.with_page_numbers(open_html, places)
        pdf = _pass(browser, html, job, budget, structure=True)
        moved = pdf.pages_of()
        if moved == places:
            return html, pdf
        places = moved
    raise ContentsUnstable("The page numbers of the contents move the headings; make the contents shorter.")


def _pass(browser: Browser, html: str, job: jobs.PrintJob, budget: Budget, *, structure: bool) -> Pdf:
    with browser.page(budget) as page:
        page.seal()
        page.widen(_SCREEN)
        page.load(html.replace("</head>", f"{_OFF_SCREEN}</head>", 1))
        page.evaluate(_LOAD_FONTS)
        pdf = Pdf(_printed(page, job, structure=structure))
        if not page.shows_what_was_loaded():
            raise InvalidJob("The page leads away from itself; take the refresh out of it.")
    if pdf.page_count() > budget.limits.pages:
        raise TooManyPages(
            f"The document has {pdf.page_count():,} pages, more than the {budget.limits.pages:,} that are allowed;"
            " shorten its tables and lists."
        )
    return pdf


def _printed(page: Page, job: jobs.PrintJob, *, structure: bool) -> bytes:
    answer = page.call(
        "Page.printToPDF",
        **_PRINTING,
        generateTaggedPDF=structure,
        generateDocumentOutline=structure,
        displayHeaderFooter=bool(job.header or job.footer),
        # an empty template would be Chromium's own
        headerTemplate=job.header or "<span></span>",
        footerTemplate=job.footer or "<span></span>",
    )
    return base64.b64decode(answer["data"])

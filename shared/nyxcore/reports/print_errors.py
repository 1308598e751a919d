"""Why a document was not printed: the errors of `nyxpdf`, which knows no HTTP, as a user of the API sees them.

The names of the classes and their codes are those of `nyxpdf.errors`: that is how Step Functions hands them on.
"""

from __future__ import annotations

from nyxcore.errors import NyxError, every_error


class InvalidJob(NyxError):
    """The page that was laid out is none that the printer takes: a fault of the service."""

    code = "invalid_print_job"


class JobTooLarge(NyxError):
    """The page with its fonts and images has more bytes than the printer takes."""

    code, status = "print_job_too_large", 422


class TooManyPages(NyxError):
    """The document has more pages than the printer makes."""

    code, status = "too_many_pages", 422


class ContentsUnstable(NyxError):
    """The page numbers of the document's contents never come to rest: a fault of the service's layout."""

    code = "contents_unstable"


class RenderTimeout(NyxError):
    """The document was not printed within the printer's limit of time."""

    code, status = "render_timeout", 422


class RenderOutOfMemory(NyxError):
    """The document took more memory than the printer has."""

    code, status = "render_out_of_memory", 422


class BrowserFailed(NyxError):
    """Chromium ended in the middle of it, several times."""

    code, status, retryable = "browser_failed", 503, True


class Refused(BrowserFailed):
    """Chromium refused a command."""


class PageCrashed(BrowserFailed):
    """The page's process ended."""


class ChromiumMissing(NyxError):
    """There is no Chromium on this machine."""

    code, status = "chromium_missing", 503


PRINT_ERRORS: tuple[type[NyxError], ...] = (
    InvalidJob,
    JobTooLarge,
    TooManyPages,
    ContentsUnstable,
    RenderTimeout,
    RenderOutOfMemory,
    BrowserFailed,
    Refused,
    PageCrashed,
    ChromiumMissing,
)


def refusal(code: str, message: str) -> NyxError:
    """The error of a run of kind `pdf` that ended with this code; of a code that no error has, `internal_error`.

    It may be any: the page is laid out from Markdown that is too large, or of a report that is gone.
    """
    known = next((kind for kind in every_error() if kind.code == code), NyxError)
    told = known.__new__(known)  # some are made of more than a message, which no run keeps
    NyxError.__init__(told, message)
    return told

"""What can go wrong with a print job: a stable code each, and whether trying again can help.

Step Functions match on the names of the classes. A message names the value and the way out, and nothing of what
stands in the document.
"""

from __future__ import annotations

from typing import ClassVar


class RenderError(Exception):
    """Base of them all.

    Attributes
    ----------
    code : stable identifier in snake_case.
    retryable : whether the same job may succeed later without being changed.
    """

    code: ClassVar[str] = "render_failed"
    retryable: ClassVar[bool] = False


class InvalidJob(RenderError):
    """The print job is no UTF-8, no JSON, or lacks a part."""

    code = "invalid_print_job"


class JobTooLarge(RenderError):
    """The print job has more bytes than the limit."""

    code = "print_job_too_large"


class TooManyPages(RenderError):
    """The document has more pages than the limit."""

    code = "too_many_pages"


class ContentsUnstable(RenderError):
    """Writing the page numbers into the contents moves what they number, each time anew."""

    code = "contents_unstable"


class RenderTimeout(RenderError):
    """The document was not printed within the limit of time."""

    code = "render_timeout"


class RenderOutOfMemory(RenderError):
    """The browser's processes took more memory than the limit."""

    code = "render_out_of_memory"


class BrowserFailed(RenderError):
    """Chromium ended, or answered what it should not. The next document gets a new one."""

    code, retryable = "browser_failed", True


class ChromiumMissing(RenderError):
    """There is no Chromium in the folder that was named, or it does not start."""

    code = "chromium_missing"

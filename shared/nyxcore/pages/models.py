"""What a page is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Language = Literal["en", "de"]
Paper = Literal["A4", "Letter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDocument:
    """A report, or any Markdown, that is to become a page.

    Attributes
    ----------
    title : stands on the cover, at the head of every page and in the PDF's properties. A first `# heading` of the
        Markdown that equals it is not repeated below the cover.
    project : name of the project; "" leaves it out.
    kind : the report's type as people read it, such as "Auto-fix"; "" leaves it out.
    date : when the report was made, with a time zone; the cover tells its day in UTC.
    language : of the page's own words, of hyphenation and of quotes.
    paper : the sheet that it is printed on.
    markdown : the text.
    url : where the QR code leads; None for none.
    """

    title: str
    project: str
    kind: str
    date: datetime
    markdown: str
    language: Language = "en"
    paper: Paper = "A4"
    url: str | None = None

"""What a Markdown document becomes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A heading of the document.

    Attributes
    ----------
    level : 1 to 6.
    id : the `id` of its element: unique in the document, begins with `section-`, without spaces.
    text : what it says, without markup.
    """

    level: int
    id: str
    text: str


@dataclass(frozen=True)
class Markup:
    """A document as HTML that can neither run, load nor forge anything.

    Attributes
    ----------
    html : the sanitised fragment, to stand in a `<body>`.
    headings : its Markdown headings, in order (headings written as raw HTML are none of them).
    diagrams : the sources of its ```mermaid fences, in order; at the place of the n-th, counted from 0, stands exactly
        `<figure class="diagram" data-diagram="n"></figure>`.
    """

    html: str
    headings: tuple[Heading, ...]
    diagrams: tuple[str, ...]

"""A document's tokens made into what may be shown: links, images, headings, code, diagrams, footnotes, alerts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import unescape

from markdown_it.common.utils import escapeHtml, unescapeAll
from markdown_it.token import Token

from nyxcore.markup import raw_html
from nyxcore.markup.characters import shown_in_code
from nyxcore.markup.embedded import Embedded
from nyxcore.markup.footnotes import Footnotes
from nyxcore.markup.headings import Headings
from nyxcore.markup.highlighting import Highlighter
from nyxcore.markup.images import Images
from nyxcore.markup.limits import LIMITS, html_within
from nyxcore.markup.targets import resolve
from nyxcore.markup.wording import Phrase

_TAG = re.compile(r"<[^>]*>")  # of HTML that `raw_html` wrote: it has no > in an attribute


class Document:
    """One conversion: what it has found so far, and what is left of its budgets."""

    def __init__(self, words: Mapping[Phrase, str], embedded: Embedded) -> None:
        self.headings = Headings()
        self.diagrams: list[str] = []
        self._words = words
        self._images = Images(words, embedded)
        self._highlighter = Highlighter()
        self._made = 0  # characters of HTML
        footnotes = Footnotes(words)
        self._blocks: dict[str, Callable[[list[Token], int], None]] = {
            "heading_open": self._heading,
            "fence": self._fence,
            "code_block": self._code,
            "plain": self._plain,
            "alert_open": self._alert,
            "inline": self._inline,
            "footnote_block_open": footnotes.open_block,
            "footnote_open": footnotes.open_note,
            "footnote_anchor": footnotes.back,
        }
        self._footnotes = footnotes

    def finish(self, tokens: list[Token]) -> None:
        """Change the tokens, in place, into ones whose rendering is safe to be sanitised."""
        raw_html.rewrite(tokens, self._images.html)
        for index, token in enumerate(tokens):
            if (change := self._blocks.get(token.type)) is not None:
                change(tokens, index)

    def _heading(self, tokens: list[Token], index: int) -> None:
        text = "".join(_texts(tokens[index + 1].children or []))
        token = tokens[index]
        token.attrSet("id", self.headings.add(int(token.tag[1:]), text).id)

    def _fence(self, tokens: list[Token], index: int) -> None:
        token = tokens[index]
        language = (unescapeAll(token.info).split() or [""])[0]
        if language.lower() == "mermaid":
            html = f'<figure class="diagram" data-diagram="{len(self.diagrams)}"></figure>\n'
            self.diagrams.append(token.content)
        else:
            html = self._highlighter.html(token.content, language)
        token.type, token.content = "made", html

    def _code(self, tokens: list[Token], index: int) -> None:
        token = tokens[index]
        token.type, token.content = "made", self._highlighter.html(token.content, "")

    def _plain(self, tokens: list[Token], index: int) -> None:
        token = tokens[index]
        notes = [
            self._words[name].format(limit=limit) for name, limit in LIMITS.items() if name == token.info
        ]
        html = self._highlighter.html(token.content, "")
        token.content = "".join(f'<p class="note">{note}</p>\n' for note in notes) + html
        token.type = "made"

    def _alert(self, tokens: list[Token], index: int) -> None:
        kinds: dict[str, Phrase] = {
            "note": "note",
            "tip": "tip",
            "important": "important",
            "warning": "warning",
            "caution": "caution",
        }
        kind = kinds[tokens[index].info.lower()]
        tokens[index].attrs["class"] = f"alert alert-{kind}"
        tokens[index + 1].attrs["class"] = "alert-title"
        tokens[index + 2].children = [Token("text", "", 0, content=self._words[kind])]

    def _inline(self, tokens: list[Token], index: int) -> None:
        children = tokens[index].children or []
        opened: list[Token | None] = []  # the links around; None: one that stays
        for token in children:
            match token.type:
                case "link_open":
                    opened.append(self._link(token))
                case "link_close":
                    self._end_of_link(token, opened.pop())
                case "image":
                    source, alt = str(token.attrs["src"]), "".join(_texts(token.children or []))
                    title = (
                        f' title="{escapeHtml(str(token.attrs["title"]))}"' if "title" in token.attrs else ""
                    )
                    html = self._images.html(source, alt, title, linked=bool(opened))
                    token.type, token.content = "made", html
                case "code_inline":
                    token.type, token.content = (
                        "made",
                        f"<code>{shown_in_code(escapeHtml(token.content))}</code>",
                    )
                case "footnote_ref":
                    self._footnotes.reference(token)
            if token.type == "made":
                self._made += len(token.content)
                html_within(self._made)

    def _link(self, token: Token) -> Token | None:
        target = resolve(str(token.attrs["href"]))
        if target is None:
            token.hidden = True
            return token
        token.attrs["href"] = target
        return None

    def _end_of_link(self, token: Token, refused: Token | None) -> None:
        """After a link that leads nowhere, say where it would have led; a bare address has said so itself."""
        if refused is None:
            return
        address = "" if refused.info == "auto" else unescapeAll(str(refused.attrs["href"]))
        token.type, token.content = "made", f" ({escapeHtml(address)})" if address else ""


def _texts(tokens: list[Token]) -> list[str]:
    """What the tokens say, without markup."""
    texts: list[str] = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            texts.append(token.content)
        elif token.type == "image":
            texts += _texts(token.children or [])
        elif token.type in ("softbreak", "hardbreak"):
            texts.append(" ")
        elif token.type == "made":  # raw HTML: a tag that was refused is text
            texts.append(unescape(_TAG.sub("", token.content)))
    return texts

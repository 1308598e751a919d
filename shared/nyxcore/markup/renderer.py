"""How tokens become HTML where GFM wants it otherwise than markdown-it."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from nyxcore.markup.limits import html_within


class Renderer(RendererHTML):
    """markdown-it's renderer with GFM's `del`, `align` and check boxes, and tokens that are HTML of ours already."""

    def render(self, tokens: Sequence[Token], options: OptionsDict, env: EnvType) -> str:
        """The tokens as HTML.

        Raises
        ------
        MarkdownTooLarge : as soon as it is more than `limits.MAX_HTML`.
        """
        out: list[str] = []
        size = 0
        for index, token in enumerate(tokens):
            if token.type == "inline":
                fragment = self.render(token.children or (), options, env)
            elif (rule := self.rules.get(token.type)) is not None:
                fragment = rule(tokens, index, options, env)
            else:
                fragment = self.renderToken(tokens, index, options, env)
            size += len(fragment)
            html_within(size)
            out.append(fragment)
        return "".join(out)

    def made(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """HTML that the conversion has written itself."""
        return tokens[idx].content

    def s_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """GFM 6.5."""
        return "<del>"

    def s_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """GFM 6.5."""
        return "</del>"

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """GFM 4.10."""
        return f"<td{_align(tokens[idx])}>"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """GFM 4.10."""
        return f"<th{_align(tokens[idx])}>"

    def bullet_list_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """GFM 5.3."""
        return self._without_class(tokens, idx, options, env)

    def ordered_list_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """GFM 5.3."""
        return self._without_class(tokens, idx, options, env)

    def list_item_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """GFM 5.3."""
        item = self._without_class(tokens, idx, options, env)
        if "checked" not in tokens[idx].meta:
            return item
        checked = ' checked=""' if tokens[idx].meta["checked"] else ""
        return f'{item}<input{checked} disabled="" type="checkbox"> '

    def _without_class(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        tokens[idx].attrs.pop("class", None)
        return self.renderToken(tokens, idx, options, env)


def _align(token: Token) -> str:
    style = str(token.attrs.get("style", ""))
    return f' align="{style.removeprefix("text-align:")}"' if style else ""

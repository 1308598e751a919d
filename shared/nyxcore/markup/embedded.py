"""The data of images, kept out of the parsers' way: megabytes in which there is nothing to parse.

Each is replaced by some characters of its own alphabet, and put back wherever those stand in the end, be it an image, a
line of code or a word. In every such place letters, digits, `+`, `/` and `=` mean only themselves.
"""

from __future__ import annotations

import re

from nyxcore.markup.limits import html_within

_DATA = re.compile(r"(?<=;base64,)[A-Za-z0-9+/]{400,}={0,2}")
_STUB = re.compile(r"nyxEmbedded([0-9]{1,7})=")


class Embedded:
    """The data of one document's images."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def take(self, markdown: str) -> str:
        """The document with a stub for each image's data."""
        return _DATA.sub(self._stub, markdown)

    def data(self, base64: str) -> str:
        """What the stub stands for; data that was short enough to stay is returned as it is."""
        return _STUB.sub(self._restored, base64)

    def put_back(self, html: str) -> str:
        """The HTML with the data again.

        Raises
        ------
        MarkdownTooLarge : if that makes it larger than `limits.MAX_HTML`.
        """
        html_within(len(html) + sum(len(self._restored(stub)) for stub in _STUB.finditer(html)))
        return _STUB.sub(self._restored, html)

    def _stub(self, data: re.Match[str]) -> str:
        self._data.append(data[0])
        return f"nyxEmbedded{len(self._data) - 1}="

    def _restored(self, stub: re.Match[str]) -> str:
        number = int(stub[1])
        return self._data[number] if number < len(self._data) else stub[0]

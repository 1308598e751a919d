"""A paragraph is long by its text, not by the image that it carries."""

import base64
import struct
import zlib

import pytest

from nyxcore.markup.service import render


def png(size: int) -> str:
    """A PNG of one pixel with `size` bytes of comment, as a data URI."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    picture = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"tEXt", b"Comment\0" + b"x" * size)
        + chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
        + chunk(b"IEND", b"")
    )
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


@pytest.mark.parametrize("size", [20_000, 200_000, 2_000_000])
@pytest.mark.parametrize(
    "form", ["See ![the **plan**]({}) of it.", 'See <img src="{}" alt="the plan"> of it.']
)
def test_an_image_of_many_bytes_stands_in_its_paragraph(form: str, size: int) -> None:
    uri = png(size)
    html = render(form.format(uri)).html
    assert f'<p>See <img src="{uri}" alt="the plan"> of it.</p>' in html


@pytest.mark.parametrize("mark", ["<!-- ", "<![CDATA[", "[", "![", "`", "*_", '<a b="'])
def test_an_image_makes_the_text_around_it_no_slower_to_read(mark: str) -> None:
    """Its megabyte is read once, not at each mark: this would take minutes otherwise."""
    html = render("x " + mark * 2_000 + f"![y]({png(1_000_000)})").html
    assert '<p class="note">' not in html and len(html) > 1_000_000


@pytest.mark.parametrize("mark", ["[", "`"])
def test_an_image_buys_no_room_for_text(mark: str) -> None:
    uri = png(50_000)
    html = render("x " + mark * 25_000 + f"![y]({uri})").html
    assert "<img" not in html and '<p class="note">' in html and uri in html


def test_a_heading_says_the_tags_that_were_refused_too() -> None:
    (heading,) = render("# Torture & <Co>, <b>bold</b> `<i>`").headings
    assert heading.text == "Torture & <Co>, bold <i>"

"""Images that a document carries itself are shown; all others are named."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest
from html_reading import assert_harmless, read

from nyxcore.markup import images
from nyxcore.markup.service import render


def png(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0;"


def jpeg(width: int, height: int) -> bytes:
    exif = b"\xff\xe1\x00\x08Exif\0\0"
    return (
        b"\xff\xd8"
        + exif
        + b"\xff\xc2\x00\x0b\x08"
        + struct.pack(">HH", height, width)
        + b"\1\1\x11\0\xff\xd9"
    )


def webp(chunk: bytes, body: bytes) -> bytes:
    return b"RIFF\x40\0\0\0WEBP" + chunk + b"\x20\0\0\0" + body


def lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height))


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14))


def extended(width: int, height: int) -> bytes:
    return webp(b"VP8X", b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


MAKERS = [("png", png), ("gif", gif), ("jpeg", jpeg), ("webp", lossy), ("webp", lossless), ("webp", extended)]


@pytest.mark.parametrize(("kind", "make"), MAKERS)
def test_an_image_in_the_document_is_shown(kind: str, make: object) -> None:
    assert callable(make)
    source = uri(kind, make(30, 20))
    for text in (f'![the plan]({source} "t")', f'<img src="{source}" alt="the plan" title="t" width="30">'):
        page = assert_harmless(render(text).html)
        (image,) = [attributes for tag, attributes in page.elements if tag == "img"]
        assert (image["src"], image["alt"], image["title"]) == (source, "the plan", "t")


@pytest.mark.parametrize(("kind", "make"), MAKERS)
def test_an_image_of_more_pixels_than_a_page_can_use_is_left_out(kind: str, make: object) -> None:
    assert callable(make)
    html = render(f"![the plan]({uri(kind, make(12_000, 12_000))})").html
    assert "<img" not in html and "the plan (left out, since it is too large)" in html


@pytest.mark.parametrize(
    "source",
    [
        uri("png", gif(1, 1)),
        uri("webp", b"RIFF____WEBPVP9 " + b"\0" * 20),
        uri("jpeg", b"\xff\xd8\xff"),
        uri("png", b""),
        "data:image/png;base64,AAA",
        "data:image/png;base64,%41",
    ],
)
def test_what_is_no_image_of_its_kind_is_left_out(source: str) -> None:
    html = render(f"![der Plan]({source})", language="de").html
    assert "<img" not in html and "der Plan (weggelassen, weil kein PNG, JPEG, GIF oder WebP)" in html


def test_a_large_image_is_left_out_and_the_next_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 1_000)
    large, small = uri("gif", gif(1, 1) + b"\0" * 1_000), uri("gif", gif(1, 1))
    html = render(f"![large]({large})\n\n![small]({small})").html
    assert (
        html.count("<img") == 1
        and "large (left out, since it is too large)" in html
        and 'alt="small"' in html
    )


def test_images_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_TOTAL_BYTES", 100)
    html = render(f"![a]({uri('gif', gif(1, 1))})\n\n" * 20).html
    assert html.count("<img") == 5 and html.count("left out") == 15


@pytest.mark.parametrize(
    "source", ["pictures/a.png", "data:image/svg+xml;base64,AAAA", "data:text/html,x", "file:///a"]
)
def test_an_image_that_cannot_be_shown_leaves_its_text(source: str) -> None:
    page = read(render(f"![the plan]({source}) <img src='{source}' alt='a plan'>").html)
    assert "the plan" in page.text and "a plan" in page.text and page.count("img") == 0

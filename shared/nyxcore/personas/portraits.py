"""The portraits, drawn for this project: SVG images without text, script or reference to anything outside."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import get_args
from urllib.parse import quote

from nyxcore.personas.models import Portrait

FOLDER = Path(__file__).with_name("library")


@cache
def data_uri(portrait: Portrait) -> str:
    """The drawing as a data URI, which an `<img>` shows without a request and without running anything in it.

    A name that this version of the code has no drawing for (the database may be newer) is shown as `guest`.
    """
    name = portrait if portrait in get_args(Portrait) else "guest"
    drawing = (FOLDER / f"{name}.svg").read_text(encoding="utf-8").replace("\n", "").replace('"', "'")
    return "data:image/svg+xml," + quote(drawing, safe=" ='/:;,()")

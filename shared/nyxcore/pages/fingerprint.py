"""What the looks of a page depend on beside its document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import nyxcore
from nyxcore.settings import settings

SHARED: Final = Path(nyxcore.__file__).parents[1]
# what reads the document, lays it out and prints it; what a report's page says beside its text
FOLDERS: Final = ("nyxcore/markup", "nyxcore/pages", "nyxcore/reports/labels", "nyxpdf")
FILES: Final = ("nyxcore/reports/page.py",)
LIBRARIES: Final = ("markdown-it-py", "mdit-py-plugins", "nh3", "pygments", "segno")

_SOURCES: Final = frozenset({".py", ".css", ".js", ".json", ".toml"})


@cache
def fingerprint() -> str:
    """Changes whenever the same document may be printed or shown otherwise.

    With our code and its release, with a library that reads Markdown or draws codes, with fonts, Chromium or mermaid
    (the fonts' index names their versions, see `layers/pages/fonts.mjs`), and with the address that QR codes lead to.
    """
    digest = hashlib.sha256()
    for name in ("nyxcore", *LIBRARIES):
        digest.update(f"{name} {version(name)}\n".encode())
    digest.update(f"{settings().report_base_url}\n".encode())
    for path in _files():
        digest.update(f"{path.relative_to(SHARED)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    index = Path(settings().fonts) / "index.json"
    digest.update(index.read_bytes() if index.is_file() else b"")
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for folder in FOLDERS:
        if not SHARED.joinpath(folder).is_dir():
            raise FileNotFoundError(f"{SHARED / folder} is missing: what is printed cannot be told apart")
        yield from sorted(path for path in SHARED.joinpath(folder).rglob("*") if path.suffix in _SOURCES)
    yield from (SHARED / name for name in FILES)

"""What the looks of a page depend on beside its document."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import nyxcore
from nyxcore.settings import settings


@cache
def fingerprint() -> str:
    """Changes whenever the same document may be laid out otherwise: with our code, or with another release."""
    digest = hashlib.sha256(version("nyxcore").encode())
    root = Path(nyxcore.__file__).parent
    for path in sorted(path for folder in ("markup", "pages") for path in (root / folder).rglob("*.*")):
        if path.suffix in {".py", ".css", ".json"}:
            digest.update(path.read_bytes())
    fonts = Path(settings().fonts) / "index.json"
    digest.update(fonts.read_bytes() if fonts.is_file() else b"")
    return digest.hexdigest()

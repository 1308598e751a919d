"""`make setup`: Chromium, its libraries and fonts, and mermaid, out of npm's packages into `opt/chromium` here.

That folder is /opt/chromium on Lambda, and `nyx` and the tests use the very same. What is in it:

    headless_shell            the browser
    libEGL.so, ...            SwiftShader, which must lie beside the browser
    lib/                      NSS and the like, as Amazon Linux 2023 has them; the browser needs them in LD_LIBRARY_PATH
    fonts/                    Open Sans: what is drawn where a page brings no font
    mermaid.min.js
    versions.json             {"chromium": ..., "mermaid": ...}; written last, so a folder that has it is whole

A second call does nothing. The folder is made under another name and then renamed: whoever looks sees all or nothing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE / "opt" / "chromium"
MODULES = HERE.parents[1] / "node_modules"
CHROMIUM, MERMAID = MODULES / "@sparticuz" / "chromium", MODULES / "mermaid"
ARCHIVES = ("swiftshader", "al2023", "fonts")


def main() -> None:
    """Make the folder unless it has the versions that npm has brought. Exits with a sentence when npm has not."""
    try:
        versions = {"chromium": _version(CHROMIUM), "mermaid": _version(MERMAID)}
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is missing: run `npm ci --ignore-scripts`, or `make setup`")
    if _unpacked() == versions:
        return
    TARGET.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TARGET.parent, prefix=".unpacking-") as scratch:
        fresh, stale = Path(scratch, "fresh"), Path(scratch, "stale")
        _unpack(fresh, Path(scratch, "archive.tar"))
        fresh.joinpath("versions.json").write_text(json.dumps(versions), encoding="utf-8")
        if TARGET.exists():
            TARGET.rename(stale)
        fresh.rename(TARGET)


def _version(package: Path) -> str:
    return str(json.loads(package.joinpath("package.json").read_text(encoding="utf-8"))["version"])


def _unpacked() -> object:
    try:
        return json.loads(TARGET.joinpath("versions.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _unpack(folder: Path, scratch: Path) -> None:
    folder.mkdir()
    _decompress("chromium.br", folder / "headless_shell")
    folder.joinpath("headless_shell").chmod(0o755)
    for archive in ARCHIVES:
        _decompress(f"{archive}.tar.br", scratch)
        with tarfile.open(scratch) as opened:
            opened.extractall(folder, filter="data")
    folder.joinpath("fonts.conf").unlink()  # names /tmp: the renderer writes one of its own
    shutil.copyfile(MERMAID / "dist" / "mermaid.min.js", folder / "mermaid.min.js")


def _decompress(name: str, target: Path) -> None:
    """Node has a decoder for Brotli; Python has none."""
    subprocess.run(["node", HERE / "unbrotli.js", CHROMIUM / "bin" / name, target], check=True)


if __name__ == "__main__":
    main()

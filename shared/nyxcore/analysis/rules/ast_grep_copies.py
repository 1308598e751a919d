"""Copies each JavaScript rule of ast-grep to TypeScript and TSX, which have grammars of their own.

ast-grep binds a rule to one grammar and refuses an id that comes twice, so each copy has its language and
a suffix to its id. A rule about JSX is not copied to TypeScript, whose grammar has none. Run it after
changing a rule:

    python -m nyxcore.analysis.rules.ast_grep_copies
"""

from __future__ import annotations

import re
from pathlib import Path

from nyxcore.analysis.rules.tables import COPY_SUFFIXES, ast_grep_config_dir

_LANGUAGES = {"typescript": "TypeScript", "tsx": "Tsx"}
_HEADER = "# Made by ast_grep_copies.py from ../javascript/{name}; change that file instead.\n"


def copies(folder: Path) -> dict[Path, str]:
    """The text of each file that the copying makes, by its path under `folder`."""
    texts: dict[Path, str] = {}
    for source in sorted((folder / "javascript").glob("*.yml")):
        text = source.read_text(encoding="utf-8")
        for language, suffix in COPY_SUFFIXES.items():
            if language == "typescript" and "kind: jsx_" in text:
                continue
            copy = _replace_line(text, "id", f"{source.stem}", f"{source.stem}{suffix}", source)
            copy = _replace_line(copy, "language", "JavaScript", _LANGUAGES[language], source)
            texts[folder / language / source.name] = _HEADER.format(name=source.name) + copy
    return texts


def _replace_line(text: str, key: str, old: str, new: str, source: Path) -> str:
    replaced, count = re.subn(rf"(?m)^{key}: {re.escape(old)}$", f"{key}: {new}", text)
    if count != 1:
        raise ValueError(f"{source.name} has {count} lines `{key}: {old}` where one is needed")
    return replaced


def write_copies(folder: Path) -> None:
    """Make the copies under `folder` and remove those whose rule is gone."""
    texts = copies(folder)
    for language in COPY_SUFFIXES:
        (folder / language).mkdir(exist_ok=True)
        for stale in set((folder / language).glob("*.yml")) - set(texts):
            stale.unlink()
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_copies(ast_grep_config_dir())

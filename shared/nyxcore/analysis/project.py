"""What a repository says about itself: oldest Python, and the rules that its maintainers switched off.

Read from bytes alone. Nothing is run, imported or followed (`extend` in ruff's settings is not), and no tool
ever sees these files. What cannot be read becomes a note.
"""

from __future__ import annotations

import configparser
import fnmatch
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from nyxcore.analysis.python_versions import minimum_of, requirement_in_setup_py

SETTINGS_FILES: Final = (
    "pyproject.toml",
    "ruff.toml",
    ".ruff.toml",
    "setup.cfg",
    "tox.ini",
    ".flake8",
    "setup.py",
)
_OLDEST_TARGET, _NEWEST_TARGET = (3, 7), (3, 15)
_CODE = re.compile(r"[A-Z][A-Z0-9]*")
_CLASSIFIER = re.compile(r"Programming Language :: Python :: (?:(\d+)\.(\d+)|2\b)")

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """The settings of a repository that bear on what is found and fixed.

    Attributes
    ----------
    minimum : the oldest Python that the project says it runs on, (3, 8); None when it does not say.
    ignored : codes, or beginnings of codes, switched off everywhere.
    per_file : patterns of paths with the codes switched off there; a pattern that begins with `!` holds for
        the paths that do not match it.
    notes : what could not be read, for the report.
    """

    minimum: Version | None = None
    ignored: tuple[str, ...] = ()
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The target version for ruff: the project's oldest, or the oldest that ruff knows."""
        major, minor = min(max(self.minimum or _OLDEST_TARGET, _OLDEST_TARGET), _NEWEST_TARGET)
        return f"py{major}{minor}"

    def ignored_in(self, path: str) -> tuple[str, ...]:
        """The codes that are switched off for the file at `path` in particular."""
        return tuple(code for pattern, codes in self.per_file if _covers(pattern, path) for code in codes)

    def to_json(self) -> dict[str, object]:
        """A JSON object that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> ProjectSettings:
        """What `to_json` wrote."""
        minimum, ignored, per_file, notes = (
            value[key] for key in ("minimum", "ignored", "per_file", "notes")
        )
        if not isinstance(ignored, list | tuple) or not isinstance(per_file, list | tuple):
            raise TypeError("these are not the settings of a project")
        return cls(
            minimum=(int(minimum[0]), int(minimum[1])) if isinstance(minimum, list | tuple) else None,
            ignored=tuple(map(str, ignored)),
            per_file=tuple((str(pattern), tuple(map(str, codes))) for pattern, codes in per_file),
            notes=tuple(map(str, notes)) if isinstance(notes, list | tuple) else (),
        )


def read_settings(files: Mapping[str, bytes]) -> ProjectSettings:
    """The settings that the files at the root of a repository hold.

    Parameters
    ----------
    files : content by name, of those in `SETTINGS_FILES` that exist.
    """
    reader = _Reader()
    for name in SETTINGS_FILES:
        if name in files:
            reader.read(name, files[name])
    return reader.settings()


class _Reader:
    """Collects what several files say; where two differ about the oldest Python, metadata decides."""

    def __init__(self) -> None:
        self._required: list[Version] = []
        self._targets: list[Version] = []
        self._classified: list[Version] = []
        self._ignored: list[str] = []
        self._per_file: list[tuple[str, tuple[str, ...]]] = []
        self._notes: list[str] = []

    def read(self, name: str, content: bytes) -> None:
        try:
            text = content.decode("utf-8-sig")
            if name.endswith(".toml"):
                self._toml(name, text)
            elif name == "setup.py":
                self._setup_py(text)
            else:
                self._ini(text)
        except (ValueError, configparser.Error, RecursionError):
            self._notes.append(f"{name} could not be read; the settings in it were not taken into account.")

    def settings(self) -> ProjectSettings:
        known = self._required or self._targets or self._classified
        return ProjectSettings(
            minimum=min(known) if known else None,
            ignored=tuple(sorted(set(self._ignored))),
            per_file=tuple(dict.fromkeys(self._per_file)),
            notes=tuple(self._notes),
        )

    def _toml(self, name: str, text: str) -> None:
        table = tomllib.loads(text)
        if name != "pyproject.toml":
            self._ruff(table)
            return
        project, tool = _table(table.get("project")), _table(table.get("tool"))
        self._require(project.get("requires-python"))
        self._classify(project.get("classifiers"))
        poetry = _table(tool.get("poetry"))
        self._require(_table(poetry.get("dependencies")).get("python"))
        self._classify(poetry.get("classifiers"))
        self._ruff(_table(tool.get("ruff")))
        self._flake8(_table(tool.get("flake8")))

    def _ruff(self, table: Mapping[str, object]) -> None:
        target = re.fullmatch(r"py(\d)(\d+)", str(table.get("target-version", "")))
        if target:
            self._targets.append((int(target[1]), int(target[2])))
        for section in (table, _table(table.get("lint"))):
            for key in ("ignore", "extend-ignore"):
                self._ignored += _codes(section.get(key))
            for key in ("per-file-ignores", "extend-per-file-ignores"):
                for pattern, codes in _table(section.get(key)).items():
                    self._add_per_file(pattern, _codes(codes))

    def _ini(self, text: str) -> None:
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
        if parser.has_section("flake8"):
            self._flake8(dict(parser.items("flake8")))
        self._require(parser.get("options", "python_requires", fallback=None))
        self._classify(parser.get("metadata", "classifiers", fallback="").splitlines())
        if parser.get("bdist_wheel", "universal", fallback="0").strip().lower() in ("1", "true"):
            self._classified.append((2, 7))  # a wheel for Python 2 and 3 alike

    def _flake8(self, section: Mapping[str, object]) -> None:
        for key in ("ignore", "extend-ignore", "extend_ignore"):
            self._ignored += _codes(section.get(key))
        for key in ("per-file-ignores", "per_file_ignores", "extend-per-file-ignores"):
            value = section.get(key)
            lines = value if isinstance(value, list) else str(value or "").splitlines()
            for pattern, codes in _pairs(map(str, lines)):
                self._add_per_file(pattern, codes)

    def _setup_py(self, text: str) -> None:
        self._require(requirement_in_setup_py(text))
        self._classify(text.splitlines())

    def _require(self, specifier: object) -> None:
        version = minimum_of(specifier) if isinstance(specifier, str) else None
        if version is not None:
            self._required.append(version)

    def _classify(self, lines: object) -> None:
        for line in lines if isinstance(lines, list) else ():
            for match in _CLASSIFIER.finditer(str(line)):
                self._classified.append((int(match[1] or 2), int(match[2] or 7)))

    def _add_per_file(self, pattern: str, codes: Iterable[str]) -> None:
        found = tuple(codes)
        if found:
            self._per_file.append((pattern, found))


def _table(value: object) -> dict[str, object]:
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def _codes(value: object) -> list[str]:
    """Codes from a list or from text with commas or blanks between them; a comment ends a line."""
    if isinstance(value, list):
        items = [str(item) for item in value]
    elif isinstance(value, str):
        items = re.split(r"[,\s]+", re.sub(r"(?m)#.*$", "", value))
    else:
        return []
    return [code for code in (item.strip().upper() for item in items) if _CODE.fullmatch(code)]


def _pairs(lines: Iterable[str]) -> list[tuple[str, list[str]]]:
    """flake8's `pattern, pattern: codes` entries; patterns and codes may go on over several lines."""
    text = "\n".join(line.partition("#")[0] for line in lines).replace(":", " : ")
    found: list[tuple[str, list[str]]] = []
    names: list[str] = []
    codes: list[str] = []
    in_codes = False
    for word in [*re.split(r"[,\s]+", text), ""]:
        if word == ":":
            in_codes = True
        elif in_codes and _CODE.fullmatch(word):
            codes.append(word)
        else:
            if in_codes:
                found += [(name, codes) for name in names]
                names, codes, in_codes = [], [], False
            names += [word] if word else []
    return found


def _covers(pattern: str, path: str) -> bool:
    """Whether a pattern of ruff or flake8 holds for a path: for all of it, or for the file's name alone.

    `*` also matches `/` in both tools.
    """
    if pattern.startswith("!"):
        return not _covers(pattern[1:], path)
    plain = pattern.removeprefix("./").rstrip("/")
    name = path.rpartition("/")[2]
    for one in _alternatives(plain):
        if fnmatch.fnmatchcase(path, one) or fnmatch.fnmatchcase(name, one) or path.startswith(one + "/"):
            return True
        if one.startswith("**/") and fnmatch.fnmatchcase(path, one[3:]):
            return True
        if "/**/" in one and fnmatch.fnmatchcase(path, one.replace("/**/", "/")):
            return True
    return False


def _alternatives(pattern: str) -> list[str]:
    """The patterns that `a{b,c}d` stands for; at most 64."""
    found = [pattern]
    while len(found) < 64 and (group := re.search(r"\{([^{}]*)\}", found[0])):
        head, tail = found[0][: group.start()], found[0][group.end() :]
        found = [*found[1:], *(head + choice + tail for choice in group[1].split(",")[:64])]
    return found

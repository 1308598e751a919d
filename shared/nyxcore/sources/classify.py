"""What a file is: by its name, which costs nothing, and by its content where the name does not tell."""

from __future__ import annotations

import re
from typing import NamedTuple

from nyxcore.sources.models import MAX_REFERENCE_BYTES, MAX_SOURCE_BYTES, Language, Reason

_HEAD = 4096  # bytes in which a generator says who it is
_EXTENSIONS = {
    b"py": Language.PYTHON,
    b"pyi": Language.PYTHON,
    b"pyw": Language.PYTHON,
    b"js": Language.JAVASCRIPT,
    b"mjs": Language.JAVASCRIPT,
    b"cjs": Language.JAVASCRIPT,
    b"jsx": Language.JAVASCRIPT,
    b"ts": Language.TYPESCRIPT,
    b"mts": Language.TYPESCRIPT,
    b"cts": Language.TYPESCRIPT,
    b"tsx": Language.TSX,
}
_REFERENCE_EXTENSIONS = frozenset({b"toml", b"cfg", b"ini", b"yml", b"yaml", b"md", b"rst"})
_REFERENCE_NAMES = frozenset(
    {
        *(b".flake8", b".pylintrc", b"pylintrc", b".coveragerc", b".editorconfig", b".python-version"),
        *(b"pipfile", b"pkg-info", b"package.json", b"tsconfig.json", b"jsconfig.json"),
    }
)

# Folders that belong to a tool or to the machine: no part of the repository, and not counted.
TOOL_FOLDERS = frozenset(
    {
        *(b".git", b".hg", b".svn", b".bzr", b".jj", b".nyx", b"nyx-out", b"__pycache__", b".venv"),
        *(b".mypy_cache", b".ruff_cache", b".pytest_cache", b".hypothesis", b".tox", b".nox", b".eggs"),
        *(b".ipynb_checkpoints", b".aws-sam", b".terraform", b".next", b".nuxt", b".svelte-kit"),
        *(b".parcel-cache", b".turbo", b".idea", b".vscode"),
    }
)
# Installed packages: vendored, thousands of files, and never entered.
INSTALLED_FOLDERS = frozenset({b"node_modules", b"bower_components", b"jspm_packages"})
_VENDOR_FOLDERS = frozenset(
    {
        *(b"vendor", b"_vendor", b"vendored", b"_vendored", b"third_party", b"third-party", b"thirdparty"),
        *(b"_thirdparty", b"3rdparty", b"3rd_party", b"extern", b"_extern", b"_bundled"),
        *(b"site-packages", b"dist-packages"),
    }
)
_VENDORED_NAME = re.compile(
    rb"versioneer\.py|ez_setup\.py|distribute_setup\.py"
    rb"|(?:jquery|jquery[-.](?:ui|migrate|mobile)|underscore|lodash|bootstrap|modernizr|require|prettify)"
    rb"(?:[-.](?:\d[\w.-]*|slim|bundle|core))*\.js"
)
_GENERATED_NAME = re.compile(
    rb".*_pb2(?:_grpc)?\.pyi?|.*_pb\.(?:d\.ts|[jt]s)|.*[._]generated\.(?:py|[cm]?[jt]sx?)|.*\.gen\.[jt]sx?"
    rb"|parsetab\.py|lextab\.py|.*\.lock|pnpm-lock\.yaml|package-lock\.json|npm-shrinkwrap\.json"
)
_MINIFIED_NAME = re.compile(rb".*[.-]min\.[cm]?js")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_tool_folder(name: bytes) -> bool:
    """Whether a folder belongs to a tool: `TOOL_FOLDERS`, and what builds and installers leave.

    The lists of files in `*.egg-info` would pass for mentions of every module.
    """
    return name in TOOL_FOLDERS or name.endswith((b".egg-info", b".dist-info"))


class Naming(NamedTuple):
    """What a name says.

    Attributes
    ----------
    language : None when it is not code that is scanned.
    left_out : why the file is not scanned; None while nothing speaks against it.
    limit : bytes above which it is not packed; 0 when it is never packed.
    """

    language: Language | None
    left_out: Reason | None
    limit: int


_NOT_SOURCE = Naming(None, Reason.NOT_SOURCE, 0)


def by_name(name: bytes, *, vendored: bool) -> Naming:
    """Judge a file by its last name. `vendored`: it lies in a folder of other projects' code."""
    lower = name.lower()
    extension = lower.rpartition(b".")[2] if b"." in lower else b""
    language = _EXTENSIONS.get(extension)
    if language is None:
        return _no_language(lower, extension, vendored=vendored)
    left_out = None
    if vendored or _VENDORED_NAME.fullmatch(lower):
        left_out = Reason.VENDORED
    elif _GENERATED_NAME.fullmatch(lower):
        left_out = Reason.GENERATED
    elif _MINIFIED_NAME.fullmatch(lower):
        left_out = Reason.MINIFIED
    # Python that is not scanned is packed all the same: it may import what a fix would take away.
    packed = left_out is None or language is Language.PYTHON
    return Naming(language, left_out, MAX_SOURCE_BYTES if packed else 0)


def _no_language(lower: bytes, extension: bytes, *, vendored: bool) -> Naming:
    is_reference = extension in _REFERENCE_EXTENSIONS or lower in _REFERENCE_NAMES
    if vendored and is_reference:
        return Naming(None, Reason.VENDORED, 0)
    if _GENERATED_NAME.fullmatch(lower):
        return Naming(None, Reason.GENERATED, 0)
    return Naming(None, None, MAX_REFERENCE_BYTES) if is_reference else _NOT_SOURCE


def is_vendor_folder(name: bytes) -> bool:
    """Whether a folder of this name holds copies of other projects."""
    return name.lower() in _VENDOR_FOLDERS


def is_bad_name(name: bytes) -> bool:
    """Whether a name cannot stand in a patch or a report: not UTF-8, with control characters, backslashes."""
    if b"\\" in name:  # a separator on another system
        return True
    if name.isascii():
        return not name.decode("ascii").isprintable()
    try:
        return _CONTROLS.search(name.decode("utf-8")) is not None
    except UnicodeDecodeError:
        return True


_CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b"))


def is_binary(content: bytes) -> bool:
    """Whether `content` is no text: a NUL byte anywhere, or control bytes in a tenth of its head."""
    if b"\0" in content:
        return True
    head = content[:_HEAD]
    return (len(head) - len(head.translate(None, _CONTROL_BYTES))) * 10 > len(head)


def by_content(content: bytes, language: Language) -> Reason | None:
    """Why code with this content is not scanned; None when it is."""
    if is_binary(content):
        return Reason.BINARY
    if _is_minified(content, language):
        return Reason.MINIFIED
    return Reason.GENERATED if _is_generated(content, language) else None


_LONG_LINES = {Language.JAVASCRIPT: 200, Language.PYTHON: 500, Language.TYPESCRIPT: 500, Language.TSX: 500}


def _is_minified(content: bytes, language: Language) -> bool:
    """Lines of very many bytes on average; a short file is never taken for minified."""
    if len(content) < 2_000:
        return False
    return len(content) > _LONG_LINES[language] * (content.count(b"\n") + content.count(b"\r") + 1)


_HINT = re.compile(rb"generated|do not (?:edit|modify)|will be lost", re.IGNORECASE)
# "generated from" alone also begins lines of prose that was wrapped there; a capital begins a sentence.
_MARKER = re.compile(
    rb"@generated\b|\bDO NOT (?:EDIT|MODIFY)\b|(?i:changes made in this file will be lost)"
    rb"|\A\W*(?i:(?:(?:this|the) (?:file|code|module|script|class) (?:is|was|has been) |code |file )"
    rb"(?:auto[- ]?generated\b|automatically generated\b|generated (?:by|from|with|using|on|automatically)\b))"
    rb"|\A\W*(?:Generated|GENERATED)(?i: (?:by|from|with|using|on|automatically)\b)"
    rb"|\A\W*(?:A(?i:uto[- ]?generated|utomatically generated)|autogenerated by)\b"
)
_COMPILED = re.compile(
    rb'\A\s*(?:"use strict";\s*)?'
    rb"(?:var __(?:import|create|awaiter|extends|assign|decorate|export|def|rest|spread)\w* = |"
    rb'Object\.defineProperty\(exports, "__esModule")'
)
_COMMENT_STARTS = (b"#", b"//")
_QUOTES = (b'"""', b"'''")


def _is_generated(content: bytes, language: Language) -> bool:
    head = content[:_HEAD]
    if _HINT.search(head) and any(_MARKER.search(line) for line in _opening_remarks(head)):
        return True
    if language is Language.PYTHON:
        return False
    # What a compiler of TypeScript leaves: the way to the source map last (of declarations, too), or its
    # helpers first.
    if b"\n//# sourceMappingURL=" in content[-500:]:
        return True
    return language is Language.JAVASCRIPT and _COMPILED.match(head) is not None


def _opening_remarks(head: bytes) -> list[bytes]:
    """The comments and the docstring before the first line of code: only there is a marker meant as one."""
    remarks: list[bytes] = []
    quote = b""
    for line in re.split(rb"\r\n|\r|\n", head.removeprefix(b"\xef\xbb\xbf")):
        text = line.strip()
        if quote:
            remarks.append(text)
            quote = b"" if quote in text else quote
        elif text.startswith(b"/*"):
            remarks.append(text)
            quote = b"" if b"*/" in text else b"*/"
        elif text.lstrip(b"rRuU").startswith(_QUOTES):
            opened = text.lstrip(b"rRuU")
            remarks.append(opened)
            quote = b"" if opened.count(opened[:3]) > 1 else opened[:3]
        elif text.startswith(_COMMENT_STARTS):
            remarks.append(text)
        elif text and not text.startswith((b"'use strict'", b'"use strict"')):
            break
    return remarks

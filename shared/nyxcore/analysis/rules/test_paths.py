"""Tells test files from the code they test, by path alone."""

from __future__ import annotations

import re

_FOLDER = re.compile(
    r"(?:.+[-_.])?tests?|tests?[-_].+|testing|testdata|__tests__|__mocks__|specs?|e2e|cypress"
)
_PYTHON_FILE = re.compile(r"(?:test_.*|.*_tests?|tests?|conftest)\.pyi?")
_SCRIPT_FILE = re.compile(r"(?:.*[-_.])?(?:tests?|spec|cy|e2e)\.[cm]?[jt]sx?")


def is_test_path(path: str) -> bool:
    """Whether the file at `path` (relative to the repository, `/` or `\\` between folders) is a test.

    It is one when a folder above it has a usual name (tests/, __tests__/, unit-tests/, spec/, …) or the
    file itself has (test_x.py, x_test.py, conftest.py, x.spec.ts, x.test.js, …). Case does not matter.
    """
    *folders, name = path.replace("\\", "/").lower().split("/")
    if any(_FOLDER.fullmatch(folder) for folder in folders):
        return True
    return bool(_PYTHON_FILE.fullmatch(name) or _SCRIPT_FILE.fullmatch(name))

"""The oldest Python that a project's metadata allows."""

from __future__ import annotations

import ast
import re
import warnings

_CLAUSE = re.compile(r"(>=|>|~=|===?|\^|~)?\s*v?(\d+)(?:\.(\d+))?")
_UPPER = re.compile(r"(<=?|!=)\s*[\d.*]+")


def minimum_of(specifier: str) -> tuple[int, int] | None:
    """The lowest version that a version specifier (PEP 440, or Poetry's `^3.8`) allows, (3, 8).

    Upper bounds and exclusions say nothing about it. `>3.6` counts as 3.6, of which there are later patches.
    None when there is no lower bound.
    """
    found = []
    for alternative in specifier.split("||"):
        bounds = [
            (int(match[2]), int(match[3] or 0))
            for clause in _UPPER.sub("", alternative).split(",")
            if (match := _CLAUSE.match(clause.strip()))
        ]
        if bounds:
            found.append(max(bounds))
    return min(found) if found else None


def requirement_in_setup_py(text: str) -> str | None:
    """The text given as `python_requires=` in a setup.py, which is read and not run.

    A name is followed to a plain assignment of text at the top of the file. None when it is anything else.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            found = re.search(r"""python_requires\s*=\s*["']([^"'\n]*)["']""", text)
            return found[1] if found else None
    texts = {
        target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "python_requires":
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                return node.value.value
            if isinstance(node.value, ast.Name):
                return texts.get(node.value.id)
    return None

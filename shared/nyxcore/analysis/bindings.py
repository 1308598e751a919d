"""Which names at the top of a module a fix takes away.

Another module may import such a name although this one does not use it. Only the statements that the fix
touches are parsed, where that is enough: whole files would cost seconds in a large tree.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence

from nyxcore.analysis.edits import apply
from nyxcore.analysis.models import PYTHON, Edit, Edits

_WORD = re.compile(rb"[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*")
_INDENTED = re.compile(rb"[ \t]")
_BODY_OF = re.compile(rb"(?:async[ \t]+def|def|class)\b")
_SCRIPT_BINDING = re.compile(rb"\b(?:import|export|const|let|var|function|class)\b")


def removed_names(content: bytes, edits: Edits, language: str) -> tuple[str, ...]:
    """The names bound at the top of the module that the edits unbind, sorted."""
    spans = list(_touched_lines(content, edits))
    suspects = _words(content[edit.start : edit.end] for edit in edits) - _words(edit.text for edit in edits)
    if not suspects:
        return ()
    if language != PYTHON:
        names = {
            word for start, end in spans if _SCRIPT_BINDING.search(content, start, end) for word in suspects
        }
        return tuple(sorted(word.decode("utf-8", "replace") for word in names))
    top = [span for span in spans if not _in_body(content, span[0])]
    if not top:
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(sorted(_removed(content, edits, top)))


def _removed(content: bytes, edits: Edits, spans: Sequence[tuple[int, int]]) -> set[str]:
    before: set[str] = set()
    after: set[str] = set()
    for start, end in spans:
        local = [
            Edit(e.start - start, e.end - start, e.text) for e in edits if start <= e.start and e.end <= end
        ]
        old = content[start:end]
        old_names, new_names = _bound_in(old), _bound_in(apply(old, local))
        if old_names is None or new_names is None:
            return _removed_from_file(content, edits)
        before |= old_names
        after |= new_names
    gone = before - after
    if not gone:
        return gone
    changed = apply(content, edits)
    left = _words([changed])
    if not any(name.encode() in left for name in gone):
        return gone
    still = _bound_in(changed, always=True)
    return gone if still is None else gone - still


def _removed_from_file(content: bytes, edits: Edits) -> set[str]:
    """The same from the whole file, where a touched statement cannot be read by itself."""
    changed = apply(content, edits)
    touched = {word.decode("utf-8", "replace") for word in _words(content[e.start : e.end] for e in edits)}
    old, new, always = _bound_in(content), _bound_in(changed), _bound_in(changed, always=True)
    if old is None or new is None or always is None:
        return touched - {word.decode("utf-8", "replace") for word in _words(edit.text for edit in edits)}
    return (old - new) | ((old - always) & touched)


def _words(texts: Iterable[bytes]) -> set[bytes]:
    return {word for text in texts for word in _WORD.findall(text)}


def _touched_lines(content: bytes, edits: Edits) -> Iterator[tuple[int, int]]:
    """Ranges of whole lines that the edits touch, those that meet as one."""
    current: tuple[int, int] | None = None
    for edit in edits:
        start = content.rfind(b"\n", 0, edit.start) + 1
        if edit.end > edit.start and content[edit.end - 1 : edit.end] == b"\n":
            end = edit.end
        else:
            found = content.find(b"\n", edit.end)
            end = len(content) if found < 0 else found + 1
        if current is not None and start < current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current is not None:
            yield current
        current = (start, end)
    if current is not None:
        yield current


def _in_body(content: bytes, start: int) -> bool:
    """Whether the line at `start` belongs to the body of a function or class, judged by indentation."""
    if not _INDENTED.match(content, start):
        return False
    position = start
    while position > 0:
        position = content.rfind(b"\n", 0, position - 1) + 1
        first = content[position : position + 1]
        if first and first not in b" \t\r\n#)]}":
            return _BODY_OF.match(content, position) is not None
    return False


def _bound_in(source: bytes, *, always: bool = False) -> set[str] | None:
    """Names that a piece of a module binds; with `always` only those outside of try, if, with and loops.

    None when it does not parse by itself.
    """
    try:
        text = source.decode("utf-8-sig")
        tree = ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return {name for statement in tree.body for name in _bound_by(statement, always)}


def _bound_by(statement: ast.stmt, always: bool) -> Iterator[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            whole = alias.asname is not None or isinstance(statement, ast.ImportFrom)
            yield (alias.asname or alias.name) if whole else alias.name.partition(".")[0]
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr):
        yield from _stored_in(statement)
    elif not always:
        for node in ast.iter_child_nodes(statement):
            if isinstance(node, ast.stmt):
                yield from _bound_by(node, always)
            elif isinstance(node, ast.ExceptHandler | ast.match_case):
                for inner in node.body:
                    yield from _bound_by(inner, always)
            else:
                yield from _stored_in(node)


def _stored_in(node: ast.AST) -> set[str]:
    """Names that the node stores to, except the variables of comprehensions, which stay inside of those."""
    inner = {
        name
        for part in ast.walk(node)
        if isinstance(part, ast.comprehension)
        for name in ast.walk(part.target)
    }
    return {
        name.id
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and name not in inner
    }

"""The migration files: found, numbered, read and judged before anything touches a database."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from nyxcore.db.schema import DIRECTORY, names
from nyxcore.db.statements import Statement, controls_transaction, destruction, split
from nyxcore.errors import InvalidInput

_HEADER = re.compile(r"^--\s*(no-transaction|statement-timeout:\s*(\d+\s*(?:ms|s|min|h)))\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Migration:
    """One migration file.

    Attributes
    ----------
    version : its number, from 1.
    name : the file's name without `.sql`.
    sql : its text, line ends as LF.
    sha256 : of that text in UTF-8, in hexadecimal.
    statement_timeout : in PostgreSQL's notation, where the file sets one.
    concurrent_index : name, as written, of the index that a `-- no-transaction` file builds.
    """

    version: int
    name: str
    sql: str
    sha256: str
    statement_timeout: str | None
    concurrent_index: str | None


def read(directory: Path = DIRECTORY) -> list[Migration]:
    """Every migration, in order.

    Raises
    ------
    InvalidInput : as `names`; or a file destroys something without saying why, begins or ends a transaction,
        or is `-- no-transaction` with anything but one named CREATE INDEX CONCURRENTLY in it.
    """
    return [_read(directory, version, name) for version, name in names(directory).items()]


def _read(directory: Path, version: int, name: str) -> Migration:
    # a checkout with CRLF line ends is the same migration
    text = (directory / f"{name}.sql").read_bytes().replace(b"\r\n", b"\n").decode("utf-8")
    try:
        statements = split(text)
    except InvalidInput as error:
        raise InvalidInput(f"migration {name}: {error.message}") from error
    _refuse_what_may_not_be(name, statements)
    head = text[: text.index(";")] if ";" in text else text
    headers = list(_HEADER.finditer(head))
    timeout = next((match[2] for match in headers if match[2]), None)
    index = None
    if any(match[1] == "no-transaction" for match in headers):
        index = _concurrent_index(name, statements)
    elif any("concurrently" in statement.words for statement in statements):
        raise InvalidInput(f"migration {name}: CONCURRENTLY needs the header `-- no-transaction`")
    return Migration(version, name, text, hashlib.sha256(text.encode()).hexdigest(), timeout, index)


def _refuse_what_may_not_be(name: str, statements: list[Statement]) -> None:
    if not statements:
        raise InvalidInput(f"migration {name} holds no statement")
    for statement in statements:
        destroyed = destruction(statement)
        if destroyed:
            raise InvalidInput(
                f"migration {name} line {statement.line}: {destroyed} is destructive; if nothing that runs needs "
                "it any more, say why in a comment `-- destructive: <reason>` before the statement"
            )
        if controls_transaction(statement):
            raise InvalidInput(
                f"migration {name} line {statement.line}: {statement.words[0].upper()} is the runner's business, "
                "which gives each file one transaction"
            )


def _concurrent_index(name: str, statements: list[Statement]) -> str:
    words = [word for word in statements[0].words if word not in ("unique",)]
    if len(statements) == 1 and words[:3] == ["create", "index", "concurrently"]:
        tokens = [token.text for token in statements[0].tokens if token.text != "unique"][3:]
        tokens = tokens[3:] if words[3:6] == ["if", "not", "exists"] else tokens
        index = "".join(tokens[: tokens.index("on")])
        if index:
            return index
    raise InvalidInput(
        f"migration {name}: a `-- no-transaction` file holds one CREATE INDEX CONCURRENTLY with a name, and "
        "nothing else"
    )

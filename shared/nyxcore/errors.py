"""The one hierarchy of errors: a stable code, an HTTP status, and whether trying again can help.

A message says what was wrong, with which value, and what to do about it. `code` never changes once
published: clients match on it (RFC 9457 problem details carry it as the member `code`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar


class NyxError(Exception):
    """Base of every error that a user may see.

    Attributes
    ----------
    code : stable identifier in snake_case.
    status : HTTP status that the API answers with.
    retryable : whether the same request may succeed later without being changed.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFound(NyxError):
    """The id names nothing that this tenant may see (another tenant's rows included)."""

    code, status = "not_found", 404


class InvalidInput(NyxError):
    """The request is well-formed and its content is not acceptable."""

    code, status = "invalid_input", 422


class Conflict(NyxError):
    """The request contradicts the present state."""

    code, status = "conflict", 409


class ArchiveMissing(Conflict):
    """A run was asked for on an archive that was never uploaded."""

    code = "archive_missing"


class RunNotFinished(Conflict):
    """The call makes sense only on a finished run."""

    code = "run_not_finished"


class RunFinished(Conflict):
    """A finished run never changes again; late tasks and cancels end here."""

    code = "run_finished"


class TextsRemoved(Conflict):
    """What a workflow's run has written was removed, since the time for which it is kept was over."""

    code = "texts_removed"


class IdempotencyKeyReused(InvalidInput):
    """The same Idempotency-Key came with another body."""

    code = "idempotency_key_reused"


class IdempotencyKeyInFlight(Conflict):
    """The first request with this Idempotency-Key has not been answered yet."""

    code, retryable = "idempotency_key_in_flight", True


class Unauthenticated(NyxError):
    """No token, or one that is unknown, expired or revoked."""

    code, status = "unauthenticated", 401


class Forbidden(NyxError):
    """The token is good and its scopes, or its project, do not cover the call."""

    code, status = "forbidden", 403


class BodyTooLarge(NyxError):
    """The request body is above 4 MB."""

    code, status = "body_too_large", 413


class MarkdownTooLarge(NyxError):
    """A Markdown document above what is converted."""

    code, status = "markdown_too_large", 413


class BadCursor(NyxError):
    """A stream or list cursor that this service never issued."""

    code, status = "bad_cursor", 400


class SourceRefused(NyxError):
    """A repository or archive that cannot be taken: hostile, broken, missing or unreadable."""

    code, status = "source_refused", 422


class ToolFailed(NyxError):
    """A tool (ruff, ast-grep) failed, ran out of time or of memory; its own words stay inside."""

    code, status, retryable = "tool_failed", 502, True


class FontsMissing(NyxError):
    """The folder of fonts is not there, or is not one that `make setup` has made."""

    code, status = "fonts_missing", 503


class SchemaOutdated(NyxError):
    """The database's schema is older than this code needs."""

    code, status, retryable = "schema_outdated", 503, True


class DatabaseUnavailable(NyxError):
    """The database cannot be reached."""

    code, status, retryable = "database_unavailable", 503, True


class StatementRefused(NyxError):
    """The database refused a statement: what it says of the row stays out of logs and of what is told to others."""

    code, status, retryable = "statement_refused", 500, True


def every_error() -> Iterator[type[NyxError]]:
    """The base and every error below it that this process has loaded, each before those below itself."""
    return _below(NyxError)


def _below(kind: type[NyxError]) -> Iterator[type[NyxError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)

"""What every task handler does around its work: read the input, log one line with the ids, let errors through.

Step Functions matches `Retry` and `Catch` on the name of the exception's class, so errors leave as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from aws_lambda_powertools.logging import Logger

from nyxcore.errors import NyxError, StatementRefused
from nyxcore.pipelines.task import TaskInput

_logger = Logger(service="nyxcore")


def _told(error: Exception) -> Exception:
    """The error, or what may be said of it: those of the database carry the row that was refused, prompts and all."""
    psycopg = sys.modules.get("psycopg")  # loaded by whoever has a database
    if psycopg is None or not isinstance(error, psycopg.Error):
        return error
    return StatementRefused(
        f"the database refused a statement: {type(error).__name__}, {error.sqlstate}"
    ).with_traceback(error.__traceback__)


def task[Input: TaskInput, Result](
    work: Callable[[Input], Result], input_type: type[Input] = TaskInput
) -> Callable[[dict[str, object], object], Result]:
    """A Lambda handler that does `work` on its event, read as `input_type`."""

    def handler(event: dict[str, object], _context: object) -> Result:
        given = input_type.model_validate(event)
        ids = {"tenant": str(given.tenant_id), "run": str(given.run_id), "pack": given.pack}
        try:
            result = work(given)
        except NyxError as error:
            _logger.warning(error.message, extra={**ids, "code": error.code, "details": error.details})
            raise
        except Exception as error:
            told = _told(error)
            _logger.error("the task broke down", extra=ids, exc_info=told)
            if told is error:
                raise
            raise told from None
        _logger.info("the task is done", extra=ids)
        return result

    return handler

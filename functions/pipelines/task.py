"""What every task handler does around its work: read the input, log one line with the ids, let errors through.

Step Functions matches `Retry` and `Catch` on the name of the exception's class, so errors leave as they are.
"""

from __future__ import annotations

from collections.abc import Callable

from aws_lambda_powertools.logging import Logger

from nyxcore.errors import NyxError
from nyxcore.pipelines.task import TaskInput

_logger = Logger(service="nyxcore")


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
        except Exception:
            _logger.exception("the task broke down", extra=ids)
            raise
        _logger.info("the task is done", extra=ids)
        return result

    return handler

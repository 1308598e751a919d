"""Task of workflows: call a model. No database on this side of the wall."""

from __future__ import annotations

from typing import Protocol

from aws_lambda_powertools.logging import Logger

from nyxcore.llm.stored_calls import PreparedCall, answer

_logger = Logger(service="nyxcore")
_TO_WRITE_IT_DOWN = 15.0  # seconds of the function's time that the call itself does not get


class Context(Protocol):
    """What Lambda hands to a handler, as far as it is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""


def handler(event: dict[str, object], context: Context) -> dict[str, str]:
    """`{"prepared": PreparedCall}`: the outcome is written to its `answer`; returned is whether it is one."""
    where = PreparedCall.model_validate(event["prepared"])
    result = answer(where, seconds=context.get_remaining_time_in_millis() / 1000 - _TO_WRITE_IT_DOWN)
    spent = sum(entry.usd for entry in result.calls)
    _logger.info(
        "a model was called",
        extra={
            "answer": where.answer,
            "status": result.status,
            "code": getattr(result, "code", None),
            "attempts": len(result.calls),
            "usd": str(spent),
        },
    )
    return {"answer": where.answer, "status": result.status}

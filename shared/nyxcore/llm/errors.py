"""What can go wrong between here and a model.

A message never has words of the provider in it: they may repeat the prompt or the key, and messages are logged.
What a provider calls the error (a code such as `model_not_found`) is kept where it has the form of a code.
"""

from __future__ import annotations

from typing import ClassVar

from nyxcore.errors import NyxError
from nyxcore.llm.models import LedgerEntry, ModelFailure, Usage


class ModelError(NyxError):
    """No answer was had. `calls` is what was spent on it.

    Attributes
    ----------
    again : whether the same model may be asked again at once.
    next_model : whether the next model of the chain may do better.
    retry_after : seconds that the provider asks to wait, or None.
    usage : what the provider says that the attempt has used, or None.
    spends : whether the provider may have charged for the attempt although it told no usage.
    """

    code, status, retryable = "model_failed", 502, False
    again: ClassVar[bool] = False
    next_model: ClassVar[bool] = True
    spends: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after: float | None = None, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.usage = usage
        self.calls: tuple[LedgerEntry, ...] = ()

    def failure(self) -> ModelFailure:
        """The error as the caller writes it down for the database's side."""
        return ModelFailure(code=self.code, message=self.message, retryable=self.retryable, calls=self.calls)


class RateLimited(ModelError):
    """429: too many requests, or tokens, in a time."""

    code, status, retryable, again = "model_rate_limited", 503, True, True


class ModelUnavailable(ModelError):
    """5xx: the provider fails or is overloaded."""

    code, retryable, again = "model_unavailable", True, True


class ModelUnreachable(ModelError):
    """No connection: name, refusal, TLS, or a time-out while connecting."""

    code, retryable, again = "model_unreachable", True, True


class AnswerCut(ModelError):
    """The connection broke, or fell silent, after the question was sent."""

    code, retryable, again, spends = "model_answer_cut", True, True, True


class AnswerInvalid(ModelError):
    """The answer is not what was asked for: no JSON, or JSON that does not fit the schema, twice."""

    code, retryable = "model_answer_invalid", True


class AnswerUnreadable(ModelError):
    """What came back does not follow the protocol, or is larger than any answer may be."""

    code, spends = "model_answer_unreadable", True


class AnswerRefused(ModelError):
    """The provider's content filter, or the model, declined."""

    code = "model_refused"


class RequestRejected(ModelError):
    """400 and its like: the model does not take the request as it is."""

    code = "model_rejected_request"


class ContextTooLong(RequestRejected):
    """The prompt is longer than the model's context."""

    code = "model_context_too_long"


class CredentialRejected(ModelError):
    """401, 403: the key is wrong, has expired, or may not use the model."""

    code = "model_credential_rejected"


class QuotaUsedUp(ModelError):
    """The account at the provider has no credit left."""

    code = "model_quota_used_up"


class UnknownModel(ModelError):
    """404: the provider has no such model, or the base URL is wrong."""

    code = "model_unknown"


class CredentialUnreadable(ModelError):
    """The tenant's key cannot be decrypted: it was sealed with a key that is gone, or for somebody else."""

    code = "model_credential_unreadable"


class EndpointRefused(ModelError):
    """The address may not be reached: not https, not public, or a redirect."""

    code = "model_endpoint_refused"


class HoldUsedUp(ModelError):
    """The attempt could cost more than is left of what is held for the call; it was not made.

    That says nothing of a budget: whoever tries again holds anew, and learns then whether a budget has room for it.
    """

    code, status, retryable = "model_hold_used_up", 503, True


class DeadlineReached(ModelError):
    """The time for the whole call is over."""

    code, retryable, next_model = "model_deadline_reached", True, False

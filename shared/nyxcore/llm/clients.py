"""One attempt at one model through pydantic-ai: its client, the question, the answer, and its errors in our words.

Everything here is imported by the caller's process alone; pydantic-ai and the clients below it cost seconds.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from nyxcore.errors import InvalidInput
from nyxcore.llm import errors
from nyxcore.llm.addresses import DEFAULT_URLS, base_url
from nyxcore.llm.errors import ModelError
from nyxcore.llm.models import BEDROCK, Endpoint, ModelCall, ModelName, Protocol, Usage
from nyxcore.settings import settings

if TYPE_CHECKING:
    from pydantic_ai.exceptions import ModelAPIError
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model

_CONNECT_SECONDS: Final = 10.0
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# Their DEBUG lines hold requests, prompts and headers.
_TALKATIVE: Final = (
    "openai", "anthropic", "httpx2", "httpcore2", "httpx", "httpcore", "boto3", "botocore", "urllib3", "pydantic_ai",
)  # fmt: skip

type OpenKey = Callable[[str, str], str]
"""The key in `Endpoint.sealed_key`, by the name of the credential and what is sealed."""


@dataclass(frozen=True)
class Reply:
    """What one attempt brought; `usage` is None where the provider did not tell it."""

    text: str
    usage: Usage | None
    truncated: bool


@dataclass(frozen=True)
class Exchange:
    """What was said so far: the question, and for a repair the answer and what was wrong with it."""

    system: str
    prompt: str
    answers: tuple[tuple[str, str], ...] = ()


def silence_clients() -> None:
    """Keep the clients' own loggers from writing prompts and keys, whatever level the root logger has."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def load(protocols: Iterable[Protocol]) -> None:
    """Import what these protocols need, so that no attempt is timed with it."""
    for protocol in set(protocols) - {"offline"}:
        import_module(f"pydantic_ai.models.{protocol}")
        import_module("pydantic_ai.direct")


async def ask(call: ModelCall, model: str, exchange: Exchange, open_key: OpenKey, silence: float) -> Reply:
    """One attempt, streamed, so that a connection that has fallen silent for `silence` seconds is noticed.

    Raises
    ------
    ModelError : one of `nyxcore.llm.errors`.
    """
    from pydantic_ai.direct import model_request_stream
    from pydantic_ai.exceptions import AgentRunError, UserError

    silence_clients()
    options: Any = {"max_tokens": call.max_output_tokens}
    if call.temperature is not None:
        options["temperature"] = call.temperature
    try:
        async with (
            _opened(call, model, open_key, silence) as client,
            model_request_stream(client, _messages(exchange), model_settings=options) as stream,
        ):
            async for _ in stream:
                pass
            return _reply(model, stream.get())
    except (AgentRunError, UserError) as error:
        raise _translated(model, error) from None  # its words may be the prompt's
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - a client's own error that pydantic-ai did not wrap
        raise _untold(model, error) from None


def _messages(exchange: Exchange) -> Sequence[ModelMessage]:
    from pydantic_ai.messages import (
        ModelRequest,
        ModelResponse,
        SystemPromptPart,
        TextPart,
        UserPromptPart,
    )

    first = [SystemPromptPart(exchange.system)] if exchange.system else []
    messages: list[ModelMessage] = [ModelRequest(parts=[*first, UserPromptPart(exchange.prompt)])]
    for answer, objection in exchange.answers:
        messages += [
            ModelResponse(parts=[TextPart(answer)]),
            ModelRequest(parts=[UserPromptPart(objection)]),
        ]
    return messages


@asynccontextmanager
async def _opened(call: ModelCall, model: str, open_key: OpenKey, silence: float) -> AsyncIterator[Model]:
    name = ModelName.parse(model)
    if name.source == BEDROCK:
        yield _bedrock(name.id, silence)
        return
    import httpx2

    from nyxcore.llm.transport import GuardedTransport

    endpoint = call.endpoints[name.source]
    exceptions = settings().model_address_exceptions
    try:
        url = base_url(endpoint.base_url or DEFAULT_URLS[endpoint.protocol], exceptions)
    except InvalidInput as error:  # it was taken when the credential was set: an exception is gone since
        raise errors.EndpointRefused(f"{model}: {error.message}") from None
    key = open_key(name.source, endpoint.sealed_key) if endpoint.sealed_key else "none"
    async with httpx2.AsyncClient(
        transport=GuardedTransport(url, exceptions),
        timeout=httpx2.Timeout(silence, connect=_CONNECT_SECONDS),
        trust_env=False,
        follow_redirects=False,
    ) as http:
        yield _over_http(name, endpoint, url.text, key, http)


def _over_http(name: ModelName, endpoint: Endpoint, url: str, key: str, http: Any) -> Model:
    if endpoint.protocol == "anthropic":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        anthropic = AsyncAnthropic(api_key=key, base_url=url, max_retries=0, http_client=http)
        return AnthropicModel(name.id, provider=AnthropicProvider(anthropic_client=anthropic))
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    openai = AsyncOpenAI(api_key=key, base_url=url, max_retries=0, http_client=http)
    own = endpoint.base_url is None
    provider = (
        OpenAIProvider(openai_client=openai)
        if own
        else OpenAICompatibleProvider(name.source, openai_client=openai)
    )
    # else a stream that ends too early would pass for a whole answer
    whole = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
    return OpenAIChatModel(name.id, provider=provider, profile=whole)


def _bedrock(model_id: str, silence: float) -> Model:
    """Bedrock, with the credentials of the function's role and no other."""
    if settings().deployment != "aws":
        raise errors.CredentialRejected(
            "bedrock is reached with the role of a function on AWS: set NYX_AWS=real, or choose another model"
        )
    from pydantic_ai.models.bedrock import BedrockConverseModel
    from pydantic_ai.providers.bedrock import BedrockProvider

    return BedrockConverseModel(model_id, provider=BedrockProvider(bedrock_client=bedrock_client(silence)))


def bedrock_client(silence: float) -> Any:
    """The client of Bedrock's runtime: one try, since the tries are counted by `nyxcore.llm.calling`."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "bedrock-runtime",
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=silence,
            retries={"total_max_attempts": 1},
            proxies={},
        ),
    )


def _reply(model: str, response: ModelResponse) -> Reply:
    if response.finish_reason is None:
        raise errors.AnswerCut(f"{model}: the answer broke off before its end")
    told = response.usage
    usage = None
    if told.input_tokens or told.output_tokens:
        usage = Usage(told.input_tokens, told.output_tokens, min(told.cache_read_tokens, told.input_tokens))
    if response.finish_reason == "content_filter":
        raise errors.AnswerRefused(
            f"{model}: the provider's content filter took the answer back", usage=usage
        )
    return Reply(response.text or "", usage, response.finish_reason == "length")


def _translated(model: str, error: Exception) -> ModelError:
    """A pydantic-ai error as one of ours; ours that was raised below the clients comes out as it was."""
    from pydantic_ai import exceptions as theirs

    if (ours := _ours(error)) is not None:
        return ours
    if isinstance(error, theirs.ContentFilterError):
        return errors.AnswerRefused(f"{model}: the provider's content filter refused")
    if not isinstance(error, theirs.ModelAPIError):
        return errors.AnswerUnreadable(f"{model}: what came back is no answer ({type(error).__name__})")
    kinds: tuple[tuple[type[Exception], type[ModelError], str], ...] = (
        (theirs.ModelQuotaExceededError, errors.QuotaUsedUp, "the account has no credit left"),
        (theirs.ModelRateLimitError, errors.RateLimited, "too many requests or tokens in a time"),
        (theirs.ModelUnavailableError, errors.ModelUnavailable, "the provider is overloaded"),
        (theirs.ModelServerError, errors.ModelUnavailable, "the provider has failed"),
        (
            theirs.ModelContextWindowExceededError,
            errors.ContextTooLong,
            "the prompt is longer than its context",
        ),
        (
            theirs.ModelAuthenticationError,
            errors.CredentialRejected,
            "the key is wrong or may not use the model",
        ),
        (theirs.ModelNotFoundError, errors.UnknownModel, "there is no such model at this base URL"),
        (theirs.ModelRequestRejectedError, errors.RequestRejected, "the request was not taken"),
    )
    for theirs_kind, ours_kind, words in kinds:
        if isinstance(error, theirs_kind):
            kind = errors.AnswerCut if error.in_stream and ours_kind.again else ours_kind
            return kind(f"{model}: {words}{_told(error)}", retry_after=error.retry_after)
    if isinstance(error, theirs.ModelConnectionError) and error.phase in {"pool", "connect"}:
        return errors.ModelUnreachable(f"{model}: no connection could be made")
    if isinstance(error, theirs.ModelConnectionError):
        return errors.AnswerCut(f"{model}: the connection broke or fell silent")
    if isinstance(error, theirs.ModelHTTPError):
        return errors.AnswerUnreadable(f"{model}: the provider answered with an error{_told(error)}")
    return errors.AnswerCut(f"{model}: the answer broke off before its end{_told(error)}")


def _told(error: ModelAPIError) -> str:
    """Status and code of the provider; never its message."""
    status = getattr(error, "status_code", None)
    code = error.provider_error_code or error.provider_error_type
    parts = [str(status)] if status else []
    parts += [code] if code and _CODE.fullmatch(code) else []
    return f" ({', '.join(parts)})" if parts else ""


def _ours(error: BaseException) -> ModelError | None:
    """The error of ours that a client wrapped."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if isinstance(current, ModelError):
            return current
        seen.add(id(current))
        current = current.__cause__ or current.__context__
    return None


def _untold(model: str, error: Exception) -> ModelError:
    return _ours(error) or errors.AnswerUnreadable(
        f"{model}: what came back is no answer ({type(error).__name__})"
    )

"""A credential as it is given, shown and handed on."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from nyxcore.llm.models import CREDENTIAL_NAME, RESERVED, Price
from nyxcore.wire import Instant, RequestModel, WireModel

CredentialProtocol = Literal["openai", "anthropic", "github"]
_PRINTABLE: Final = re.compile(r"[!-~]+")


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name} is a model of its own and takes no key: choose another name")
    return name


def _one_word(secret: str) -> str:
    if _PRINTABLE.fullmatch(secret) is None:
        raise ValueError("a key is one word of printable ASCII; check what was pasted")
    return secret


CredentialName = Annotated[
    str, StringConstraints(pattern=CREDENTIAL_NAME), AfterValidator(_not_reserved), Field(examples=["openai"])
]
Secret = Annotated[str, StringConstraints(min_length=8, max_length=4000), AfterValidator(_one_word)]


class CredentialDraft(RequestModel):
    """A credential that is set. It replaces the one of its name as a whole, the secret included."""

    name: CredentialName = Field(
        description="what workflows write before the colon of a model: `openai:gpt-5`, `our-vllm:llama`"
    )
    protocol: CredentialProtocol = Field(
        description="`openai` is any endpoint that speaks OpenAI's chat completions", examples=["openai"]
    )
    base_url: str | None = Field(
        default=None,
        max_length=500,
        description="https, at a public address; null: the provider's own",
        examples=["https://models.example.com/v1"],
    )
    secret: Secret | None = Field(
        default=None, repr=False, description="the key; null for an endpoint that takes none"
    )
    prices: dict[Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")], Price] = Field(
        default_factory=dict,
        max_length=100,
        json_schema_extra={"additionalProperties": False},
        description="US dollars per million tokens by model id, `*` for all others; they go before the published ones",
    )


class Credential(WireModel):
    """A credential as it is shown: of its secret at most the last four characters."""

    name: str
    protocol: CredentialProtocol
    base_url: str | None
    last_four: str | None = Field(description="of the secret; null when it is short or there is none")
    has_secret: bool
    prices: dict[str, Price]
    updated_by: str
    updated_at: Instant

"""What the environment decides, read and checked once at start. Every variable begins with `NYX_`."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

type DatabaseAuth = Literal["password", "iam"]


def _json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


class Settings(BaseModel):
    """Environment of every function (`NYX_DATABASE_URL`, `NYX_BUCKET`, ...)."""

    model_config = ConfigDict(frozen=True)

    database_url: str = Field(
        default="", description="libpq URL of the role nyx_app; not set where there is no way to Postgres"
    )
    database_auth: DatabaseAuth = Field(
        default="password",
        description="iam: a token is signed for each new connection, as RDS Proxy takes it",
    )
    bucket: str = Field(default="nyxcore", description="S3 bucket of packs, patches, archives")
    public_base_url: str = Field(default="http://127.0.0.1:8000", description="origin that links are made of")
    report_base_url: str = Field(
        default="https://nyxcore.cloud", description="origin of the pages that show reports to people"
    )
    deployment: Literal["aws", "embedded"] = "aws"
    aws_endpoint_url: str | None = Field(default=None, description="moto's address in the embedded stack")
    state_machines: Annotated[dict[str, str], BeforeValidator(_json)] = Field(
        default_factory=dict, description='JSON object: kind of run -> state machine ARN, {"auto-fix": "arn"}'
    )
    fonts: str = Field(default="/opt/fonts", description="folder of the fonts that pages are set in")
    run_deadline_seconds: int = Field(default=3600, description="longest time from start to done of a run")
    stream_window_seconds: float = Field(default=120.0, description="longest life of one SSE response")
    streams_per_tenant: int = Field(default=1000, description="streams that a tenant may have open at once")
    streams_per_run: int = Field(default=200, description="streams of one run that may be open at once")
    pdf_patience_seconds: float = Field(
        default=20.0, description="how long POST /reports/pdf waits for a PDF before it answers 202"
    )
    default_model: str = Field(
        default="offline", description="what a workflow's steps ask that name no model; see nyxcore.llm"
    )
    pool_size: int = Field(default=0, description="0: one lazy connection a process (Lambda); n: a pool of n")
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_json)] = Field(
        default=(),
        description='JSON list of origins whose pages may call the API, ["https://app.example.com"]',
    )
    credential_key_arn: str = Field(default="", description="key of KMS that tenants' credentials hang on")
    credential_key_file: str = Field(
        default="",
        description="file of mode 0600 with the keys that credentials hang on, where there is no KMS",
    )
    model_prices: Annotated[dict[str, dict[str, Decimal]], BeforeValidator(_json)] = Field(
        default_factory=dict,
        description="JSON object: model -> price in US dollars per million tokens, where none is published;"
        ' `*` is what a model without any price is charged at: {"*": {"inputUsd": 15, "outputUsd": 75}}',
    )
    bedrock_tenants: Annotated[tuple[UUID | Literal["*"], ...], BeforeValidator(_json)] = Field(
        default=(),
        description="JSON list of the tenants that may use `bedrock:` models, which whoever deploys pays;"
        ' ["*"] is all of them',
    )
    model_address_exceptions: Annotated[tuple[str, ...], BeforeValidator(_json)] = Field(
        default=(),
        description="JSON list of networks (CIDR) that models may be reached in although they are private, over"
        ' http as well: ["127.0.0.0/8"] for a model on a laptop',
    )
    user_pool_issuer: str | None = Field(
        default=None, description="`iss` of the JWTs that are taken; without it none is taken"
    )
    user_pool_audience: str = Field(default="", description="`aud` or `client_id` of those JWTs")
    user_pool_jwks: str = Field(
        default="", description="the pool's key set as JSON (RFC 7517): there is no way out to fetch it"
    )
    user_pool_tenant_claim: str = Field(default="custom:tenant_id", description="claim that names the tenant")

    def opens_bedrock_to(self, tenant_id: UUID) -> bool:
        """Whether the tenant may use models that the deployment pays."""
        return "*" in self.bedrock_tenants or tenant_id in self.bedrock_tenants


@cache
def settings() -> Settings:
    """The settings of this process."""
    return from_environment(Settings)


def from_environment[Model: BaseModel](model: type[Model]) -> Model:
    """`model` with each field `x` taken from `NYX_X`, where that is set.

    By hand, since pydantic-settings costs each cold start 90 ms of CPU.
    """
    given = {name: os.environ.get(f"NYX_{name.upper()}") for name in model.model_fields}
    return model.model_validate({name: value for name, value in given.items() if value is not None})

"""What a run of a workflow would send and cost, with the tenant's personas and prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from pydantic import JsonValue

from nyxcore import clock
from nyxcore.credentials import service as credentials
from nyxcore.db.connection import Connection
from nyxcore.errors import InvalidInput
from nyxcore.llm import prices, tokens
from nyxcore.llm.models import Endpoint, ModelCall, Usage
from nyxcore.llm.windows import window
from nyxcore.personas import service as personas
from nyxcore.personas.applying import apply
from nyxcore.settings import settings
from nyxcore.workflows.bundle import personas_of
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.inputs import take_input
from nyxcore.workflows.material.values import Values
from nyxcore.workflows.preview import Terms, WorkflowPreview, preview


def preview_of(
    connection: Connection, tenant_id: UUID, workflow: Workflow, given: str | Mapping[str, JsonValue] | None
) -> WorkflowPreview:
    """The preview of a run on this input.

    Raises
    ------
    InputRefused : the input does not suit the workflow.
    NotFound : a step names a persona that there is not.
    """
    default = settings().default_model
    taken = take_input(workflow, given)
    values = Values(goal=workflow.goal, input=taken.text, inputs=taken.named)
    voices = {
        key: apply(
            personas.by_key(connection, tenant_id, key), "", count=lambda text: tokens.count(text, default)
        ).system
        for key in personas_of(workflow)
    }

    def price(model: str, tokens_in: int, tokens_out: int) -> float | None:
        try:
            endpoints = credentials.endpoints(connection, tenant_id, [model])
        except InvalidInput:
            return None  # its credential is not set yet
        call = _priced(tenant_id, model, endpoints)
        return float(prices.cost(call, model, Usage(tokens_in, tokens_out), clock.now()).usd)

    terms = Terms(model=default, count=tokens.count, window=window, price=price)
    return preview(workflow, values, terms, voices)


def _priced(tenant_id: UUID, model: str, endpoints: dict[str, Endpoint]) -> ModelCall:
    return ModelCall(
        tenant_id=str(tenant_id),
        model=model,
        prompt="",
        limit_usd=Decimal(0),
        limit_tokens=0,
        endpoints=endpoints,
        prices=prices.of_operator(),
    )

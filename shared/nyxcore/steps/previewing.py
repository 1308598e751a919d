"""What a run of a workflow would send and cost, with the tenant's personas and prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final
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
from nyxcore.personas.applying import system_text
from nyxcore.settings import settings
from nyxcore.workflows.bundle import personas_of
from nyxcore.workflows.costs import Cost, Sending, Terms
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.inputs import take_input
from nyxcore.workflows.material.values import Values
from nyxcore.workflows.preview import WorkflowPreview, preview

_CHARACTER: Final = "\U00010000"  # a letter of Linear B, since no other counts for so many tokens


def preview_of(
    connection: Connection, tenant_id: UUID, workflow: Workflow, given: str | Mapping[str, JsonValue] | None
) -> WorkflowPreview:
    """The preview of a run on this input.

    Raises
    ------
    InputRefused : the input does not suit the workflow.
    NotFound : a step names a persona that there is not.
    """
    taken = take_input(workflow, given)
    values = Values(goal=workflow.goal, input=taken.text, inputs=taken.named)
    voices = {key: system_text(personas.by_key(connection, tenant_id, key)) for key in personas_of(workflow)}
    costing = _Costing(connection, tenant_id)
    terms = Terms(
        model=settings().default_model,
        count=tokens.count,
        window=window,
        cost=costing.cost,
        obstacles=costing.obstacles,
    )
    return preview(workflow, values, terms, voices)


@dataclass
class _Costing:
    """Costs by the very function that a budget is held by, of the call that a run would make."""

    connection: Connection
    tenant_id: UUID
    known: dict[tuple[str, ...], dict[str, Endpoint] | None] = field(default_factory=dict)

    def cost(self, sending: Sending) -> Cost | None:
        """What the call costs; None where a credential is missing."""
        endpoints = self._endpoints(tuple(sending.models))
        if endpoints is None:
            return None
        first, *fallbacks = sending.models
        call = ModelCall(
            tenant_id=str(self.tenant_id),
            model=first,
            fallbacks=tuple(fallbacks),
            system=sending.system,
            prompt=sending.prompt + _stand_in(sending.to_come.most, sending.models),
            max_output_tokens=sending.output_tokens,
            output_schema=sending.output_schema,
            endpoints=endpoints,
            prices=prices.of_operator(),
        )
        now = clock.now()
        span = prices.span(call, now)
        read = sum(tokens.count(text, first) for text in (sending.system, sending.prompt))
        usage = Usage(read + sending.to_come.usual, sending.output_tokens)
        return Cost(prices.cost(call, first, usage, now).usd, span.least, span.most)

    def obstacles(self, models: Sequence[str]) -> list[str]:
        """What stands in the way of calling them; looked up only where something does."""
        if self._endpoints(tuple(models)) is not None:
            return []
        return credentials.missing(self.connection, self.tenant_id, models)

    def _endpoints(self, models: tuple[str, ...]) -> dict[str, Endpoint] | None:
        if models not in self.known:
            try:
                self.known[models] = credentials.endpoints(self.connection, self.tenant_id, models)
            except InvalidInput:
                self.known[models] = None
        return self.known[models]


def _stand_in(count: int, models: Sequence[str]) -> str:
    """Text of at least so many tokens to each of these models, in the place of what does not exist yet."""
    least = min(tokens.count(_CHARACTER * 100, model) for model in models) / 100
    return _CHARACTER * ceil(count / least)

"""Calls to the server that plays the provider."""

from __future__ import annotations

from typing import Any

from model_server import ModelServer

from nyxcore import clock
from nyxcore.llm import prices
from nyxcore.llm.calling import Surroundings, call
from nyxcore.llm.models import ModelAnswer, ModelCall

TENANT = "0198f2a0-4f1e-7c3a-9b5d-2f6a8c0e1d47"
KEY = "sk-the-tenant-s-own-key"


class Asking:
    """Asks the server as `ours:m`; keeps how long it waited between tries, without waiting."""

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.waits: list[float] = []
        self.journal: list[tuple[Any, ...]] = []

    def question(self, **changes: Any) -> ModelCall:
        endpoint = {
            "protocol": "openai",
            "base_url": self.server.url,
            "sealed_key": "sealed",
            "prices": {"m": {"input_usd": "1", "output_usd": "10", "cached_usd": "0.1"}},
        }
        values: dict[str, Any] = {
            "tenant_id": TENANT,
            "model": "ours:m",
            "system": "You are terse.",
            "prompt": "What is in the secret plan?",
            "max_output_tokens": 1000,
            "deadline_seconds": 20,
            "endpoints": {"ours": endpoint, "second": endpoint},
        }
        question = ModelCall(**(values | changes))
        most = prices.span(question, clock.now()).most  # as it is held where there is no budget
        limits = {"limit_usd": most.usd, "limit_tokens": most.tokens}
        return question.model_copy(update={name: limits[name] for name in limits.keys() - changes.keys()})

    def __call__(self, *, silence: float = 10, earlier: Any = (), **changes: Any) -> ModelAnswer:
        async def wait(seconds: float) -> None:
            self.waits.append(seconds)

        surroundings = Surroundings(
            open_key=lambda name, sealed: KEY,
            earlier=earlier,
            before_attempt=self.journal.append,
            silence=silence,
            sleep=wait,
            jitter=lambda: 0.5,
        )
        return call(self.question(**changes), surroundings)

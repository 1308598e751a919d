"""The state of the service, as anybody may see it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nyxcore.wire import WireModel


class Health(WireModel):
    """The service works: its database answers and its schema is new enough."""

    status: Literal["ok"]
    schema_version: int = Field(description="number of the newest migration applied", examples=[4])
    versions: dict[str, str] = Field(examples=[{"nyxcore": "0.1.0", "postgresql": "17.5"}])

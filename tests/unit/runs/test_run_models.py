"""The small rules of runs and events that need no database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

from nyxcore.runs.models import Event, RunOptions, item_events, kind_of_path, links
from nyxcore.runs.repository import json_text, storable

RUN = UUID("01938f5a-0000-7000-8000-000000000000")


def test_items_are_cut_into_events_of_a_hundred() -> None:
    cut = item_events("findings", list(range(250)))
    assert [len(event.data["items"]) for event in cut] == [100, 100, 50]
    assert [item for event in cut for item in event.data["items"]] == list(range(250))
    assert item_events("fixes", []) == []


def test_more_than_a_hundred_items_in_one_event_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="item_events"):
        Event("findings", {"items": [{}] * 101})


@pytest.mark.parametrize(
    ("kind", "path"),
    [("auto-fix", "auto-fix"), ("code-analysis", "code-analysis"), ("workflow", "workflows")],
)
def test_the_events_link_of_a_kind_is_the_path_that_serves_it(kind: str, path: str) -> None:
    assert links(RUN, kind, "https://x.example/").events == f"https://x.example/api/v1/events/{path}/{RUN}"  # type: ignore[arg-type]
    assert kind_of_path(path) == kind
    assert kind_of_path("runs") is None


def test_options_that_nobody_knows_are_refused() -> None:
    with pytest.raises(ValidationError):
        RunOptions.model_validate({"safe": True})
    with pytest.raises(ValidationError):
        RunOptions.model_validate({"categories": ["beauty"]})


def test_event_data_has_one_written_form() -> None:
    value = {"id": RUN, "at": datetime(2026, 11, 23, tzinfo=UTC), "usd": Decimal("0.5"), "text": "é\n\0"}
    assert json_text(value) == (
        '{"id":"01938f5a-0000-7000-8000-000000000000","at":"2026-11-23T00:00:00.000Z",'
        '"usd":0.5,"text":"\\u00e9\\n\\u0000"}'
    )
    with pytest.raises(TypeError, match="set has no JSON form"):
        json_text({"x": set()})
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text(float("nan"))


def test_what_jsonb_refuses_is_replaced_at_every_depth() -> None:
    assert storable({"a\0": ["\ud800", {"b": "ok"}], "n": 1}) == {"a\ufffd": ["\ufffd", {"b": "ok"}], "n": 1}

"""Parameters that many operations share."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query
from pydantic.json_schema import SkipJsonSchema

from nyxcore.paging import DEFAULT_LIMIT, MAX_LIMIT, Page, PageRequest
from nyxcore.wire import WireModel
from nyxcore.workflows.definition import MAX_STEPS

EXAMPLE_ID = "0198f2a0-4f1e-7c3a-9b5d-2f6a8c0e1d47"

ProjectId = Annotated[UUID, Path(alias="projectId", examples=[EXAMPLE_ID])]
RepositoryId = Annotated[UUID, Path(alias="repositoryId", examples=[EXAMPLE_ID])]
RunId = Annotated[UUID, Path(alias="runId", examples=[EXAMPLE_ID])]
FindingId = Annotated[UUID, Path(alias="findingId", examples=[EXAMPLE_ID])]
ReportId = Annotated[UUID, Path(alias="reportId", examples=[EXAMPLE_ID])]
WorkflowId = Annotated[UUID, Path(alias="workflowId", examples=[EXAMPLE_ID])]
PersonaId = Annotated[UUID, Path(alias="personaId", examples=[EXAMPLE_ID])]
TeamId = Annotated[UUID, Path(alias="teamId", examples=[EXAMPLE_ID])]
TokenId = Annotated[UUID, Path(alias="tokenId", examples=[EXAMPLE_ID])]


_Cursor = Annotated[
    str | SkipJsonSchema[None],
    Query(max_length=300, description="`nextCursor` of the page before; leave it out for the first page"),
]


def _page(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="most items of the page")] = DEFAULT_LIMIT,
    cursor: _Cursor = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


def _steps_page(
    limit: Annotated[int, Query(ge=1, le=MAX_STEPS, description="most items of the page")] = MAX_STEPS,
    cursor: _Cursor = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


PageParameters = Annotated[PageRequest, Depends(_page)]
StepsPageParameters = Annotated[PageRequest, Depends(_steps_page)]
"""Of a run's steps: as many as one answer holds, unless fewer are asked for."""


class PageOf[T](WireModel):
    """A page of a list. There is more exactly when `nextCursor` is not null."""

    items: list[T]
    next_cursor: str | None


def page_of[T](page: Page[T]) -> PageOf[T]:
    """The page as it is answered."""
    return PageOf(items=list(page.items), next_cursor=page.next_cursor)

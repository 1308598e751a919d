"""Projects, and the repositories that are worked on in them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from nyxcore.wire import A_NUMBER, LINE, Instant, Name, RequestModel, WireModel

Source = Literal["github", "archive", "path"]

RepositoryName = Annotated[str, Field(min_length=1, max_length=400, pattern=LINE, examples=["flask-3.1.0"])]

_GITHUB_NAME = r"^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}/[A-Za-z0-9._-]{1,100}$"
_GIT_REF = r"^[A-Za-z0-9_][A-Za-z0-9._/+@-]{0,254}$"
_ARCHIVE_NAME = r"^[^/\\\u0000-\u001f\u007f]{1,200}\.([tT][aA][rR](\.[gG][zZ])?|[tT][gG][zZ]|[zZ][iI][pP])$"


class Project(WireModel):
    """A project: what repositories, runs and reports are gathered under."""

    id: UUID
    name: str = Field(examples=["Flask"])
    created_at: Instant
    updated_at: Instant


class ProjectDraft(RequestModel):
    """A project to be made, or its new name."""

    name: Name = Field(examples=["Flask"])


class Repository(WireModel):
    """A repository of a project; where its files come from."""

    id: UUID
    project_id: UUID
    source: Source
    name: str = Field(examples=["pallets/flask"])
    ref: str | None = Field(description="branch, tag or commit on GitHub; null is the default branch")
    path: str | None = Field(description="absolute folder on the machine of the embedded stack")
    archive_filename: str | None = Field(description="name of the archive asked for last, or null")
    created_at: Instant


class GithubDraft(RequestModel):
    """A repository on GitHub."""

    source: Literal["github"]
    name: str = Field(pattern=_GITHUB_NAME, description="`owner/name`", examples=["pallets/flask"])
    ref: str | None = Field(default=None, pattern=_GIT_REF, examples=["main"])
    path: None = None


class ArchiveDraft(RequestModel):
    """A repository whose files are uploaded as an archive."""

    source: Literal["archive"]
    name: RepositoryName
    ref: None = None
    path: None = None


class PathDraft(RequestModel):
    """A folder on the machine where the embedded stack runs; refused elsewhere."""

    source: Literal["path"]
    name: RepositoryName
    ref: None = None
    path: str = Field(min_length=1, max_length=4096, pattern=r"^/[^\u0000]*$", examples=["/srv/flask"])


RepositoryDraft = Annotated[GithubDraft | ArchiveDraft | PathDraft, Field(discriminator="source")]


class ArchiveDraftUpload(RequestModel):
    """An archive that is about to be uploaded.

    Attributes
    ----------
    filename : its name, which ends in .tar.gz, .tgz, .tar or .zip.
    bytes : its size; the link then takes exactly so many.
    sha256 : SHA-256 in lower-case hex; the link then takes that content alone.
    """

    filename: str = Field(pattern=_ARCHIVE_NAME, examples=["flask-3.1.0.tar.gz"])
    bytes: Annotated[int, Field(ge=1, le=5 * 1024**3), A_NUMBER] | None = Field(
        default=None, examples=[741_120]
    )
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class ArchiveLink(WireModel):
    """A presigned request: send the archive as its body, with exactly these headers."""

    url: str
    method: Literal["PUT"]
    headers: dict[str, str]
    expires_at: Instant

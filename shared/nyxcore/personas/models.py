"""Personas and teams as the API shows and takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Discriminator, Field, Tag

from nyxcore.wire import LINE, Instant, Name, RequestModel, WireModel

Category = Literal["research", "design", "quality", "security", "operations", "product", "other"]

CATEGORIES: Mapping[Category, tuple[str, str]] = MappingProxyType(
    {
        "research": ("Research and judgement", "What is true, and what speaks against the plan"),
        "design": ("Architecture and design", "How the parts, the data and the interfaces should be cut"),
        "quality": ("Code quality", "Whether it is right, tested and fit to be changed"),
        "security": ("Security and compliance", "What an attacker or an auditor would find"),
        "operations": ("Operation and performance", "How it behaves under load and when parts fail"),
        "product": ("Product and writing", "Whom it helps, and how that is told"),
        "other": ("Other", "What fits nowhere else"),
    }
)
"""Title and a line of description of each section of the picker, in its order."""

Portrait = Literal[
    "guest",
    "api-designer",
    "architect",
    "compliance-officer",
    "data-engineer",
    "devils-advocate",
    "performance-engineer",
    "product-manager",
    "refactoring-specialist",
    "researcher",
    "reviewer",
    "security-engineer",
    "site-reliability-engineer",
    "technical-writer",
    "test-engineer",
]
"""The drawings in `library/`; `guest` is for personas that resemble none of the built-in ones."""

Origin = Literal["built-in", "own"]
Pattern = Literal["phd-discuss-best-implement"]

KEY = r"^[a-z][a-z0-9-]{0,39}$"
# lines, tabs included, and no other control character
_LINES = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"
# the same, with something to see on one of them
_TEXT = _LINES.removesuffix("$") + r"[^\u0000-\u0020\u007f\s]" + _LINES.removeprefix("^")
_ONE_LINE = r"^[^\u0000-\u001f\u007f]*$"

MOST_PROMPT = 20_000
FEWEST_MEMBERS, MOST_MEMBERS = 2, 8

Key = Annotated[
    str, Field(pattern=KEY, description="what a workflow calls the persona", examples=["threat-modeller"])
]
Trait = Annotated[str, Field(min_length=1, max_length=80, pattern=LINE, examples=["sceptical"])]
Traits = Annotated[list[Trait], Field(max_length=12)]
Summary = Annotated[
    str, Field(max_length=300, pattern=_ONE_LINE, examples=["Finds what an attacker would try first."])
]
Prompt = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_PROMPT,
        pattern=_TEXT,
        description="how the persona works; sent as it is, a `{{reference}}` in it is not expanded",
        examples=["You are a threat modeller. Name assets, attackers and trust boundaries first."],
    ),
]


class PersonaCard(WireModel):
    """A persona as a picker shows it."""

    id: UUID
    key: str = Field(description="what a workflow's `persona` names", examples=["security-engineer"])
    origin: Origin = Field(description="`built-in`: the product's, cannot be changed; `own`: the tenant's")
    name: str = Field(examples=["Security engineer"])
    category: Category = Field(examples=["security"])
    summary: str = Field(examples=["Finds what an attacker would try first."])
    traits: list[str] = Field(examples=[["calm about severity"]])
    specializations: list[str] = Field(examples=[["injection"]])
    portrait: Portrait = Field(examples=["security-engineer"])
    portrait_uri: str = Field(
        description="the portrait as a data URI of an SVG image", examples=["data:image/svg+xml,%3Csvg …"]
    )
    level: int = Field(description="1 at first, one more every 100 XP", examples=[3])
    xp: int = Field(
        description="10 for every step of a run that used the persona, whatever it asked",
        examples=[240],
    )
    next_level_xp: int = Field(description="the XP at which the next level begins", examples=[300])
    progress: float = Field(ge=0, lt=1, description="how far the present level is done", examples=[0.4])
    uses: int = Field(examples=[24])


class Persona(PersonaCard):
    """A persona with what it says to a model."""

    prompt: str = Field(examples=["You are a security engineer."])
    system: str = Field(
        description="exactly what the persona puts before a step's own system prompt",
        examples=["You are a security engineer.\n\nTraits that show in your work: calm about severity."],
    )
    based_on: UUID | None = Field(description="the persona that it was copied from, or null")
    created_at: Instant | None = Field(description="null for a built-in persona")
    updated_at: Instant


class PersonaGroup(WireModel):
    """A section of the picker."""

    category: Category
    title: str = Field(examples=["Security and compliance"])
    description: str = Field(examples=["What an attacker or an auditor would find"])
    count: int = Field(description="the personas in it", examples=[1])
    personas: list[PersonaCard] = Field(description="the built-in ones first, then by name")


class PersonaPicker(WireModel):
    """Every persona that can be chosen, in sections; a section without any is left out."""

    groups: list[PersonaGroup]
    count: int = Field(description="the personas in all sections", examples=[1])


class PersonaDraft(RequestModel):
    """A persona to be made."""

    name: Name = Field(examples=["Threat modeller"])
    key: Key | None = Field(default=None, description="null: made of the name; never changes later")
    category: Category = Field(examples=["security"])
    summary: Summary = ""
    traits: Traits = Field(default_factory=list)
    specializations: Traits = Field(default_factory=list)
    prompt: Prompt
    portrait: Portrait = "guest"


class PersonaCopy(RequestModel):
    """A persona to be made from another one: what is left out is as there."""

    based_on: UUID = Field(description="a built-in persona, or one of the tenant's own")
    name: Name | None = None
    key: Key | None = Field(default=None, description="null: made of the name; never changes later")
    category: Category | None = None
    summary: Summary | None = None
    traits: Traits | None = None
    specializations: Traits | None = None
    prompt: Prompt | None = None
    portrait: Portrait | None = None


def _variant(body: object) -> str | None:
    if isinstance(body, dict):
        return "copy" if "basedOn" in body else "draft"
    return None


NewPersona = Annotated[
    Annotated[PersonaDraft, Tag("draft")] | Annotated[PersonaCopy, Tag("copy")], Discriminator(_variant)
]


def _unset() -> str:
    """Stands for a member that was left out of a change; never read (see `model_fields_set`)."""
    return ""


class PersonaChange(RequestModel):
    """What is to be different; what is left out stays."""

    name: Name = Field(default_factory=_unset, examples=["Threat modeller"])
    category: Category = Field(default_factory=lambda: "other", examples=["security"])
    summary: Summary = Field(default_factory=_unset)
    traits: Traits = Field(default_factory=list)
    specializations: Traits = Field(default_factory=list)
    prompt: Prompt = Field(default_factory=_unset)
    portrait: Portrait = Field(default_factory=lambda: "guest")


@dataclass(frozen=True)
class PersonaRow:
    """A persona as it is kept.

    Attributes
    ----------
    gone_at : when the tenant deleted it, or the product retired it: still read by what names it, no longer to be
        chosen.
    xp, uses : this tenant's.
    """

    id: UUID
    key: str
    origin: Origin
    name: str
    category: Category
    summary: str
    traits: list[str]
    specializations: list[str]
    prompt: str
    portrait: Portrait
    based_on: UUID | None
    created_at: datetime | None
    updated_at: datetime
    gone_at: datetime | None
    xp: int
    uses: int

    @property
    def gone(self) -> bool:
        """Whether it can be chosen no more."""
        return self.gone_at is not None


def _distinct(ids: list[UUID]) -> list[UUID]:
    twice = sorted({str(each) for each in ids if ids.count(each) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there twice: name each persona once")
    return ids


PersonaIds = Annotated[
    list[UUID],
    Field(
        min_length=FEWEST_MEMBERS,
        max_length=MOST_MEMBERS,
        json_schema_extra={"uniqueItems": True},
        description="the personas in the order in which they speak",
        examples=[["0198f2a0-4f1e-7c3a-9b5d-2f6a8c0e1d47", "0198f2a0-4f1e-7c3a-9b5d-2f6a8c0e1d48"]],
    ),
    AfterValidator(_distinct),
]
Description = Annotated[str, Field(max_length=2_000, pattern=_LINES, examples=["For changes of the schema."])]


class TeamMember(WireModel):
    """A persona of a team. One that was deleted since stays, as `gone`: leave it out to run the team."""

    persona_id: UUID
    key: str = Field(examples=["data-engineer"])
    name: str = Field(examples=["Data engineer"])
    category: Category
    portrait_uri: str = Field(examples=["data:image/svg+xml,%3Csvg …"])
    gone: bool = Field(examples=[False])


class Team(WireModel):
    """Personas that work on one question, and how."""

    id: UUID
    name: str = Field(examples=["Database board"])
    description: str = Field(examples=["For changes of the schema."])
    pattern: Pattern = Field(
        description="`phd-discuss-best-implement`: each answers alone, they discuss two rounds, a judge names the"
        " best approach, the last step writes the prompt to implement it"
    )
    members: list[TeamMember] = Field(description="in the order in which they speak")
    created_at: Instant
    updated_at: Instant


class TeamDraft(RequestModel):
    """A team to be made."""

    name: Name = Field(examples=["Database board"])
    description: Description = ""
    pattern: Pattern = "phd-discuss-best-implement"
    persona_ids: PersonaIds


class TeamChange(RequestModel):
    """What is to be different; what is left out stays."""

    name: Name = Field(default_factory=_unset, examples=["Database board"])
    description: Description = Field(default_factory=_unset)
    pattern: Pattern = Field(default_factory=lambda: "phd-discuss-best-implement")
    persona_ids: PersonaIds = Field(default_factory=list)


@dataclass(frozen=True)
class TeamRow:
    """A team as it is kept."""

    id: UUID
    name: str
    description: str
    pattern: Pattern
    persona_ids: list[UUID]
    created_at: datetime
    updated_at: datetime

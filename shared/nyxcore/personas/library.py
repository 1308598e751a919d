"""The built-in personas: one TOML file each in `library/`, written into the database after the migrations."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nyxcore.errors import InvalidInput
from nyxcore.ids import derived
from nyxcore.personas.models import Category, Portrait, Prompt, Summary, Traits
from nyxcore.wire import Name

FOLDER = Path(__file__).with_name("library")
# the ids of built-in personas are the same in every deployment, so that an exported team finds them
_FAMILY = UUID("0198f2a0-0000-7000-8000-000000000000")


class BuiltIn(BaseModel):
    """A persona of the product. The file's name is its key, and the name of its portrait."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID
    key: str
    name: Name
    category: Category
    summary: Summary = Field(min_length=1)
    traits: Traits = Field(min_length=1)
    specializations: Traits = Field(min_length=1)
    prompt: Prompt
    portrait: Portrait


def read(folder: Path = FOLDER) -> list[BuiltIn]:
    """Every built-in persona, by key.

    Raises
    ------
    InvalidInput : a file that is none of a persona; the message names it.
    """
    return [_read(path) for path in sorted(folder.glob("*.toml"))]


def _read(path: Path) -> BuiltIn:
    import tomllib  # late: whoever only shows personas reads them from the database

    key = path.stem
    if key not in get_args(Portrait):
        raise InvalidInput(
            f"{path.name}: there is no portrait {key}.svg; draw it and add it to models.Portrait"
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        values["prompt"] = str(values.get("prompt", "")).strip()
        return BuiltIn(id=derived(_FAMILY, key), key=key, portrait=cast(Portrait, key), **values)
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InvalidInput(f"{path.name} is no persona: {error}") from error

"""A prompt with values in the place of its references. A value is inserted as data and never read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from nyxcore.errors import InvalidInput
from nyxcore.wire import WireModel
from nyxcore.workflows.material.insertion import Form, Insertion, Shortener, level, whole
from nyxcore.workflows.material.values import Material, PathUnknown, Values
from nyxcore.workflows.prompts.grammar import Reference, Template, parse


class PromptRefused(InvalidInput):
    """A prompt that cannot be rendered; the message has the line and the column of everything that is wrong."""

    code = "prompt_refused"


class PromptTooLong(InvalidInput):
    """The author's own words leave no room for what they name."""

    code = "prompt_too_long"


class Provenance(WireModel):
    """Where a part of a prompt came from, and what was done to it."""

    path: str = Field(examples=["steps.analyse.content"])
    reason: str = Field(description="why it is there", examples=["named in the prompt, line 3, column 7"])
    form: Form
    tokens: int = Field(description="of what stands in the prompt, fences included")
    bytes: int = Field(description="of the whole value, UTF-8")
    note: str | None = None


@dataclass(frozen=True)
class Rendered:
    """A prompt as it is sent, and where its parts came from, in their order."""

    text: str
    parts: tuple[Provenance, ...]


@dataclass(frozen=True)
class _Named:
    reference: Reference
    material: Material
    insertion: Insertion


def render(
    template: str | Template,
    values: Values,
    *,
    shortener: Shortener,
    limit: int | None = None,
    name: str = "prompt",
) -> Rendered:
    """The prompt with its values.

    Parameters
    ----------
    limit : tokens; where the whole would have more, the longest values stand as digests. None for no limit.
    name : what the provenance calls the template.

    Raises
    ------
    PromptRefused : a reference cannot be read or leads nowhere in this run; all of them are named.
    PromptTooLong : it does not fit the limit even so.
    """
    parsed = parse(template) if isinstance(template, str) else template
    named = list(_looked_up(parsed, values))
    text = _joined(parsed, named)
    if limit is not None and shortener.count(text) > limit:
        named, text = _shortened(parsed, named, shortener, limit)
    return Rendered(text, tuple(_told(each, shortener, name) for each in named))


def _looked_up(template: Template, values: Values) -> Iterator[_Named]:
    wrong = [f"line {bad.line}, column {bad.column}: {bad.message}" for bad in template.misread]
    found: list[_Named] = []
    for reference in template.references:
        try:
            material = values.material(reference.path)
        except PathUnknown as error:
            wrong.append(f"line {reference.line}, column {reference.column}: {error.message}")
        else:
            found.append(_Named(reference, material, whole(material)))
    if wrong:
        raise PromptRefused("\n".join(wrong))
    yield from found


def _joined(template: Template, named: Sequence[_Named]) -> str:
    """The text with what is inserted; a block of several lines begins and ends on a line of its own."""
    waiting = iter(named)
    pieces: list[str] = []
    after_block = False
    for piece in template.pieces:
        text = piece if isinstance(piece, str) else next(waiting).insertion.text
        block = not isinstance(piece, str) and "\n" in text
        if (block and pieces and not pieces[-1].endswith("\n")) or (
            after_block and not text.startswith("\n")
        ):
            pieces.append("\n")
        pieces.append(text)
        after_block = block
    return "".join(pieces)


def _shortened(
    template: Template, named: Sequence[_Named], shortener: Shortener, limit: int
) -> tuple[list[_Named], str]:
    """The longest values as digests, all cut down to one level; several times, since counting is not additive."""
    sizes = [shortener.count(each.insertion.text) for each in named]
    fixed = shortener.count("".join(piece for piece in template.pieces if isinstance(piece, str))) + len(
        named
    )
    room = limit - fixed
    for _ in range(4):
        share = level(sizes, room)
        shorter = [
            each if size <= share else _cut(each, shortener, share)
            for each, size in zip(named, sizes, strict=True)
        ]
        text = _joined(template, shorter)
        over = shortener.count(text) - limit
        if over <= 0:
            return shorter, text
        room -= over + len(named)
    raise PromptTooLong(
        f"the prompt has more than {limit:,} tokens even with digests of what it names; "
        "name less, or take a model with a larger window"
    )


def _cut(each: _Named, shortener: Shortener, share: int) -> _Named:
    if each.insertion.form not in ("whole", "placeholder") or each.material.trusted:
        return each
    short = shortener.shorten(each.material, share)
    left_out = f"{each.material.path} is left out for want of room {shortener.way_back(each.material)}"
    return _Named(each.reference, each.material, short or Insertion(left_out, "left-out", "no room"))


def _told(each: _Named, shortener: Shortener, name: str) -> Provenance:
    return Provenance(
        path=each.material.path,
        reason=f"named in the {name}, line {each.reference.line}, column {each.reference.column}",
        form=each.insertion.form,
        tokens=shortener.count(each.insertion.text),
        bytes=len(each.material.text.encode("utf-8", "surrogatepass")),
        note=each.insertion.note,
    )

"""A value as it stands in a prompt: whole, as a digest with a way back to the whole, or as a line that says why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nyxcore.workflows.material.digests import Count, Digester
from nyxcore.workflows.material.fences import fenced, hides, visible
from nyxcore.workflows.material.sections import OutputPart
from nyxcore.workflows.material.values import Material

Form = Literal["whole", "digest", "parts", "placeholder", "empty", "left-out"]
"""`parts`: some parts whole and some as digests, each between fences of its own."""


_WHERE: Mapping[str, str] = {
    "goal": "it stands in the workflow",
    "input": "it is what the run was given",
    "item": "it stands in the workflow, under forEach",
    "docs": "it stands in the documents of the project",
    "memory": "it stands in what is remembered",
    "policies": "it stands in the policy library",
    "project": "it stands in the wisdom of the project",
}
"""Where the whole of what came from no step is found."""


@dataclass(frozen=True)
class Insertion:
    """Text for a prompt, and what was done to the value to get it."""

    text: str
    form: Form
    note: str | None = None


@dataclass(frozen=True)
class Shortener:
    """What shortening needs to know.

    `count` gives the tokens of a text; `steps_url` is where the steps of the run are read.
    """

    count: Count
    steps_url: str

    def way_back(self, material: Material) -> str:
        """How long the whole is and where it is read, as a line of the prompt."""
        size = f"{len(material.text.encode('utf-8', 'surrogatepass')):,} bytes"
        where = f"GET {self.steps_url}/{material.step}" if material.step else _WHERE[material.source]
        return f"(the whole {material.path} has {size}: {where})"

    def shorten(self, material: Material, room: int) -> Insertion | None:
        """The value in at most `room` tokens; None where not even a line of a digest fits."""
        if len(material.parts) > 1:
            return self._parts(material, room)
        head = f"Digest {self.way_back(material)}\n"
        text = self._fitting(material.text, material.path, room, head)
        return (
            None
            if text is None
            else Insertion(text, "digest", f"longer than the {room:,} tokens left for it")
        )

    def _fitting(self, text: str, source: str, room: int, head: str) -> str | None:
        """Head and fenced digest in at most `room` tokens."""
        inner = room - self.count(head + fenced("\n", source))
        digester = Digester(text)
        for _ in range(3):  # counting is not additive: a fence and its text may have more tokens together
            short = digester.within(inner, self.count) if inner > 0 else None
            if short is None:
                return None
            inserted = head + fenced(short, source)
            over = self.count(inserted) - room
            if over <= 0:
                return inserted
            inner -= over + 1
        return None

    def _parts(self, material: Material, room: int) -> Insertion | None:
        """Every part on its own, whole where it fits its share of the room; the last are left out if need be."""
        head = f"In {len(material.parts)} parts {self.way_back(material)}"
        wholes = [_part(number, part, material) for number, part in enumerate(material.parts)]
        sizes = [self.count(whole) + 1 for whole in wholes]
        left = room - self.count(head) - 1
        kept = [head]
        whole_parts, shortened = 0, 0
        for number, part in enumerate(material.parts):
            share = level(sizes[number:], left)
            if sizes[number] <= share:
                text: str | None = wholes[number]
                whole_parts += 1
            else:
                text = self._short_part(number, part, material, share)
                shortened += text is not None
            if text is None:
                continue
            kept.append(text)
            left -= self.count(text) + 1
        return self._told(kept, whole_parts, shortened, material, room)

    def _short_part(self, number: int, part: OutputPart, material: Material, share: int) -> str | None:
        title = f"Part {number + 1}{_title(part)}, digest:\n"
        return self._fitting(part.text, f"{material.path}, part {number + 1}", share - 1, title)

    def _told(
        self, kept: list[str], whole: int, shortened: int, material: Material, room: int
    ) -> Insertion | None:
        missing = len(material.parts) - whole - shortened
        note = f"of {len(material.parts)} parts {whole} are whole, {shortened} are digests, {missing} are left out"
        text = "\n".join(kept) + (f"\n({missing} parts are left out for want of room)" if missing else "")
        while len(kept) > 1 and self.count(text) > room:
            kept.pop()
            text = "\n".join(
                [*kept, f"({len(material.parts) - len(kept) + 1} parts are left out for want of room)"]
            )
            note = f"of {len(material.parts)} parts {len(kept) - 1} are there, the others are left out"
        return Insertion(text, "parts", note) if len(kept) > 1 else None


def whole(material: Material) -> Insertion:
    """The value unchanged: between fences where nobody vouches for it, and where it is empty a line that says why."""
    if not material.text.strip():
        return Insertion(f"({material.path} is empty: {material.note})", "empty", material.note)
    if material.pending:
        return Insertion(fenced(material.text, material.path), "placeholder", "it does not exist yet")
    if material.trusted:
        return Insertion(visible(material.text), "whole")
    note = "characters that hide or reorder text are shown as codes" if hides(material.text) else None
    return Insertion(fenced(material.text, material.path), "whole", note)


def level(sizes: Sequence[int], room: int) -> int:
    """The share of each so that all fit `room`: what the short ones do not need, the long ones get.

    Everything that is not above the level fits whole; the others get the level each.
    """
    left, share = room, 0
    for place, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - place)
        if size > share:
            return share
        left -= size
    return max(room, share)


def _part(number: int, part: OutputPart, material: Material) -> str:
    return f"Part {number + 1}{_title(part)}:\n" + fenced(part.text, f"{material.path}, part {number + 1}")


def _title(part: OutputPart) -> str:
    """A part's title, which is data too: it may be a heading that a model or a repository wrote."""
    title = " ".join(part.title.split())[:100]
    return " " + fenced(title, "title") if title else ""

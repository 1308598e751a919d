"""Arithmetic of edits: apply them, see whether they collide, put two layers of them together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence

from nyxcore.analysis.models import Edit, Edits


def tidy(edits: Iterable[Edit], size: int) -> Edits | None:
    """The edits in order, without empty ones; None if they make no sense for a file of `size` bytes.

    An insertion right before a replacement becomes a part of it. They make no sense when one lies outside
    the file, when two overlap or are inserted at one place, or when none is left.
    """
    kept: list[Edit] = []
    changing = dict.fromkeys(edit for edit in edits if edit.text or edit.end > edit.start)
    for edit in sorted(changing, key=lambda edit: edit[:2]):
        if not 0 <= edit.start <= edit.end <= size:
            return None
        last = kept[-1] if kept else None
        if last is None or edit.start >= max(last.end, last.start + 1):
            kept.append(edit)
        elif last.start == last.end < edit.end:
            kept[-1] = Edit(edit.start, edit.end, last.text + edit.text)
        else:
            return None
    return tuple(kept) or None


def apply(content: bytes, edits: Sequence[Edit]) -> bytes:
    """`content` with sorted edits that do not overlap."""
    parts: list[bytes] = []
    position = 0
    for edit in edits:
        parts += (content[position : edit.start], edit.text)
        position = edit.end
    parts.append(content[position:])
    return b"".join(parts)


class Taken:
    """The ranges of one file that fixes have claimed.

    Two edits collide when they overlap, and when one of them is an insertion at a border of the other:
    the order of two texts put at one place would be chance, and ruff proposes the same import twice there.
    """

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def claim(self, edits: Sequence[Edit]) -> bool:
        """Claim the ranges of one fix; False, and nothing claimed, if one of them collides."""
        if any(self._collides(edit.start, edit.end) for edit in edits):
            return False
        for edit in edits:
            insort(self._ranges, (edit.start, edit.end))
        return True

    def _collides(self, start: int, end: int) -> bool:
        index = bisect_left(self._ranges, (start, start))
        if index and collide(self._ranges[index - 1], (start, end)):
            return True
        while index < len(self._ranges) and self._ranges[index][0] <= end:
            if collide(self._ranges[index], (start, end)):
                return True
            index += 1
        return False


def collide(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two ranges overlap, or touch where one of them is empty."""
    if one[0] == one[1] or other[0] == other[1]:
        return one[0] <= other[1] and other[0] <= one[1]
    return one[0] < other[1] and other[0] < one[1]


def merged(groups: Iterable[Sequence[Edit]]) -> Edits:
    """The edits of several fixes that do not collide, as one sorted layer."""
    return tuple(sorted(edit for group in groups for edit in group))


def written(edits: Sequence[Edit]) -> list[tuple[int, int]]:
    """Where, in the edited content, the text stands that the edits wrote."""
    places = []
    shift = 0
    for edit in edits:
        start = edit.start + shift
        places.append((start, start + len(edit.text)))
        shift += len(edit.text) - (edit.end - edit.start)
    return places


class BackMap:
    """From places in the edited content to places in the content before the edits."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits
        self._written = written(edits)
        self._starts = [start for start, _ in self._written]

    def __call__(self, offset: int) -> int:
        """The place before the edits; inside written text it is where that text's edit begins."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return offset
        if offset < self._written[index][1]:
            return self._edits[index].start
        return self._edits[index].end + offset - self._written[index][1]

    def inside(self, start: int, end: int) -> bool:
        """Whether the edits wrote all of the text from `start` to `end` of the edited content."""
        index = bisect_right(self._starts, start) - 1
        return index >= 0 and end <= self._written[index][1]


def compose(first: Sequence[Edit], second: Sequence[Edit], middle: bytes) -> Edits:
    """One layer that does what `first` and then `second` do.

    Parameters
    ----------
    first : from a base content to `middle`.
    second : from `middle` on, offsets into `middle`.
    middle : the content between them.

    Returns
    -------
    Edits with offsets into the base. Edits of the two layers that overlap or touch become one.
    """
    layers = [(start, end, True, edit) for (start, end), edit in zip(written(first), first, strict=True)]
    layers += [(edit.start, edit.end, False, edit) for edit in second]
    layers.sort(key=lambda item: (item[0], item[1]))
    result = []
    shift = 0
    index = 0
    while index < len(layers):
        start, end = layers[index][:2]
        stop = index
        while stop < len(layers) and layers[stop][0] <= end:
            end = max(end, layers[stop][1])
            stop += 1
        cluster = layers[index:stop]
        base_start = start - shift
        shift += sum(len(edit.text) - (edit.end - edit.start) for *_, is_first, edit in cluster if is_first)
        later = [edit for *_, is_first, edit in cluster if not is_first]
        changes = [Edit(edit.start - start, edit.end - start, edit.text) for edit in later]
        result.append(Edit(base_start, end - shift, apply(middle[start:end], changes)))
        index = stop
    return tuple(result)


def rebase(first: Sequence[Edit], second: Sequence[Edit], middle: bytes) -> Edits:
    """The edits of `compose` that hold a part of `second`: what it changes, in terms of the base."""
    if touched(first, second):
        untouched = set(first)
        return tuple(edit for edit in compose(first, second, middle) if edit not in untouched)
    back = BackMap(first)
    return tuple(
        Edit(back(edit.start), back(edit.start) + edit.end - edit.start, edit.text) for edit in second
    )


def moved(edits: Sequence[Edit], over: Sequence[Edit]) -> Edits:
    """The edits as offsets into the content that `over` leads to, none of which collides with them."""
    result = []
    for edit in edits:
        shift = sum(len(other.text) - (other.end - other.start) for other in over if other.end <= edit.start)
        result.append(Edit(edit.start + shift, edit.end + shift, edit.text))
    return tuple(result)


def touched(first: Sequence[Edit], second: Sequence[Edit]) -> set[int]:
    """Positions of the edits in `first` whose written text `second`, which comes after them, meets."""
    return {
        number for number, place in enumerate(written(first)) if any(_meets(place, edit) for edit in second)
    }


def _meets(place: tuple[int, int], edit: Edit) -> bool:
    return place[0] <= edit.end and edit.start <= place[1]

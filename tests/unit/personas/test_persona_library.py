"""The built-in personas and their portraits, as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from nyxcore.errors import InvalidInput
from nyxcore.personas import library, portraits
from nyxcore.personas.models import CATEGORIES, Category, Portrait

_DRAWINGS = sorted(portraits.FOLDER.glob("*.svg"))
_SVG = "{http://www.w3.org/2000/svg}"
# shapes and groups: nothing that runs, loads, links, writes or names another part of the file
_ELEMENTS = {f"{_SVG}{name}" for name in ("svg", "g", "path", "circle", "ellipse", "rect")}
_ATTRIBUTES = {
    "viewBox", "width", "height", "d", "cx", "cy", "r", "rx", "ry", "x", "y",
    "fill", "fill-rule", "fill-opacity", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin",
}  # fmt: skip


def test_there_are_14_with_keys_ids_and_names_of_their_own() -> None:
    personas = library.read()
    assert len(personas) == 14
    for of in ("key", "id", "name", "summary", "prompt", "portrait"):
        assert len({getattr(persona, of) for persona in personas}) == 14, of


def test_ids_stay_what_they_are() -> None:
    ids = {persona.key: str(persona.id) for persona in library.read()}
    assert ids["researcher"] == "0198f2a0-0000-7b8c-b9ce-46f7c9af772a"


def test_every_section_but_other_has_a_persona_and_every_category_a_section() -> None:
    assert {persona.category for persona in library.read()} | {"other"} == set(CATEGORIES)
    assert tuple(CATEGORIES) == get_args(Category)


def test_every_portrait_has_a_drawing_and_every_drawing_a_name() -> None:
    assert {path.stem for path in _DRAWINGS} == set(get_args(Portrait))


@pytest.mark.parametrize("path", _DRAWINGS, ids=lambda each: each.stem)
def test_a_portrait_is_a_small_square_of_shapes_and_nothing_else(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) <= 4_000
    assert "<!" not in text and "<?" not in text
    root = ElementTree.fromstring(text)
    assert root.get("viewBox") == "0 0 128 128"
    assert root.get("width") == root.get("height")
    for element in root.iter():
        assert element.tag in _ELEMENTS
        assert set(element.attrib) <= _ATTRIBUTES
        assert not (element.text or "").strip() and not (element.tail or "").strip()
        for value in element.attrib.values():
            assert "url(" not in value and ":" not in value


def test_no_two_portraits_share_their_ground_or_their_sign() -> None:
    lines = [path.read_text().splitlines() for path in _DRAWINGS]
    for line in (1, -2):
        assert len({drawing[line] for drawing in lines}) == len(lines)


@pytest.mark.parametrize("name", get_args(Portrait))
def test_a_data_uri_holds_the_whole_drawing(name: Portrait) -> None:
    uri = portraits.data_uri(name)
    kind, _, data = uri.partition(",")
    assert kind == "data:image/svg+xml"
    assert not re.search(r'[#"<>\s]', data.replace(" ", ""))
    shown, drawn = (
        ElementTree.canonicalize(text, strip_text=True)
        for text in (unquote(data), (portraits.FOLDER / f"{name}.svg").read_text())
    )
    assert shown == drawn


def test_a_portrait_of_a_newer_version_is_shown_as_a_guest() -> None:
    assert portraits.data_uri("astronaut") == portraits.data_uri("guest")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("astronaut", "", "draw it"),
        ("architect", "name =", "architect.toml is no persona"),
        ("architect", 'name = "A"', "category"),
        ("architect", (library.FOLDER / "architect.toml").read_text() + "more = 1\n", "more"),
    ],
)
def test_a_file_that_is_no_persona_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(InvalidInput, match=said):
        library.read(tmp_path)

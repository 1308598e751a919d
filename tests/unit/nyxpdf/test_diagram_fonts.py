"""Which of a page's faces a diagram takes with it: what a browser would take for its text, and no more."""

from __future__ import annotations

import pytest

from nyxpdf.fonts import Faces


def rule(family: str, name: str, extra: str = "") -> str:
    return f"@font-face{{font-family:{family};{extra}src:url(data:font/woff2;base64,{name})format('woff2')}}"


def taken(faces: Faces, text: str, *, bold: bool = False) -> list[str]:
    """Names of the files in the rules that a text takes."""
    return [part.partition(")")[0] for part in faces.needed(text, bold=bold).split("base64,")[1:]]


def test_families_stand_in_the_order_of_their_first_rules() -> None:
    faces = Faces(rule('"inter"', "A") + rule("'Noto Sans SC'", "B") + rule("inter", "C") + rule("Mono", "D"))
    assert faces.family == "'inter', 'Noto Sans SC', 'Mono', sans-serif"


def test_of_a_family_the_last_rule_for_a_character_is_taken_and_of_families_the_first() -> None:
    greek = rule("inter", "GREEK", "unicode-range:U+41,U+370-3FF;")
    latin = rule("inter", "LATIN", "unicode-range:U+0-FF;")
    chinese = rule("sc", "SC", "unicode-range:U+20-7E,U+4E??;")
    faces = Faces(greek + latin + chinese)
    assert taken(faces, "AB") == ["LATIN"]
    assert taken(faces, "Aλ") == ["GREEK", "LATIN"]
    assert taken(faces, "一") == ["SC"]
    assert taken(faces, "א") == []


@pytest.mark.parametrize("weight", ["700", "bold", "501 1000"])
def test_bold_faces_are_taken_for_bold_text_only(weight: str) -> None:
    faces = Faces(
        rule("inter", "REGULAR", "font-weight:1 500;") + rule("inter", "BOLD", f"font-weight:{weight};")
    )
    assert taken(faces, "x") == ["REGULAR"]
    assert taken(faces, "x", bold=True) == ["REGULAR", "BOLD"]


def test_rules_that_bring_no_file_are_left_out() -> None:
    faces = Faces(
        "@font-face{font-family:x;src:url(http://example.com/x)}@font-face{src:url(data:font/woff2;base64,A)}"
    )
    assert faces.rules == ""
    assert faces.family == "sans-serif"

"""What a heading says: its text for contents and outline."""

from nyxcore.markup.service import render


def test_a_heading_says_the_tags_that_were_refused_too() -> None:
    (heading,) = render("# Torture & <Co>, <b>bold</b> `<i>`").headings
    assert heading.text == "Torture & <Co>, bold <i>"

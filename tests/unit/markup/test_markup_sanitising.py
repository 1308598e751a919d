"""Nothing in a document can run, load, leave the page, or pass for what the conversion makes."""

from __future__ import annotations

import re
from itertools import product

import pytest
from attacks import ATTACKS
from html_reading import assert_harmless, read
from hypothesis import given, settings
from hypothesis import strategies as st

from nyxcore.markup.allowlist import sanitise
from nyxcore.markup.models import Markup
from nyxcore.markup.raw_html import INLINE
from nyxcore.markup.service import render


def assert_safe(source: str) -> Markup:
    """Only what is allowed stands in the page, and every element that is ours stands there as often as it was made."""
    markup = render(source)
    page = assert_harmless(markup.html)
    figures = [attributes for tag, attributes in page.elements if tag == "figure"]
    wanted = [{"class": "diagram", "data-diagram": str(number)} for number in range(len(markup.diagrams))]
    assert figures == wanted
    for number in range(len(markup.diagrams)):
        assert f'<figure class="diagram" data-diagram="{number}"></figure>' in markup.html
    ids = {str(attributes["id"]) for _, attributes in page.elements if "id" in attributes}
    assert {heading.id for heading in markup.headings} == {
        name for name in ids if name.startswith("section-")
    }
    return markup


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_comes_to_nothing(attack: str) -> None:
    assert_safe(attack)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_sanitiser_alone_would_stop_it_too(attack: str) -> None:
    """Two walls: the second holds even if the first, which writes raw HTML anew, let everything through."""
    assert_harmless(sanitise(attack.encode(errors="replace").decode()))


@pytest.mark.parametrize(
    "around",
    ["> {}", "- {}", "| a |\n|---|\n| {} |", "# {}", "x[^1]\n\n[^1]: {}", "*{}*", "[{}](https://a.b)"],
)
def test_an_attack_comes_to_nothing_wherever_it_stands(around: str) -> None:
    for attack in ATTACKS:
        assert_safe(around.format(attack))


def test_two_attacks_together_come_to_nothing() -> None:
    for first, second in product(ATTACKS[::3], ATTACKS[1::3]):
        assert_safe(f"{first}{second}")


_TOKENS = st.sampled_from(
    [
        *(
            "<",
            ">",
            "</",
            "/>",
            '"',
            "'",
            "=",
            "`",
            "```",
            "[",
            "](",
            ")",
            "![",
            "&",
            "&#x3c;",
            "&lt",
            ";",
            "\\",
            "|",
        ),
        *(
            "\n",
            "\n\n",
            " ",
            "\t",
            "> ",
            "- ",
            "1. ",
            "# ",
            "*",
            "_",
            "~~",
            "[^1]",
            "[^1]: ",
            ": ",
            "---",
            "|---|\n",
        ),
        *(
            "script",
            "img",
            "div",
            "svg",
            "a",
            "b",
            "table",
            "td",
            "p",
            "details",
            "figure",
            "style",
            "li",
            "pre",
            "h1",
        ),
        *(
            " src=",
            " href=",
            " onclick=",
            " style=",
            " class=",
            " id=",
            " title=",
            " data-diagram=",
            "javascript:",
        ),
        *(
            "https://a.b/",
            "data:image/png;base64,",
            "#x",
            "www.a.b",
            "a@b.c",
            "<!--",
            "-->",
            "<![CDATA[",
            "mermaid\n",
        ),
        *("\x00", "\u202e", "\u2028", "\ud800", "é", "漢", "x"),
    ]
)


@settings(max_examples=600, deadline=None)
@given(st.lists(_TOKENS, max_size=40).map("".join))
def test_no_arrangement_of_markup_is_dangerous(source: str) -> None:
    assert_safe(source)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_no_text_is_dangerous(source: str) -> None:
    assert_safe(source)


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=40).filter(
        lambda word: word.lower() not in INLINE
    )  # they are tags then, with or without an end
)
def test_letters_and_digits_are_never_lost(word: str) -> None:
    flat = " ".join(word.split())
    for source in (
        word,
        f"<{word}>",
        f"a <{word}> b",
        f"`{word}`",
        f"```\n{word}\n```",
        f"<div>{word}",
        f"<!-- {word}",
    ):
        assert flat in " ".join(read(render(source).html).text.split())


def test_harmless_html_stays() -> None:
    source = (
        "<details open><summary>More</summary>\n\n*inside*\n\n</details>\n\n"
        'Press <kbd>Ctrl</kbd>, H<sub>2</sub>O, x<sup>2</sup>, <abbr title="a b">c</abbr>, line<br>break '
        "<!-- unseen -->\n\n"
        '<p align="center"><b>bold</b></p>\n\n<ul><li>one<li>two</ul>'
    )
    html = render(source).html
    for kept in (
        '<details open=""><summary>More</summary>\n<p><em>inside</em></p>\n</details>',
        '<kbd>Ctrl</kbd>, H<sub>2</sub>O, x<sup>2</sup>, <abbr title="a b">c</abbr>, line<br>break ',
        '<p align="center"><b>bold</b></p>',
        "<ul><li>one</li><li>two</li></ul>",
    ):
        assert kept in html
    assert "unseen" not in html


def test_what_is_no_tag_here_is_shown_as_it_was_written() -> None:
    """As models write it, without backticks."""
    page = read(
        render('A `Map` is List<String>, Vec<T>, x <b>y and </i>; <custom-tag a="1">z</custom-tag>').html
    )
    assert (
        page.text.strip()
        == 'A Map is List<String>, Vec<T>, x <b>y and </i>; <custom-tag a="1">z</custom-tag>'
    )
    assert {tag for tag, _ in page.elements} == {"p", "code"}


def test_refused_html_is_shown_as_code() -> None:
    html = render("<svg onload=alert(1)>\n  <circle/>\n</svg>\n").html
    assert html == "<pre>&lt;svg onload=alert(1)&gt;\n  &lt;circle/&gt;\n&lt;/svg&gt;\n</pre>\n"


def test_an_element_left_open_does_not_reach_beyond_its_container() -> None:
    html = render("> <div>\n\noutside\n\n<b>\n\nplain\n").html
    assert "<div>" not in html and "<b>" not in html and "<p>outside</p>" in html and "<p>plain</p>" in html


def test_links_lead_to_the_web_to_mail_or_into_the_document() -> None:
    source = "# Über uns\n\n[a](https://a.b/c) [b](mailto:x@y.z) [c](#über-uns) [d](docs/x.md) [e](ftp://f.g) [h]()"
    html = render(source).html
    hrefs = re.findall(r'href="([^"]*)"', html)
    assert hrefs == ["https://a.b/c", "mailto:x@y.z", "#section-%C3%BCber-uns"]
    assert "d (docs/x.md) e (ftp://f.g) h</p>" in html


def test_a_document_cannot_link_to_the_page_around_it() -> None:
    assert 'href="#cover"' not in render("[x](#cover) <a href='#cover'>y</a>").html


def test_a_remote_image_becomes_a_link_to_it() -> None:
    html = render(
        "![the plan](https://a.b/p.png) [![badge](https://a.b/i.svg)](https://c.d) <img src=http://e.f/g.png>"
    ).html
    assert "<img" not in html
    assert '<a href="https://a.b/p.png" rel="noopener noreferrer">the plan</a>' in html
    assert '<a href="https://c.d" rel="noopener noreferrer">badge</a>' in html
    assert '<a href="http://e.f/g.png" rel="noopener noreferrer">g.png</a>' in html

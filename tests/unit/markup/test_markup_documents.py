"""What a report's Markdown becomes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from html_reading import assert_harmless, read
from scale import SCALE, scale_limits

from nyxcore.errors import InvalidInput
from nyxcore.markup.models import Heading
from nyxcore.markup.service import decode, render


def test_headings_are_returned_with_the_ids_that_they_carry() -> None:
    markup = render("# Über *uns* `a_b`\n\n## Same\n\n## Same\n\n## Same-1\n\n### 🎉\n\n[x](#same-1)\n")
    assert markup.headings == (
        Heading(1, "section-über-uns-a_b", "Über uns a_b"),
        Heading(2, "section-same", "Same"),
        Heading(2, "section-same-1", "Same"),
        Heading(2, "section-same-1-1", "Same-1"),
        Heading(3, "section-untitled", "🎉"),
    )
    for heading in markup.headings:
        assert f'<h{heading.level} id="{heading.id}">' in markup.html
    assert '<a href="#section-same-1"' in markup.html


def test_a_heading_is_named_by_what_one_reads_in_it() -> None:
    markup = render("# [Link](https://a.b) ![alt](https://c.d) a[^1] <b>b</b>\n\n[^1]: note\n")
    assert [heading.text for heading in markup.headings] == ["Link alt a b"]


def test_headings_written_as_html_are_no_part_of_the_outline() -> None:
    markup = render("<h1>Logo</h1>\n\n# Title\n")
    assert [heading.text for heading in markup.headings] == ["Title"]
    assert "<h1>Logo</h1>" in markup.html


def test_a_diagram_leaves_its_place_and_its_source() -> None:
    markup = render("```mermaid\ngraph TD\n```\n\n> ```Mermaid\n> pie\n> ```\n")
    assert markup.diagrams == ("graph TD\n", "pie\n")
    assert markup.html.count('<figure class="diagram" data-diagram="0"></figure>') == 1
    assert markup.html.count('<figure class="diagram" data-diagram="1"></figure>') == 1


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("en", ["Note", "Tip", "Important", "Warning", "Caution"]),
        ("de", ["Hinweis", "Tipp", "Wichtig", "Warnung", "Vorsicht"]),
    ],
)
def test_the_five_alerts_carry_a_title_in_the_language_of_the_document(
    language: str, titles: list[str]
) -> None:
    kinds = ["note", "tip", "important", "warning", "caution"]
    html = render("\n\n".join(f"> [!{kind.upper()}]\n> *x*" for kind in kinds), language=language).html
    for kind, title in zip(kinds, titles, strict=True):
        alert = (
            f'<div class="alert alert-{kind}">\n<p class="alert-title">{title}</p>\n<p><em>x</em></p>\n</div>'
        )
        assert alert in html


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="'fr'; there are en, de"):
        render("x", language="fr")


def test_footnotes_lead_there_and_back() -> None:
    html = render("One[^a], two[^b], one again[^a].\n\n[^b]: second\n[^a]: *first*\n", language="de").html
    assert html.count("<sup ") == 3
    page = assert_harmless(html)
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert ids == {"note-1", "note-2", "noteref-1", "noteref-1-2", "noteref-2"}
    assert {attributes["href"] for tag, attributes in page.elements if tag == "a"} == {
        f"#{name}" for name in ids
    }
    assert (
        '<section class="footnotes" aria-label="Fußnoten">\n<ol>\n<li id="note-1"><p><em>first</em>' in html
    )


def test_a_footnote_may_be_defined_inside_of_another() -> None:
    html = render("- [^1]: - [^2]: inner\n    - outer\n\na[^1] b[^2]").html
    page = assert_harmless(html)
    assert page.count("section") == 1 and page.text.count("inner") == page.text.count("outer") == 1
    assert [attributes["id"] for tag, attributes in page.elements if tag == "li" and attributes] == [
        "note-1",
        "note-2",
    ]


def test_a_footnote_without_a_definition_is_text() -> None:
    assert "a[^x] b" in render("a[^x] b\n\n[^y]: z\n\nc[^y]\n").html


def test_code_is_coloured_with_classes() -> None:
    html = render('```py\ndef f(): return "x"\n```\n').html
    assert html.startswith('<pre class="highlight"><code><span class="k">def</span>')
    assert read(html).text == 'def f(): return "x"\n\n'


def test_a_diff_is_coloured_line_by_line_whatever_its_size() -> None:
    html = render(
        "```diff\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old <b>\n+new\n same\n" + "+more\n" * 20_000 + "```\n"
    ).html
    assert html.startswith(
        '<pre class="highlight"><code><span class="gh">--- a/x</span>\n<span class="gh">+++ b/x</span>\n'
        '<span class="gu">@@ -1 +1 @@</span>\n<span class="gd">-old &lt;b&gt;</span>\n<span class="gi">+new</span>\n'
        " same\n"
    )
    assert html.count('<span class="gi">+more</span>\n') == 20_000


@pytest.mark.parametrize(
    "fence",
    [
        "```nosuchlanguage\nx = 1\n```",
        "```csound\nx = 1\n```",
        "```python\n" + "x = 1\n" * 2_000 + "```",
        "```python\nx = '" + "a" * 500 + "'\n```",
        "```python\nx\n" + "\n" * 10 + "y\n```",
        "```java\n" + "int x;\n" * 400 + "```",
        "    x = 1\n",
    ],
    ids=["unknown", "never tried", "large", "long line", "hole", "large and slow", "indented"],
)
def test_code_that_is_not_coloured_is_whole(fence: str) -> None:
    html = render(fence).html
    assert html.startswith("<pre><code>") and "<span" not in html
    code = "\n".join(line for line in fence.split("\n") if not line.startswith("```"))
    assert read(html).text.split() == code.split()


def test_the_rest_of_a_document_with_very_much_code_is_not_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    scale_limits(monkeypatch)
    lines = 1_500 // SCALE
    html = render(("```python\n" + "x = 1\n" * lines + "```\n\n") * 31).html
    assert 10 < html.count('<pre class="highlight">') < 31
    assert read(html).text.count("x = 1") == lines * 31


def test_characters_that_turn_the_text_around_are_shown() -> None:
    """CVE-2021-42574: the order in which code is read must be that in which it is compiled."""
    html = render("a\u202eb `c\u2066\u200bd` [e](https://f.g '\u202eh')\n\n```python\n# \u202e i\n```\n").html
    sign = '<span class="control">{}</span>'.format
    assert f"a{sign('U+202E')}b <code>c{sign('U+2066')}{sign('U+200B')}d</code>" in html
    assert 'title="U+202Eh"' in html
    assert f"# {sign('U+202E')} i" in html
    assert not set("\u202e\u2066\u200b") & set(html)


def test_the_same_characters_as_entities_are_shown_too() -> None:
    html = render("a&#x202e;b <kbd title='&#x202e;'>c&#8238;</kbd>").html
    assert html.count('<span class="control">U+202E</span>') == 2 and "\u202e" not in html


def test_writing_from_right_to_left_and_emoji_stay_as_they_are() -> None:
    text = "שלום \u200fعربي 👩\u200d💻 हिन्दी"
    assert text in render(text).html


def test_bytes_that_are_no_text_become_text() -> None:
    assert decode(b"\xef\xbb\xbf# a\xff\xfe") == "# a\ufffd\ufffd"
    assert "<h1" in render("\ufeff# a").html
    assert (
        render("a\x00b\ud800c\u2028d\x1be").html
        == '<p>a\ufffdb\ufffdc d<span class="control">U+001B</span>e</p>\n'
    )


def test_the_same_document_comes_out_the_same() -> None:
    source = "# a\n\n[^1] `b` <b title=x>c</b>\n\n```python\nd\n```\n\n[^1]: e\n"
    assert render(source) == render(source)


def test_pygments_is_imported_only_for_code() -> None:
    program = (
        "import sys; from nyxcore.markup.service import render; render('# a\\n\\nwww.a.b\\n\\n```diff\\n+a\\n```');"
        " print('pygments' in sys.modules); render('```python\\na\\n```'); print('pygments' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]

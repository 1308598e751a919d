"""What a report's Markdown becomes."""

from nyxcore.markup.models import Heading
from nyxcore.markup.service import render


def test_headings_are_returned_with_the_ids_that_they_carry() -> None:
    markup = render("# Über *uns* `a_b`\n\n## Same\n\n## Same\n")
    assert markup.headings == (
        Heading(1, "section-über-uns-a_b", "Über uns a_b"),
        Heading(2, "section-same", "Same"),
        Heading(2, "section-same-1", "Same"),
    )
    assert [f'id="{heading.id}"' in markup.html for heading in markup.headings] == [True] * 3


def test_a_diagram_leaves_its_place_and_its_source() -> None:
    markup = render("```mermaid\ngraph TD\n```\n\n> ```Mermaid\n> pie\n> ```\n")
    assert markup.diagrams == ("graph TD\n", "pie\n")
    assert markup.html.count('<figure class="diagram" data-diagram="0"></figure>') == 1
    assert markup.html.count('<figure class="diagram" data-diagram="1"></figure>') == 1


def test_raw_html_cannot_forge_the_place_of_a_diagram() -> None:
    markup = render(
        '<figure class="diagram" data-diagram="0"></figure>\n\n<div class="diagram" data-diagram="0">x</div>'
    )
    assert "<figure" not in markup.html and "<div>x</div>" in markup.html

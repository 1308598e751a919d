"""A table of thousands of rows is set as several that look like one."""

import re

import pytest
from page_documents import words

from nyxcore.markup.service import render
from nyxcore.pages.dressing import dress
from nyxcore.pages.long_tables import MOST_ROWS


def dressed(markdown: str) -> str:
    return dress(render(markdown).html, {"high": "high"})


def table(rows: int) -> str:
    lines = "".join(f"| high | `pkg/module_{n}.py:{n}` | finding {n}, in words |\n" for n in range(rows))
    return f"| severity | where | what |\n| --- | --- | ---: |\n{lines}"


def parts(html: str) -> list[str]:
    return re.findall(r"<table>.*?</table>", html, re.DOTALL)


def test_a_table_that_is_not_long_stays_one_and_shares_its_width_itself() -> None:
    html = dressed(table(MOST_ROWS))
    assert len(parts(html)) == 1
    assert "<colgroup>" not in html


@pytest.mark.parametrize("rows", [MOST_ROWS + 1, 2 * MOST_ROWS, 5_000])
def test_a_long_table_is_set_as_several_of_about_the_same_length(rows: int) -> None:
    lengths = [
        part.count("<td>high") + part.count('<td><span class="severity')
        for part in parts(dressed(table(rows)))
    ]
    assert sum(lengths) == rows
    assert len(lengths) == -(-rows // MOST_ROWS)
    assert max(lengths) - min(lengths) <= 1


def test_together_they_have_every_row_once_and_in_order() -> None:
    html = dressed(table(1_700))
    assert [int(number) for number in re.findall(r">finding (\d+), in words</td>", html)] == list(
        range(1_700)
    )


def test_each_has_the_head_and_the_widths_of_the_first() -> None:
    found = parts(dressed(table(1_700)))
    heads = {re.sub(r"<tbody>.*", "", part, flags=re.DOTALL) for part in found}
    assert len(found) == 4
    assert len(heads) == 1
    (head,) = heads
    assert words(head).split() == ["severity", "where", "what"]
    assert sum(map(float, re.findall(r'<col style="width:([\d.]+)%">', head))) == pytest.approx(100, abs=0.1)


def test_an_id_of_the_head_is_given_once() -> None:
    html = dressed(table(1_200).replace("severity", "severity[^1]", 1) + "\n[^1]: A note.\n")
    assert len(parts(html)) == 3
    assert len(re.findall(r' id="[^"]*ref[^"]*"', html)) == 1


def test_they_stand_in_one_frame_and_are_of_one_size() -> None:
    assert re.findall(r'<div class="table wide-\d">', dressed(table(1_700))) == ['<div class="table wide-0">']


@pytest.mark.parametrize(
    ("before", "row"),
    [
        ("<thead><tr><th>a</th></tr></thead><tbody>", '<tr><td rowspan="2">b</td></tr><tr></tr>'),
        ("<caption>a</caption><thead><tr><th>a</th></tr></thead><tbody>", "<tr><td>b</td></tr>"),
        ("<tbody>", "<tr><td>b</td></tr>"),
        ("<thead><tr><th>a</th></tr></thead><tbody>", "<tr><td><table><tr><td>b</td></tr></table></td></tr>"),
    ],
    ids=["cells over rows", "a caption", "no head", "a table in a table"],
)
def test_what_does_not_come_apart_stays_together(before: str, row: str) -> None:
    html = dressed(f"<table>{before}{row * (MOST_ROWS + 1)}</tbody></table>\n")
    assert "<colgroup>" not in html

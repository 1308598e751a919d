"""The page keeps its promises: closed to the outside, readable by machines, with a cover and contents."""

import io
import re

import pytest
import segno
from page_documents import body, page, words

REPORT = (
    """# Flask · Auto-fix · 2026-11-23

Summary.

## First & foremost

### Inside *of* it

#### Deeper

## Second `code`

## Third

"""
    + "Words.\n\n" * 80
)


def test_nothing_in_a_page_runs_or_is_fetched() -> None:
    hostile = (
        "<script>alert(1)</script> <img src=x onerror=alert(1)> ![a](https://example.com/a.png)\n\n"
        "<style>@import 'https://example.com/x.css'</style>\n\n<iframe src='https://example.com'></iframe>"
    )
    html = page(REPORT + hostile, url="https://nyxcore.cloud/r/1")
    assert not re.search(r"<(?:script|iframe|object|embed|link|base|form)\b", html)
    assert not re.search(r"<[^>]+\son\w+=", html)
    assert all(source.startswith("data:") for source in re.findall(r'<[^>]+\ssrc="([^"]*)"', html))
    styles = "".join(re.findall("<style>(.*?)</style>", html, re.DOTALL))
    loaded = re.findall(r"url\((.{5})", styles)
    assert loaded and set(loaded) == {"data:"}
    assert "@import" not in styles
    assert "default-src 'none'" in html


def test_a_page_says_its_title_and_language() -> None:
    html = page(language="de", title="Größe < 3 & mehr")
    assert html.startswith('<!doctype html>\n<html lang="de">')
    assert "<title>Größe &lt; 3 &amp; mehr</title>" in html


def test_the_cover_has_title_project_kind_and_date() -> None:
    cover = page(REPORT, project="A & B").partition("</header>")[0].partition("<body>")[2]
    assert words(re.search(r"<h1.*?</h1>", cover)[0]) == "Flask · Auto-fix · 2026-11-23"  # type: ignore[index]
    facts = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", cover)
    assert facts == [("Project", "A &amp; B"), ("Report", "Auto-fix"), ("Date", "23 November 2026")]


@pytest.mark.parametrize(
    ("title", "first"),
    [
        ("Atlas · Core · Auto-fix · 2026-11-23", "Atlas · Core"),
        ("Atlas · Core", "Atlas · Core"),
        ("Atlas · Corepack · Auto-fix", "Atlas"),
        ("Review · Atlas · Core", "Review"),
    ],
)
def test_the_name_of_a_project_stays_in_one_piece_on_the_cover(title: str, first: str) -> None:
    found = re.search(r"<h1[^>]*>([^<]*)", page(title=title, project="Atlas · Core"))
    assert found is not None and found[1] == first


def test_a_title_that_looks_like_a_tag_stands_on_the_cover_only() -> None:
    html = page("# Torture & <Co>\n\ntext", title="Torture & <Co>")
    assert words(html.partition("<body>")[2]).count("Torture & <Co>") == 1


def test_what_is_not_known_is_left_out_of_the_cover() -> None:
    cover = page(project="", kind="").partition("</header>")[0]
    assert re.findall("<dt>(.*?)</dt>", cover) == ["Date"]
    assert "<a class=" not in cover


def test_the_contents_are_the_headings_to_level_three() -> None:
    contents = page(REPORT).partition('<nav class="contents"')[2].partition("</nav>")[0]
    entries = re.findall(
        r'<li class="level-(\d)"><a href="#([^"]+)"><span>(.*?)</span>.*?data-page-of="([^"]+)"', contents
    )
    assert [(level, text) for level, _, text, _ in entries] == [
        ("2", "First &amp; foremost"),
        ("3", "Inside of it"),
        ("2", "Second code"),
        ("2", "Third"),
    ]
    ids = set(re.findall(r' id="([^"]+)"', body(page(REPORT))))
    assert all(target == place and target in ids for _, target, _, place in entries)


@pytest.mark.parametrize("text", ["## One\n\n## Two\n" + "Words.\n\n" * 100, "## Part\n\nWords.\n\n" * 20])
def test_a_text_of_few_headings_or_few_pages_has_no_contents(text: str) -> None:
    assert '<nav class="contents"' not in page(text)


PICTURE = f"![plan](data:image/gif;base64,R0lGODlh{'A' * 20_000})\n\n"
LONG = {
    "diagrams": "```mermaid\ngraph TD; A-->B\n```\n\n",
    "pictures": PICTURE,
    "pictures in HTML": f'<img src="data:image/gif;base64,R0lGODlh{"A" * 600}">\n\n',
    "line breaks": "word<br>" * 30 + "\n\n",
    "long paragraphs": "words and more words " * 150 + "\n\n",
    "ideographs": "漢字" * 600 + "\n\n",
    "code": "```\n" + "line\n" * 30 + "```\n\n",
    "rows in one line": f"<table>{'<tr><td>a</td></tr>' * 30}</table>\n\n",
}


@pytest.mark.parametrize("part", LONG.values(), ids=LONG)
def test_what_makes_a_text_long_has_contents_and_the_printer_is_told_from_how_many_pages_on(
    part: str,
) -> None:
    assert '<nav class="contents" data-above-pages="7">' in page(f"## Part\n\n{part}" * 8)


@pytest.mark.parametrize(
    "part", [PICTURE, "| a | b |\n| --- | --- |\n" + "| 1 | 2 |\n" * 70, "Words.\n\n" * 40]
)
def test_a_text_of_two_pages_has_none_and_is_printed_once(part: str) -> None:
    assert '<nav class="contents"' not in page(part + "## Part\n\n" * 5)


def test_contents_of_a_long_report_leave_the_third_level_out() -> None:
    text = "".join(f"## Part {part}\n\n" + "### Rule\n\n" * 20 for part in range(4))
    assert page(text).count('<li class="level-') == 4


def test_the_qr_code_is_the_one_of_its_address() -> None:
    url = "https://nyxcore.cloud/reports/0199c0de-7a31-7d4f-9d52-5f3f1f1e8a10"
    html = page(url=url)
    assert f'href="{url}"' in html and url.removeprefix("https://") in words(html)
    expected = io.BytesIO()
    segno.make_qr(url, error="m").save(expected, kind="svg", border=0, omitsize=True, xmldecl=False)
    modules = re.search(r'<path [^>]*?d="(.*?)"', expected.getvalue().decode())
    assert modules is not None and modules[1] in html


def test_an_address_cannot_break_out_of_its_place() -> None:
    html = page(url='https://nyxcore.cloud/"><script>alert(1)</script>')
    assert "<script" not in html


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_paper_is_the_one_that_was_asked_for(paper: str) -> None:
    assert f"@page{{size:{paper};" in page(paper=paper)


def test_running_heads_say_the_title_and_feet_count_the_pages() -> None:
    html = page(title='Say "no" \\ </style><b>')
    assert r'@top-left{content:"Say \22 no\22  \5c  \3c \2f style\3e \3c b\3e "}' in html
    assert 'counter(page)" / "counter(pages)' in html
    assert "</style><b>" not in html


def test_a_project_that_the_title_does_not_name_stands_at_the_other_side() -> None:
    assert '@top-right{content:"Atlas"}' in page(title="Review", project="Atlas")
    assert '@top-right{content:""}' in page(title="Atlas · Review", project="Atlas")


def test_the_stylesheet_repeats_heads_of_tables_and_keeps_rows_and_headings_together() -> None:
    html = " ".join(page().split())
    assert "thead { display: table-header-group }" in html
    assert "tr { break-inside: avoid }" in html
    assert re.search(r"h1, h2, h3, h4, h5, h6 \{[^}]*break-after: avoid", html)

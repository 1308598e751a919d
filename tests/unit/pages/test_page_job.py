"""What the renderer is handed: finished, whole, and the same each time."""

import re
import subprocess
import sys
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest
from page_documents import document, job, page

from nyxcore.errors import FontsMissing
from nyxcore.pages.service import page_html
from nyxcore.settings import settings

DIAGRAM = "## One\n\n```mermaid\ngraph TD; A-->B\n```\n"


def test_a_job_has_what_the_renderer_needs_and_nothing_else() -> None:
    assert job().keys() == {"html", "diagrams", "header", "footer", "author", "created"}
    assert job()["created"] == "2026-11-23T10:00:00Z"


def test_nothing_of_a_document_gets_into_chromiums_templates() -> None:
    hostile = job("<img src=x>", title="<img src=x>", project="<style>@import 'x'</style>", kind="<script>")
    assert (hostile["header"], hostile["footer"]) == ("", "")


PRINT_HASH = """
import hashlib
from page_documents import document
from nyxcore.pages.service import print_job
text = "漢字 → ✅ 👩‍💻 **Ελληνικά** `─│` 𓀀𓂀\\n\\n```mermaid\\ngraph TD; A[Узел]-->B\\n```\\n"
print(hashlib.sha256(print_job(document(text))).hexdigest())
"""


def test_the_same_document_gives_the_same_bytes_whatever_the_process() -> None:
    hashes = set()
    for seed in ("1", "2", "3"):  # of the order in which a set is walked through
        environment = {
            "PYTHONHASHSEED": seed,
            "NYX_FONTS": settings().fonts,
            "PYTHONPATH": str(Path(__file__).parent),
        }
        done = subprocess.run(
            [sys.executable, "-c", PRINT_HASH], env=environment, capture_output=True, text=True, check=True
        )
        hashes.add(done.stdout)
    assert len(hashes) == 1


def test_the_places_that_the_renderer_fills_are_there_and_empty() -> None:
    html = page(DIAGRAM + "## Two\n\n## Three\n\n## Four\n\n" + "Words.\n\n" * 80)
    assert html.count('<figure class="diagram" data-diagram="0"></figure>') == 1
    assert re.findall(r'<span data-page-of="([^"]*)"></span>', html) == [
        f"section-{name}" for name in ("one", "two", "three", "four")
    ]


def test_a_title_that_the_text_repeats_stands_on_the_cover_only() -> None:
    html = page("# Flask & Co\n\ntext", title="Flask & Co")
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", html) == ["Flask &amp; Co"]


def test_a_first_heading_that_is_not_the_title_stays() -> None:
    assert page("# Another\n\ntext").count("<h1") == 2


def test_a_heading_that_equals_the_title_and_is_not_the_first_thing_stays() -> None:
    assert page("text\n\n# Flask\n", title="Flask").count("<h1") == 2


def test_a_diagram_that_cannot_be_drawn_leaves_its_source_and_a_note() -> None:
    found = job(DIAGRAM, language="de")["diagrams"]
    assert [diagram["alt"] for diagram in found] == ["Diagramm 1"]
    assert found[0]["source"] == "graph TD; A-->B\n"
    assert "A--&gt;B" in found[0]["fallback"]
    assert "konnte nicht gezeichnet werden" in found[0]["fallback"]


@pytest.mark.parametrize(
    ("language", "waits", "failed"),
    [
        ("en", "drawn once the report's PDF has been made", "could not"),
        ("de", "wird gezeichnet, sobald das PDF erstellt ist", "konnte nicht"),
    ],
)
def test_where_no_renderer_ran_the_page_shows_sources_and_says_when_they_are_drawn(
    language: str, waits: str, failed: str
) -> None:
    html = page_html(document(DIAGRAM, language=language))
    assert "A--&gt;B" in html
    assert waits in unescape(html)
    assert failed not in html, "nobody has tried"
    assert '<figure class="diagram" data-diagram="0"></figure>' not in html


def test_a_document_that_writes_a_figure_cannot_pass_it_off_as_a_diagram() -> None:
    html = page_html(document(DIAGRAM + '<figure class="diagram" data-diagram="0"></figure>\n'))
    assert html.count('<figure class="diagram" data-diagram="0">') == 1


def test_a_date_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        job(date=datetime(2026, 11, 23))


def test_a_folder_without_fonts_is_named_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NYX_FONTS", str(tmp_path))
    settings.cache_clear()
    with pytest.raises(FontsMissing, match=f"{tmp_path}.*make setup"):
        job()

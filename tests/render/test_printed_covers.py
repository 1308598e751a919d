"""The cover: nothing runs through its title, and what it says is there in every script."""

from __future__ import annotations

import pypdfium2
import pytest
from printed_edges import words
from test_printed_pages import printed

from nyxcore.pages.stylesheet import COVER
from nyxpdf.printer import Printer

SCALE = 3  # of the picture, in dots a point
DOTS = SCALE * 72 / 25.4  # a millimetre

pytestmark = pytest.mark.usefixtures("copied_fonts")

TITLES = [
    "Flask",
    "A continuous delivery of it all",
    "A review of the whole repository, its tests and its people",
    "W" * 80,
]


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_no_orbit_runs_beside_or_through_the_title(printer: Printer, paper: str, title: str) -> None:
    pdf = printed(printer, "text", paper=paper, title=f"{title} · Auto-fix").pdf
    band = float(COVER[paper][0].removesuffix("mm"))  # type: ignore[index]
    placed = [word for word in words(pdf, 0) if word.top < band]
    right, top = max(word.right for word in placed), min(word.top for word in placed)
    document = pypdfium2.PdfDocument(pdf)
    picture = document[0].render(scale=SCALE, grayscale=True)
    rows = [bytes(picture.buffer)[at * picture.stride :][: picture.width] for at in range(picture.height)]
    document.close()
    beside = [row[int((right + 1) * DOTS) :] for row in rows[int((top - 1) * DOTS) : int((band - 1) * DOTS)]]
    assert len(beside) > 100
    assert max(map(max, beside)) - min(map(min, beside)) <= 2
    above = [row[int((right + 1) * DOTS) :] for row in rows[: int(top / 2 * DOTS)]]
    assert max(map(max, above)) > 150, "the moon is there"


@pytest.mark.parametrize(
    ("project", "title"), [("プロジェクト", "漢字"), ("프로젝트", "한국어 보고서"), ("Проєкт", "Юг")]
)
def test_a_project_s_name_in_another_script_stands_on_the_cover(
    printer: Printer, project: str, title: str
) -> None:
    """It is bold there, and the bold face that the title brings need not have its characters."""
    found = printed(printer, "text", project=project, title=title).pdf
    assert project in "".join(word.text for word in words(found, 0))

"""A diagram's source is text that anybody may have written: it gets nothing out, and no other diagram into trouble."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from leaks import SVG, Listener, Opened
from print_jobs import CHROMIUM, FALLBACK, figure, job, page

from nyxpdf import browser as browsers
from nyxpdf import diagrams, processes
from nyxpdf.fonts import Faces
from nyxpdf.limits import Limits
from nyxpdf.printer import Printed, Printer

GOOD = (
    "graph TD\n A[One] --> B[Two]",
    'pie\n "a": 1\n "b": 2',
    "stateDiagram-v2\n [*] --> queued\n queued --> done",
)
GRAPH = "graph TD\n A[x] --> B[y]"
# by the path that each asks for; those with a star do so where nothing is protected
SOURCES = {
    "*label": 'graph TD\n A["<img src=URL>"]',
    "handler": "graph TD\n A[\"<img src='data:,' onerror=fetch(`URL`)>\"]",
    "theme-css": '%%{init: {"themeCSS": "@import url(URL);"}}%%\n' + GRAPH,
    "*theme-css-url": '%%{init: {"themeCSS": ".node { background-image: url(URL) }"}}%%\n' + GRAPH,
    "front-matter": "---\nconfig:\n  themeCSS: '@import url(URL);'\n---\n" + GRAPH,
    "*image": 'graph TD\n A@{ img: "URL", label: "x", w: 9, h: 9 }',
    "*font-family": '%%{init: {"fontFamily": "x; background-image: url(URL)"}}%%\n' + GRAPH,
    "variables": '%%{init: {"themeVariables": {"primaryColor": "red; background: url(URL)"}}}%%\n' + GRAPH,
    "style": GRAPH + "\n style A fill:url(URL),background-image:url(URL)",
    "class": GRAPH + "\n classDef c fill:url(URL)\n class A c",
    "click": GRAPH + '\n click A href "javascript:fetch(`URL`)"\n click B call fetch("URL")',
    "*loosened": '%%{init: {"securityLevel": "loose", "htmlLabels": true}}%%\ngraph TD\n A["<img src=URL>"]',
    "*secure-emptied": '%%{init: {"secure": [], "securityLevel": "loose"}}%%\ngraph TD\n A["<img src=URL>"]',
    "prototype": '%%{init: {"__proto__": {"htmlLabels": true}, "constructor": {"prototype": {"x": 1}}}}%%\n'
    + GRAPH,
    "sequence-link": 'sequenceDiagram\n participant A\n links A: {"x": "URL"}\n A->>A: <img src=URL>',
    "frame": 'graph TD\n A["<iframe src=URL></iframe><script>fetch(`URL`)</script>"]',
    "refresh": "graph TD\n A[\"<meta http-equiv=refresh content='0;url=URL'>\"]",
    "data-image": "graph TD\n A@{ img: \"data:image/svg+xml,<svg xmlns='"
    + SVG
    + "'><image href='URL'/></svg>\", w: 9, h: 9 }",
}
WORKING = {name[1:] for name in SOURCES if name.startswith("*")}
READING = {"theme-css-url", "image", "font-family"}  # of them, those that read a file too
ELSEWHERE = ("http://169.254.169.254", "http://[fe80::1]", "http://leak.example")


def document(sources: int) -> str:
    return page("".join(map(figure, range(sources))))


def images(printed: Printed) -> list[str]:
    """What stands in the figures: the image of a diagram, or its fallback."""
    return re.findall(r'<figure class="diagram">(.*?)</figure>', printed.html, re.DOTALL)


def asking(origin: str) -> tuple[str, ...]:
    return tuple(source.replace("URL", f"{origin}/v/{name.strip('*')}") for name, source in SOURCES.items())


@pytest.fixture
def loosened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Printer]:
    """A printer whose page of diagrams has none of its protections."""
    code = diagrams._CODE.read_text()
    code = code.replace('"strict"', '"loose"').replace("htmlLabels: false", "htmlLabels: true")
    tmp_path.joinpath("loosened.js").write_text(
        re.sub(r"const SECURE = \[.*?\]", "const SECURE = []", code, flags=re.S)
    )
    monkeypatch.setattr(browsers, "_NO_NETWORK", ())
    monkeypatch.setattr(browsers.Page, "cut_off", lambda _: None)
    monkeypatch.setattr(diagrams, "_CODE", tmp_path / "loosened.js")
    monkeypatch.setattr(diagrams, "_PAGE", re.sub(r"<meta http-equiv.*?>\n", "", diagrams._PAGE, flags=re.S))
    printer = Printer(CHROMIUM, Limits())
    yield printer
    printer.close()


def test_some_of_them_get_out_where_nothing_is_protected(loosened: Printer) -> None:
    """The control: the sources, the listener and the names of the paths are right."""
    with Listener() as listener:
        loosened.print(job(document(len(SOURCES)), asking(f"http://127.0.0.1:{listener.port}")))
        assert listener.asked - {"a connection"} >= WORKING


def test_none_of_them_gets_out(printer: Printer) -> None:
    with Listener() as listener:
        own = Printer(CHROMIUM, Limits())
        try:
            own.print(job(document(len(SOURCES)), asking(f"http://127.0.0.1:{listener.port}")))
        finally:
            own.close()
        assert listener.asked == set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file for each source to ask for."""
    files = tmp_path / "v"
    files.mkdir()
    for name in SOURCES:
        files.joinpath(name.strip("*")).write_text("TOPSECRET")
    return files


def test_some_of_them_read_files_where_nothing_is_protected(loosened: Printer, folder: Path) -> None:
    """The control: the page of diagrams is a file itself, so it could."""
    with Opened(folder) as files:
        loosened.print(job(document(len(SOURCES)), asking(folder.parent.as_uri())))
        assert files.asked == READING


def test_none_of_them_reads_a_file(printer: Printer, folder: Path) -> None:
    with Opened(folder) as files:
        printer.print(job(document(len(SOURCES)), asking(folder.parent.as_uri())))
        assert files.asked == set()


def only_way_out(monkeypatch: pytest.MonkeyPatch, listener: Listener) -> None:
    """Browsers have no protection of their own any more, and a proxy that listens."""
    proxy = f"--proxy-server=http://127.0.0.1:{listener.port}"
    monkeypatch.setattr(browsers, "_NO_NETWORK", (proxy, "--proxy-bypass-list=<-loopback>"))


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_some_of_them_ask_for_any_address_where_nothing_is_protected(
    loosened: Printer, monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    """The control, for link-local addresses and for names."""
    with Listener() as listener:
        only_way_out(monkeypatch, listener)
        loosened.print(job(document(len(SOURCES)), asking(origin)))
        assert listener.asked - {"a connection"} == WORKING


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_none_of_them_asks_for_any_address_even_of_a_browser_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    with Listener() as listener:
        only_way_out(monkeypatch, listener)
        own = Printer(CHROMIUM, Limits())
        try:
            own.print(job(document(len(SOURCES)), asking(origin)))
        finally:
            own.close()
        assert listener.asked == set()


def test_the_browsers_own_pages_are_refused_to_them_by_name(loosened: Printer) -> None:
    """Where nothing else protects them: Chromium lets no file and no document of ours ask for one."""
    browser = browsers.Browser(CHROMIUM)
    try:
        with browser.page(browser.budget(Limits())) as shown:
            shown.call("Log.enable")
            diagrams._open(shown, browser, Faces(""), datetime(2026, 11, 23, tzinfo=UTC))
            for source in asking("chrome://blob-internals"):
                shown.evaluate(diagrams._script("draw", source, "sans-serif"))
            logged = [
                e["params"]["entry"]["text"] for e in browser.connection._events if "entry" in e["params"]
            ]
    finally:
        browser.close()
    refused = {text.rpartition("/v/")[2] for text in logged if "Not allowed to load local resource" in text}
    assert refused >= READING


def test_the_diagrams_around_hostile_ones_are_drawn_as_if_these_were_not_there(printer: Printer) -> None:
    alone = images(printer.print(job(document(3), GOOD)))
    mixed: list[str] = []
    for source in asking("http://127.0.0.1:9"):
        mixed += [GOOD[len(mixed) // 2 % 3], source]
    drawn = images(printer.print(job(document(len(mixed)), tuple(mixed))))
    pictures = [re.sub(r'alt="[^"]*"', "", image) for image in alone]
    assert all(image.startswith("<img ") for image in pictures)
    for at in range(0, len(mixed), 2):
        assert re.sub(r'alt="[^"]*"', "", drawn[at]) == pictures[at // 2 % 3], mixed[at - 1]


@pytest.mark.parametrize(
    "source",
    [
        "not mermaid at all",
        "graph TD\n A[",
        "",
        "graph TD\n A[" + "x" * 100_000 + "]",
        "%%{init: {\n" + GRAPH,
    ],
    ids=["words", "unclosed", "empty", "huge", "broken directive"],
)
def test_one_that_does_not_parse_leaves_its_source_and_hurts_nothing_else(
    printer: Printer, source: str
) -> None:
    printed = printer.print(job(document(3), (GOOD[0], source, GOOD[1])))
    before, broken, after = images(printed)
    assert broken == FALLBACK
    assert before.startswith("<img ") and after.startswith("<img ")
    assert printed.pages == 1


def pages_of_diagrams(monkeypatch: pytest.MonkeyPatch, printer: Printer, *sources: str) -> int:
    """How many pages it took to draw them: one, and another after each diagram that ran out of its time."""
    opened: list[object] = []
    known = diagrams._open
    monkeypatch.setattr(diagrams, "_open", lambda page, *given: (opened.append(page), known(page, *given)))
    printer.print(job(document(len(sources)), sources))
    return len(opened)


@pytest.mark.parametrize("source", ["not mermaid at all", "graph TD\n A[", "sequenceDiagram\n A->>"])
def test_one_that_does_not_parse_is_given_up_within_the_time_of_one_diagram(
    printer: Printer, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    assert Limits().diagram_seconds == 2.0
    assert pages_of_diagrams(monkeypatch, printer, GOOD[0], source, GOOD[1]) == 1


def test_that_check_sees_one_that_ran_out_of_its_time(
    printer: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pages_of_diagrams(monkeypatch, printer, GOOD[0], SLOW, GOOD[1]) == 2


# mermaid takes up to 500 edges; long ones across many ranks cost it half a minute
SLOW = "\n".join(
    [
        "graph TD",
        *[f" n{n} --> n{n + 1}" for n in range(240)],
        *[f" n{n} --> n{240 - n // 2}" for n in range(150)],
    ]
)


def test_one_that_takes_too_long_leaves_its_source_and_hurts_nothing_else(printer: Printer) -> None:
    before, broken, after = images(printer.print(job(document(3), (GOOD[0], SLOW, GOOD[1]))))
    assert broken == FALLBACK
    assert before.startswith("<img ") and after.startswith("<img ")


def test_one_of_which_the_page_dies_leaves_its_source_and_hurts_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printer = Printer(CHROMIUM, Limits(diagram_seconds=60, diagrams_seconds=80))
    printer.print(job(page("<p>so that the browser runs</p>")))
    assert printer._browser is not None
    browser = printer._browser.pid

    def kill_the_busy_page() -> None:
        pages = [each for each in processes._processes(browser) if b"--type=renderer" in cmdline(each)]
        os.kill(int(max(pages, key=cpu_ticks).name), signal.SIGKILL)

    def script(call: str, *arguments: object) -> str:
        if SLOW in arguments:
            threading.Timer(1.0, kill_the_busy_page).start()
        return known(call, *arguments)

    known = diagrams._script
    monkeypatch.setattr(diagrams, "_script", script)
    try:
        before, broken, after = images(printer.print(job(document(3), (GOOD[0], SLOW, GOOD[1]))))
    finally:
        printer.close()
    assert broken == FALLBACK
    assert before.startswith("<img ") and after.startswith("<img ")


def cmdline(process: Path) -> bytes:
    return process.joinpath("cmdline").read_bytes()


def cpu_ticks(process: Path) -> int:
    fields = process.joinpath("stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_what_is_left_when_the_diagrams_time_is_over_is_printed_with_its_source() -> None:
    printer = Printer(CHROMIUM, Limits(diagrams_seconds=7.0))
    try:
        found = images(printer.print(job(document(7), (GOOD[0], *[SLOW] * 5, GOOD[0]))))
    finally:
        printer.close()
    assert found[0].startswith("<img ")
    assert found[1:] == [FALLBACK] * 6

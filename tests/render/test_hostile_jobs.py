"""Jobs that ask for too much or are broken: bounded time and memory, a clear error, and the next document prints."""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from print_jobs import CHROMIUM, figure, job, page, report

from nyxpdf import processes
from nyxpdf.errors import (
    BrowserFailed,
    ChromiumMissing,
    InvalidJob,
    JobTooLarge,
    RenderError,
    RenderOutOfMemory,
    RenderTimeout,
    TooManyPages,
)
from nyxpdf.limits import MIB, Limits
from nyxpdf.printer import Printer

SMALL = job(page("<p>the next document</p>"))


@pytest.fixture
def printers() -> Iterator[Callable[[Limits], Printer]]:
    """Makes printers that are closed at the end."""
    made: list[Printer] = []

    def make(limits: Limits) -> Printer:
        made.append(Printer(CHROMIUM, limits))
        return made[-1]

    yield make
    for printer in made:
        printer.close()


def refused(printer: Printer, given: bytes, error: type[RenderError]) -> str:
    """The message with which a job is refused; the next one is printed."""
    with pytest.raises(error) as raised:
        printer.print(given)
    assert printer.print(SMALL).pages == 1
    return str(raised.value)


def png(side: int) -> bytes:
    """A picture of `side` times `side` random grey points, which do not compress."""
    rows = b"".join(b"\0" + os.urandom(side) for _ in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 0))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "`html`"),
        (SMALL.replace(b"next", b"\xff\xfe"), "no UTF-8"),
        (SMALL.replace(b"next", b"\\ud83d"), "half of a surrogate pair"),
        (SMALL.replace(b"2026-11-23T10:00:00Z", b"yesterday"), "`created`"),
        (SMALL.replace(b"2026-11-23T10:00:00Z", b"2026-11-23T10:00:00"), "time zone"),
        (SMALL.replace(b'"diagrams": []', b'"diagrams": ["graph TD"]'), "diagram"),
        (SMALL.replace(b'"diagrams": []', b'"diagrams": [{"source": 1}]'), "`source`"),
    ],
)
def test_a_broken_job_is_refused_with_what_is_wrong_with_it(
    printer: Printer, given: bytes, message: str
) -> None:
    assert message in refused(printer, given, InvalidJob)


def test_a_job_with_too_many_bytes_is_not_even_read(printers: Callable[[Limits], Printer]) -> None:
    assert "1 MiB" in refused(printers(Limits(job_bytes=MIB)), b"x" * (MIB + 1), JobTooLarge)


def test_a_line_of_ten_megabytes_is_printed_or_refused(printer: Printer) -> None:
    given = job(page(f'<p style="overflow-wrap: anywhere">{"x" * 10_000_000}</p>'))
    try:
        assert printer.print(given).pages > 100
    except (RenderTimeout, RenderOutOfMemory, TooManyPages) as error:
        assert "smaller" in str(error) or "shorte" in str(error)
    assert printer.print(SMALL).pages == 1


def test_a_hundred_thousand_rows_are_refused(printer: Printer) -> None:
    """By the limit that this machine meets first, and never by a browser that fails."""
    rows = "".join(f"<tr><td>{n}</td><td>a row</td></tr>" for n in range(100_000))
    with pytest.raises((RenderOutOfMemory, RenderTimeout, TooManyPages), match=r"smaller|shorte[nr]"):
        printer.print(job(page(f"<table>{rows}</table>")))
    assert printer.print(SMALL).pages == 1


def test_a_thousand_nested_quotes_are_printed(printer: Printer) -> None:
    nested = "<blockquote>" * 1_000 + "in the middle" + "</blockquote>" * 1_000
    assert printer.print(job(page(nested, style="blockquote { margin: 0 }"))).pages >= 1
    assert printer.print(SMALL).pages == 1


def test_five_hundred_diagrams_are_drawn(printers: Callable[[Limits], Printer]) -> None:
    printer = printers(Limits(seconds=600, diagrams_seconds=500))  # whatever else this machine does
    sources = tuple(f"graph TD\n A{n} --> B{n}" for n in range(500))
    printed = printer.print(job(page("".join(map(figure, range(500)))), sources))
    assert printed.html.count('<figure class="diagram"><img src="data:image/svg+xml') == 500
    assert printer.print(SMALL).pages == 1


def test_an_image_of_forty_megabytes_is_printed_or_refused(printer: Printer) -> None:
    image = b64encode(png(6_400)).decode()
    given = job(page(f'<img width="300" alt="noise" src="data:image/png;base64,{image}">'))
    assert len(given) > 40_000_000
    try:
        assert printer.print(given).pages == 1
    except RenderOutOfMemory as error:
        assert "images" in str(error)
    assert printer.print(SMALL).pages == 1


def test_a_page_that_takes_too_long_is_given_up(printers: Callable[[Limits], Printer]) -> None:
    endless = page(report(60), style="* { filter: blur(9px) drop-shadow(0 0 9px red) }")
    printer = printers(Limits(seconds=1.0, diagrams_seconds=0.5))
    with pytest.raises(RenderTimeout, match="within 1 s"):
        printer.print(job(endless * 20))
    assert printer.print(SMALL).pages == 1


def test_too_many_pages_are_refused(printers: Callable[[Limits], Printer]) -> None:
    assert "more than the 3" in refused(printers(Limits(pages=3)), job(report(2)), TooManyPages)


def test_too_much_memory_ends_the_browser(printers: Callable[[Limits], Printer]) -> None:
    rows = "".join(f"<tr><td>{n}</td><td>a row</td></tr>" for n in range(20_000))
    message = refused(
        printers(Limits(memory=300 * MIB)), job(page(f"<table>{rows}</table>")), RenderOutOfMemory
    )
    assert "300 MiB" in message


def browser_pid(printer: Printer) -> int:
    assert printer._browser is not None
    return printer._browser.pid


def test_a_browser_that_is_killed_in_the_middle_is_an_error_worth_a_retry(
    printers: Callable[[Limits], Printer],
) -> None:
    printer = printers(Limits())
    printer.print(SMALL)
    killed = browser_pid(printer)
    threading.Timer(0.2, os.kill, (killed, signal.SIGKILL)).start()
    with pytest.raises(BrowserFailed) as raised:
        for _ in range(100):
            printer.print(job(report(40)))
    assert raised.value.retryable
    assert printer.print(SMALL).pages == 1
    assert browser_pid(printer) != killed


def test_a_page_that_is_killed_in_the_middle_is_one_too(printers: Callable[[Limits], Printer]) -> None:
    printer = printers(Limits())
    printer.print(SMALL)

    def kill_renderers() -> None:
        for process in processes._processes(browser_pid(printer)):
            if b"--type=renderer" in process.joinpath("cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)

    threading.Timer(0.3, kill_renderers).start()
    with pytest.raises(BrowserFailed):
        for _ in range(100):
            printer.print(job(report(40)))
    assert printer.print(SMALL).pages == 1


def test_a_browser_that_died_while_nobody_asked_is_replaced(printers: Callable[[Limits], Printer]) -> None:
    printer = printers(Limits())
    printer.print(SMALL)
    died = browser_pid(printer)
    os.kill(died, signal.SIGKILL)
    os.waitid(os.P_PID, died, os.WEXITED | os.WNOWAIT)
    assert printer.print(SMALL).pages == 1


def test_a_browser_is_replaced_after_its_share_of_documents(printers: Callable[[Limits], Printer]) -> None:
    printer = printers(Limits(documents=2))
    pids = []
    for _ in range(4):
        printer.print(SMALL)
        pids.append(browser_pid(printer))
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_chromium_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChromiumMissing, match="make setup"):
        Printer(tmp_path, Limits()).print(SMALL)


def test_chromium_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "headless_shell"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(BrowserFailed):
        Printer(tmp_path, Limits()).print(SMALL)


def test_closing_leaves_neither_processes_nor_files(printers: Callable[[Limits], Printer]) -> None:
    printer = printers(Limits())
    printer.print(SMALL)
    assert printer._browser is not None
    pid, profile = printer._browser.pid, printer._browser.profile
    assert processes._processes(pid)
    printer.close()
    end = time.monotonic() + 20
    while processes._processes(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not processes._processes(pid)
    assert not profile.exists()


def test_the_browser_dies_with_a_process_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from nyxpdf.limits import Limits; from nyxpdf.printer import Printer\n"
        f"printer = Printer(Path({str(CHROMIUM)!r}), Limits())\n"
        "printer.print(sys.stdin.buffer.read()); print(printer._browser.pid, printer._browser.profile, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(SMALL)
        process.stdin.close()
        pid, profile = process.stdout.readline().split()
        assert processes._processes(int(pid))
        process.kill()
    end = time.monotonic() + 20
    while processes._processes(int(pid)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not processes._processes(int(pid))
    left = Path(profile.decode())
    assert left.exists(), "nobody could remove it"
    processes.new_profile().rmdir()
    assert not left.exists(), "the next browser did"


def test_the_browser_knows_nothing_of_the_processs_environment(
    printers: Callable[[Limits], Printer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "TOPSECRET")
    printer = printers(Limits())
    printer.print(SMALL)
    for process in processes._processes(browser_pid(printer)):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # a page's has ended meanwhile
            assert b"TOPSECRET" not in process.joinpath("environ").read_bytes()
    given = Path(f"/proc/{browser_pid(printer)}/environ").read_bytes().split(b"\0")
    assert {each.partition(b"=")[0] for each in given if each} == {
        b"HOME", b"TMPDIR", b"LD_LIBRARY_PATH", b"FONTCONFIG_FILE", b"LANG", b"TZ",
    }  # fmt: skip

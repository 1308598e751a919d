"""`nyx fix` shows its run from the first event; `--json` prints one object, whatever happened to the stack."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nyx import fix, following
from nyx.events import StreamEvent, StreamLost, StreamRefused
from nyx.live import Plain
from nyx.stack import Stack
from nyxcore.errors import NyxError


@pytest.mark.parametrize(
    ("error", "code"),
    [(StreamLost("it has not answered"), "stream_lost"), (StreamRefused(404, "no run"), "stream_refused")],
)
def test_a_stream_that_is_lost_or_refused_is_told_in_the_one_object(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: NyxError,
    code: str,
) -> None:
    def ended(*_: object) -> int:
        raise error

    monkeypatch.setattr(fix, "_fix", ended)
    assert fix.run([str(tmp_path), "--json", "--out", str(tmp_path / "out")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["error"] == {"code": code, "message": error.message}
    assert (told["run"], told["findings"], told["fixes"], told["report"]) == (None, [], [], None)


def test_a_run_that_was_just_started_is_shown_from_its_first_event(monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(*_: object, after: int | None = None, **__: object) -> Iterator[StreamEvent]:
        log = [
            StreamEvent(1, "log", {"level": "info", "message": "two files are no UTF-8"}),
            StreamEvent(2, "phase", {"phase": "fetching"}),
            StreamEvent(3, "phase", {"phase": "scanning"}),
        ]
        yield from log[after:] if after is not None else [StreamEvent(3, "snapshot", {"phase": "scanning"})]

    monkeypatch.setattr(following, "follow", follow)
    out = io.StringIO()
    stack = Stack("", "t", "", "", joined=True, _lock=None, _parts=None)  # type: ignore[arg-type]
    following.watch(stack, "r1", Plain(out))
    assert out.getvalue().splitlines() == [
        "  info: two files are no UTF-8", "Reading the files …", "Sorting them …",
    ]  # fmt: skip

"""The engine without its process, for tests of what it finds and fixes rather than of how it is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from nyxcore.analysis import __main__ as engine
from nyxcore.analysis.models import Progress, SourceFile


@pytest.fixture
def in_process(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of the service run here; a process of their own would cost each a tenth of a second."""

    def run(
        request: Mapping[str, object],
        files: Sequence[SourceFile],
        outputs: Sequence[Path],
        on_progress: Callable[[Progress], None],
    ) -> None:
        work = tmp_path_factory.mktemp("work")
        manifest = work / "files"
        manifest.write_text("".join(json.dumps(asdict(file)) + "\n" for file in files))
        (work / "scans").mkdir()

        def emit(told: dict[str, object]) -> None:
            items = told["items"]
            assert isinstance(items, list)
            on_progress(Progress(**{**told, "items": tuple(items)}))  # type: ignore[arg-type]

        engine.run({**request, "files": str(manifest), "work": str(work / "scans")}, emit)
        assert all(path.exists() for path in outputs)

    monkeypatch.setattr("nyxcore.analysis.service.run_engine", run)

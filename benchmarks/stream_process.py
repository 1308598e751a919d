"""A process of the stream benchmark that is asked questions: one JSON object a line, in and out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[1]


class Asked:
    """A child process, `python -m <module> <arguments>`; it ends when its standard input does."""

    def __init__(self, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=os.environ | dict(environment or {}),
        )
        self._module = module

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]  # it is a pipe

    def ask(self, question: str, **arguments: Any) -> Any:
        """What the process answers. Raises RuntimeError when it has ended."""
        try:
            print(json.dumps({"question": question, **arguments}), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise RuntimeError(f"{self._module} has ended; run it by hand to see why") from None
        answer = self._process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
        if not answer:
            raise RuntimeError(f"{self._module} ended at {question!r}; run it by hand to see why")
        return json.loads(answer)

    def resident_kb(self) -> int:
        """Resident memory now, in kB."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    def cpu_seconds(self) -> float:
        """User and system time that the process has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

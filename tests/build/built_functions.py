"""A built function under AWS's Runtime Interface Emulator, as a plain process on loopback.

The Python is a bare one: no site-packages, so that only what was packaged can be imported. `/opt` is replaced by the
layers' own folders in PATH and PYTHONPATH. The emulator (a static binary) comes with aws-sam-cli's wheel.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam/build"
SAM_PYTHON = ROOT / ".build/sam/bin/python"
EMULATOR = next(
    (ROOT / ".build/sam/lib").glob(
        f"python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{platform.machine()}"
    ),
    None,
)

# Not the one of .venv: a child that a function starts by sys.executable would see the project's own packages.
PYTHON = os.path.realpath(sys.executable)

WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"


@dataclass(frozen=True)
class BuiltFunction:
    """A function of the built template, with where its code and layers lie."""

    name: str
    handler: str
    timeout: int
    memory: int
    code: Path
    layers: tuple[Path, ...]
    variables: dict[str, Any]

    def environment(self, resolved: Mapping[str, str]) -> dict[str, str]:
        """Its variables as Lambda would set them; `resolved` stands for what CloudFormation fills in."""
        found = {}
        for name, value in self.variables.items():
            if name == WRAPPER:
                continue  # the emulator knows nothing of it: see `wrapper`
            if isinstance(value, str):
                found[name] = self._in_layers(value)
            elif name in resolved:
                found[name] = resolved[name]
        return found

    def _in_layers(self, value: str) -> str:
        """The value; a path below /opt is where the layer has it."""
        below = [layer / value.removeprefix("/opt/") for layer in self.layers if value.startswith("/opt/")]
        return next((str(path) for path in below if path.exists()), value)

    def wrapper(self) -> list[str]:
        """The program of a layer that gets the command of the managed runtime, or nothing."""
        if WRAPPER not in self.variables:
            return []
        below = Path(self.variables[WRAPPER]).relative_to("/opt")
        (found,) = [layer / below for layer in self.layers if (layer / below).is_file()]
        return [str(found)]


class Emulator:
    """Runs one function; use it as a context. One invocation at a time, as in Lambda."""

    def __init__(
        self, function: BuiltFunction, resolved: Mapping[str, str], *, aws: str, runtime: Path, logs: Path
    ) -> None:
        self._function = function
        self._resolved = resolved
        self._aws = aws
        self._runtime = runtime
        self._logs = logs
        self._port, self._api_port = _free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        assert EMULATOR is not None, f"aws-sam-cli has no emulator for {platform.machine()}"
        command = [
            str(EMULATOR),
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{self._port}",
            "--runtime-api-address",
            f"127.0.0.1:{self._api_port}",
            *self._function.wrapper(),
            *(PYTHON, "-S", "-m", "awslambdaric", self._function.handler),
        ]
        with self._logs.open("ab") as logs:
            self._process = subprocess.Popen(
                command,
                cwd=self._function.code,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=logs,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_it_listens()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def invoke(self, event: object) -> Any:
        """What the function answers; a failed invocation is `{"errorType", "errorMessage", ...}`."""
        answer = self.invoke_raw(event)
        return json.loads(answer) if answer else None

    def invoke_raw(self, event: object) -> bytes:
        """The bytes that the function answers; of a streamed response all of them, since the emulator buffers."""
        answer = httpx.post(
            f"http://127.0.0.1:{self._port}/2015-03-31/functions/function/invocations",
            content=json.dumps(event),
            timeout=self._function.timeout,
        )
        assert answer.status_code == 200, f"{answer.text}\n{self.logs()}"
        return answer.content

    def logs(self) -> str:
        """What the function and the emulator have written."""
        return self._logs.read_text(errors="replace")

    def _environment(self) -> dict[str, str]:
        python = [self._function.code, *(layer / "python" for layer in self._function.layers), self._runtime]
        # Not this machine's programs: Lambda has no git, for one. A wrapper is a shell script and may need some.
        system = [Path("/usr/bin"), Path("/bin")] if self._function.wrapper() else []
        path = [*(layer / "bin" for layer in self._function.layers), *system]
        lambdas = {
            "PATH": ":".join(map(str, path)),
            "PYTHONPATH": ":".join(map(str, python)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self._aws,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_LAMBDA_FUNCTION_NAME": self._function.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self._function.timeout),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._function.memory),
            "LAMBDA_TASK_ROOT": str(self._function.code),
        }
        return lambdas | self._function.environment(self._resolved)

    def _wait_until_it_listens(self) -> None:
        assert self._process is not None
        end = time.monotonic() + 20
        while time.monotonic() < end:
            assert self._process.poll() is None, f"the emulator ended:\n{self.logs()}"
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"the emulator does not listen after 20 s:\n{self.logs()}")


def event(name: str) -> dict[str, Any]:
    """A sample event out of events/."""
    found: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return found


def size(folder: Path) -> int:
    """Bytes of all the files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports

"""What the stack's tests share: a `nyx` command in a process, a running trial stack, patient waiting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

import psycopg

from nyx.api import Api
from nyx.parts import Blueprint
from nyx.stack import Stack

NYX = str(Path(sys.executable).with_name("nyx"))
TRIAL = Path(__file__).parent / "blueprint"
BLUEPRINT = Blueprint(
    TRIAL / "template.yaml", TRIAL / "pipelines", "stack_trial:app", import_roots=(str(TRIAL),)
)
PATIENCE = 60.0  # seconds; only a broken stack ever uses them up


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of `condition`; fails when there is none for a minute."""
    until = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < until, f"never happened: {what}"
        time.sleep(0.05)
    return value


def processes_of(home: Path) -> dict[int, str]:
    """Every process that works in this home: number -> command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if entry.joinpath("cwd").readlink().is_relative_to(home):
                    found[int(entry.name)] = entry.joinpath("cmdline").read_text().replace("\0", " ")
            except OSError:
                continue  # it ended meanwhile, or is a kernel thread
    return found


def add_run(ready: dict[str, str], status: str) -> UUID:
    """A run in the database, as a pipeline would have left it at this moment."""
    run_id, project = uuid4(), uuid4()
    with psycopg.connect(ready["databaseUrl"]) as connection:
        connection.execute("select set_config('app.tenant_id', %s, true)", (ready["tenantId"],))
        connection.execute(
            "insert into projects (tenant_id, id, name) values (%s, %s, 'p')", (ready["tenantId"], project)
        )
        connection.execute(
            "insert into runs (tenant_id, id, kind, project_id, status, created_by, started_at, time_left)"
            " values (%(tenant)s, %(run)s, 'auto-fix', %(project)s, %(status)s, 'test', now(),"
            " case when %(status)s = 'waiting' then interval '1 hour' end)",
            {"tenant": ready["tenantId"], "run": run_id, "project": project, "status": status},
        )
    return run_id


@dataclass
class Dev:
    """A `nyx` command in a process."""

    process: subprocess.Popen[str]
    home: Path
    ready: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        return stream(self.process.stdout).readline()

    def wait_ready(self) -> Dev:
        line = self.line()
        assert line, f"ended with {self.process.wait(PATIENCE)}: {stream(self.process.stderr).read()}"
        self.ready = json.loads(line)
        return self

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Send a signal; exit code, the rest of stdout, stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(PATIENCE)  # before communicate, which ends its standard input
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


def start_nyx(*arguments: str, home: Path, cwd: Path, **options: Any) -> Dev:
    """Start a `nyx` command that sees nothing of the shell's own settings but what `environment` adds."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("NYX_", "AWS_"))},
        "NYX_HOME": str(home),
        **options.pop("environment", {}),
    }
    process = subprocess.Popen(
        [NYX, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd=cwd, **options,
    )  # fmt: skip
    return Dev(process, home)


def stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@dataclass(frozen=True)
class Reported:
    """A home in which `nyx fix` has run once on `tree`, leaving `out`; and the stack that serves it now."""

    tree: Path
    out: Path
    dev: Dev
    told: dict[str, Any]  # what `nyx fix --json` said

    def api(self) -> Api:
        """A client of its API."""
        return Api(self.dev.ready["url"], self.dev.ready["token"])


@dataclass(frozen=True)
class Trial:
    """A running stack of the trial's handlers."""

    stack: Stack
    home: Path
    folder: Path  # where the handlers leave what they saw

    def aws(self, service: str, **config: Any) -> Any:
        """A boto3 client of the embedded AWS."""
        return aws_of(self.home, service, **config)


def aws_of(home: Path, service: str, **config: Any) -> Any:
    """A boto3 client of the embedded AWS, of this home, with its key."""
    import boto3
    from botocore.config import Config

    key = json.loads((home / "keys" / "aws.json").read_text())
    port = json.loads((home / "run" / "ports.json").read_text())["aws"]
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=key["access_key"],
        aws_secret_access_key=key["secret_key"],
        config=Config(
            signature_version="s3v4" if service == "s3" else "v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"total_max_attempts": 1},
            **config,
        ),
    )

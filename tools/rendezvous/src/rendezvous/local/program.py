"""A program to be run as our child, and one running copy of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rendezvous.errors import StartError

_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Program:
    """What to run, as whom, and how to stop it and to see that it is ready.

    `ready` is called again and again, in a thread, until it returns None; before that it returns
    what is still missing, in a few words. `orphan_signal`, or else `stop_signal`, is what it gets
    from the kernel when this process dies. `before_start` runs before every start. `environment`
    of None means our own. `facts` (its ports) are recorded beside its process number. `niceness`
    (0 to 19) is how far it steps back where processors are short.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], str | None]
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals | None = None
    run_as: tuple[int, int] | None = None
    environment: Mapping[str, str] | None = None
    before_start: Callable[[], None] | None = None
    niceness: int = 0
    facts: Mapping[str, int | str] = field(default_factory=dict[str, int | str])

    def argv(self) -> list[str]:
        """The command line that starts it as a child which dies with this process."""
        user = ":".join(map(str, self.run_as)) if self.run_as else "-"
        death = str(int(self.orphan_signal or self.stop_signal))
        launcher = [sys.executable, "-I", "-S", str(_LAUNCH)]
        return [*launcher, str(os.getpid()), death, user, str(self.niceness), *self.command]


class Child:
    """One running copy of a program, for callers without an event loop.

    Start it from a thread that lives as long as it should: the kernel ends it with that thread.
    """

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        if program.before_start is not None:
            program.before_start()
        with log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603
                program.argv(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=program.environment,
                start_new_session=True,
            )

    def wait_ready(self, within: float = 30.0) -> "Child":
        """Returns itself once ready. Raises StartError with the end of the log after `within` s."""
        deadline = time.monotonic() + within
        while (missing := self.program.ready()) is not None:
            if self.process.poll() is not None:
                missing = f"it ended with status {self.process.returncode}"
            elif time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            self.kill()
            raise StartError(f"{self.program.name} did not start: {missing}.\n{tail(self.log)}")
        return self

    def stop(self, within: float = 10.0) -> None:
        """Asks it to stop, and ends it after `within` seconds."""
        if self.process.poll() is None:
            self.process.send_signal(self.program.stop_signal)
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for a message."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])

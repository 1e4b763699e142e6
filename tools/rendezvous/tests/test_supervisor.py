import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from rendezvous.errors import StartError
from rendezvous.home import Home
from rendezvous.local.program import Program
from rendezvous.supervisor import Supervisor, end_leftovers
from service_kit.testing import eventually

_SLEEP = "import time; open('{mark}', 'a').write('x'); time.sleep(600)"
_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "open('{mark}', 'a').write('x'); time.sleep(600)"
)


class Stage:
    """A supervisor and what it said."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.prepare()
        self.said: list[str] = []
        self.supervisor = Supervisor(self.home, self.said.append)

    def program(self, name: str, script: str = _SLEEP) -> Program:
        mark = self.home.root / f"{name}.mark"
        return Program(
            name,
            (sys.executable, "-c", script.format(mark=mark)),
            ready=lambda: None if mark.exists() else "it has made no mark",
        )

    def pid(self, name: str) -> int:
        return int(self.home.recorded()[name].get("pid", 0))

    async def said_that(self, text: str) -> str:
        async def found() -> str | None:
            return next((line for line in self.said if text in line), None)

        return await eventually(found, what=f"a line with {text!r}")

    async def stop(self) -> None:
        await self.supervisor.stop([(1.0, list(self.home.recorded()))])


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    await stage.stop()


async def test_a_process_that_is_killed_is_started_again_and_said_so(stage: Stage) -> None:
    await stage.supervisor.start([stage.program("booking")], within=20)
    first = stage.pid("booking")

    psutil.Process(first).kill()

    await stage.said_that("booking ended (signal SIGKILL) and is started again in 0.2 s.")
    line = await stage.said_that("booking runs again")
    assert stage.pid("booking") not in {0, first}
    assert str(stage.pid("booking")) in line


async def test_a_process_that_ends_by_itself_is_started_again_too(stage: Stage) -> None:
    script = "import sys; open('{mark}', 'a').write('x'); sys.stdin.read(); sys.exit(3)"

    await stage.supervisor.start([stage.program("video", script)], within=20)

    await stage.said_that("video ended (exit code 3)")


async def test_one_that_keeps_dying_at_the_start_is_named_with_the_end_of_its_log(
    stage: Stage,
) -> None:
    broken = stage.program("notify", "raise SystemExit('SMTP_PORT is missing')")

    with pytest.raises(StartError, match=r"notify did not become ready(.|\n)*SMTP_PORT is missing"):
        await stage.supervisor.start([broken], within=20)


async def test_one_that_never_becomes_ready_is_named_with_what_is_missing(stage: Stage) -> None:
    never = stage.program("gateway", "import time; time.sleep(600)")

    with pytest.raises(StartError, match="gateway did not become ready: it has made no mark"):
        await stage.supervisor.start([never], within=0.5)


async def test_stop_leaves_no_process_even_of_those_that_will_not(stage: Stage) -> None:
    programs = [stage.program("meek"), stage.program("stubborn", _STUBBORN)]
    await stage.supervisor.start(programs, within=20)
    pids = [stage.pid("meek"), stage.pid("stubborn")]

    await stage.supervisor.stop([(1.0, ["meek"]), (0.3, ["stubborn"])])

    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert any("stubborn did not stop in" in line for line in stage.said)
    assert not any(line.startswith("meek") for line in stage.said)
    assert stage.home.recorded() == {}


async def test_one_that_waits_to_be_started_again_is_not_started_after_the_stop(
    stage: Stage,
) -> None:
    await stage.supervisor.start([stage.program("booking")], within=20)
    psutil.Process(stage.pid("booking")).kill()
    await stage.said_that("is started again")

    await stage.stop()

    await asyncio.sleep(0.4)  # longer than its pause
    assert stage.home.recorded() == {}


async def test_serious_lines_of_a_log_are_said(stage: Stage) -> None:
    script = (
        "import time; open('{mark}', 'a').write('x');"
        """print('{{"level": "info", "event": "quiet"}}');"""
        """print('{{"level": "error", "event": "a task ended", "task": "relay"}}', flush=True);"""
        "time.sleep(600)"
    )

    await stage.supervisor.start([stage.program("booking", script)], within=20)

    await stage.said_that("booking: a task ended, task: relay")
    assert not any("quiet" in line for line in stage.said)


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[psutil.Process]:
    """A process that an earlier run recorded as its own."""
    Home(tmp_path).prepare()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield psutil.Process(process.pid)
        process.kill()


def test_what_a_killed_run_left_behind_is_ended(orphan: psutil.Process, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.record({"booking": {"pid": orphan.pid, "born": orphan.create_time()}})

    end_leftovers(home, print, within=0.2)

    assert not orphan.is_running()


def test_a_process_that_only_has_the_number_of_one_of_ours_is_left_alone(
    orphan: psutil.Process, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    home.record({"booking": {"pid": orphan.pid, "born": 12345.0}})

    end_leftovers(home, print, within=0.2)

    assert orphan.is_running()

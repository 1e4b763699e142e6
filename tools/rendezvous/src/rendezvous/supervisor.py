"""Starts programs, starts again those that die, and stops them all."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from rendezvous.errors import StartError
from rendezvous.home import Home
from rendezvous.local.program import Program, tail
from rendezvous.logs import LogWatch, shorten

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
LONG_ENOUGH_SECONDS = 30.0
"""A process that lived so long is started again without a growing pause."""
DEATHS_BEFORE_READY = 3

Say = Callable[[str], None]


@dataclass
class _Kept:
    program: Program
    watch: LogWatch
    process: asyncio.subprocess.Process | None = None
    keeper: asyncio.Task[None] | None = None
    since: float = 0.0
    deaths: int = 0
    ready: bool = False
    wanted: bool = True


@dataclass
class Supervisor:
    """Keeps programs running. Use it from the main thread: children die with their thread."""

    home: Home
    say: Say
    _kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept])
    _housekeeper: asyncio.Task[None] | None = None

    async def start(self, programs: Sequence[Program], *, within: float) -> None:
        """Starts programs side by side and returns when all are ready.

        Raises StartError, naming the program and the end of its log, after `within` seconds or
        when it keeps dying.
        """
        if self._housekeeper is None:
            self._housekeeper = asyncio.create_task(self._keep_house())
        deadline = time.monotonic() + within
        waiting = [
            asyncio.create_task(self._until_ready(self._keep(program), deadline))
            for program in programs
        ]
        try:
            await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()

    async def stop(self, order: Sequence[tuple[float, Sequence[str]]]) -> None:
        """Stops groups of programs one after the other, each within its seconds or by force.

        Seconds that a group does not need are for those after it.
        """
        if self._housekeeper is not None:
            self._housekeeper.cancel()
        for kept in self._kept.values():
            kept.wanted = False
        deadline = time.monotonic()
        for seconds, names in order:
            deadline += seconds
            group = [self._kept[name] for name in names if name in self._kept]
            left = max(deadline - time.monotonic(), 0.1)
            await asyncio.gather(*(self._end(kept, left) for kept in group))
        with suppress(OSError):
            self.home.record({})

    def _keep(self, program: Program) -> _Kept:
        kept = _Kept(program, LogWatch(self.home.log(program.name)))
        self._kept[program.name] = kept
        kept.keeper = asyncio.create_task(self._keep_running(kept))
        return kept

    async def _keep_running(self, kept: _Kept) -> None:
        pause, name = FIRST_PAUSE_SECONDS, kept.program.name
        while kept.wanted:
            reason = await self._run_once(kept)
            if not kept.wanted:
                return
            if time.monotonic() - kept.since > LONG_ENOUGH_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self.say(f"{name} ended ({reason}) and is started again in {pause:g} s.")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_once(self, kept: _Kept) -> str:
        """Runs a program until it ends; says why it ended."""
        again = kept.deaths > 0
        kept.since = time.monotonic()
        try:
            process = await self._spawn(kept)
        except (StartError, OSError) as error:
            if not again:
                raise
            return str(error)
        back = asyncio.create_task(self._tell_when_back(kept)) if again else None
        status = await process.wait()
        kept.ready = False
        kept.deaths += 1
        if back is not None:
            back.cancel()
        self._record()
        return _reason(status)

    async def _spawn(self, kept: _Kept) -> asyncio.subprocess.Process:
        program = kept.program
        if program.before_start is not None:
            await asyncio.to_thread(program.before_start)
        with self.home.log(program.name).open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *program.argv(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=program.environment,
                start_new_session=True,
            )
        kept.process = process
        self._record()
        return process

    async def _until_ready(self, kept: _Kept, deadline: float) -> None:
        while (missing := await self._missing(kept)) is not None:
            if kept.deaths >= DEATHS_BEFORE_READY:
                missing = f"it ended {kept.deaths} times"
            elif time.monotonic() < deadline:
                await asyncio.sleep(0.1)
                continue
            log = self.home.log(kept.program.name)
            raise StartError(
                f"{kept.program.name} did not become ready: {missing}. "
                f"The end of {log}:\n{tail(log)}"
            )
        kept.ready = True
        self._record()

    async def _missing(self, kept: _Kept) -> str | None:
        if kept.keeper is not None and kept.keeper.done():
            kept.keeper.result()
        if kept.process is None or kept.process.returncode is not None:
            return "it does not run"
        return await asyncio.to_thread(kept.program.ready)

    async def _tell_when_back(self, kept: _Kept) -> None:
        while await self._missing(kept) is not None:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.1)
        kept.ready = True
        self._record()
        if kept.process is not None:
            self.say(f"{kept.program.name} runs again (process {kept.process.pid}).")

    async def _end(self, kept: _Kept, seconds: float) -> None:
        process = kept.process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(kept.program.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), seconds)
            except TimeoutError:
                self.say(f"{kept.program.name} did not stop in {seconds:.1f} s and was ended.")
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if kept.keeper is not None:
            kept.keeper.cancel()
            await asyncio.gather(kept.keeper, return_exceptions=True)

    def _record(self) -> None:
        """Writes what runs, so that `doctor`, and a run after a crash, can find it."""
        with suppress(OSError):  # a full disk must not end what runs
            self.home.record({name: _entry(kept) for name, kept in self._kept.items()})

    async def _keep_house(self) -> None:
        """Says what the logs call serious, and keeps them from filling the disk."""
        while True:
            await asyncio.sleep(2)
            for name, kept in list(self._kept.items()):
                said = kept.watch.problems()
                for problem in said[:3]:
                    self.say(f"{name}: {problem}")
                if len(said) > 3:
                    self.say(f"{name}: {len(said) - 3} more problems in {kept.watch.log}")
                with suppress(OSError):
                    shorten(kept.watch.log)


def end_leftovers(home: Home, say: Say, within: float = 10.0) -> None:
    """Waits for the processes of a run that was killed, and ends those that stay.

    On Linux they end by themselves with their parent. A number that was given to another process
    since is told by the time of its birth.
    """
    left = [process for entry in home.recorded().values() if (process := _leftover(entry))]
    if not left:
        return
    say(f"Waiting for {len(left)} processes of a run that was killed.")
    _, alive = psutil.wait_procs(left, timeout=within)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=2)


def _leftover(entry: Mapping[str, Any]) -> psutil.Process | None:
    if not entry.get("pid"):
        return None
    try:
        process = psutil.Process(int(entry["pid"]))
        same = abs(process.create_time() - float(entry.get("born", 0))) < 1
    except (psutil.Error, ValueError):
        return None
    return process if same and process.is_running() else None


def _entry(kept: _Kept) -> dict[str, Any]:
    entry: dict[str, Any] = {"ready": kept.ready, "deaths": kept.deaths, **kept.program.facts}
    if kept.process is not None and kept.process.returncode is None:
        entry["pid"] = kept.process.pid
        with suppress(psutil.Error):
            entry["born"] = psutil.Process(kept.process.pid).create_time()
    return entry


def _reason(status: int) -> str:
    if status >= 0:
        return f"exit code {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"

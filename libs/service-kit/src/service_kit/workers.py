"""Workers: loops that claim rows and do what they ask for, outside any event's transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from prometheus_client import Counter

from service_kit import causation
from service_kit.database import announcements_held

DONE = Counter("worker_done_total", "Rows that workers have done", ["worker"])


@dataclass
class Worker:
    """Calls `work` until it answers 0, then waits for a commit of this process, or `idle_seconds`.

    Commits that come close together wake it once: it rests for `rest_seconds` before it looks.

    `work` claims some rows, does them and answers how many. Many processes run it at once, so it
    claims with SKIP LOCKED, or with a lease and a fencing number where the work is slow.
    """

    name: str
    work: Callable[[], Awaitable[int]]
    idle_seconds: float = 1.0
    rest_seconds: float = 0.01
    _wake: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def wake(self) -> None:
        """Says that there may be work."""
        self._wake.set()

    async def run(self) -> None:
        """Works for ever; returns only by cancellation, raises what `work` raises."""
        while True:
            self._wake.clear()
            with causation.new_flow(), announcements_held() as tell:
                done = await self.work()
            if done:
                tell()
                DONE.labels(self.name).inc(done)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self.idle_seconds)
                await asyncio.sleep(self.rest_seconds)

"""Whatever watches is watched: a task that ends is started again, counted and seen."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter

RESTARTS = Counter(
    "task_restarts_total", "Supervised tasks that ended and were restarted", ["task"]
)

LONGEST_PAUSE_SECONDS = 5.0

_log = structlog.get_logger()


@dataclass
class Supervisor:
    """Runs endless tasks and restarts the ones that end, with a growing, jittered pause."""

    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    _ailing: dict[str, str] = field(default_factory=dict[str, str])

    def watch(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Starts `run`, which should never return, and starts it again when it does."""
        self._tasks[name] = asyncio.create_task(self._keep_running(name, run), name=name)

    def problems(self) -> Sequence[str]:
        """The tasks that ended and have not yet run for a while since, with the reason."""
        return [f"{name}: {reason}" for name, reason in self._ailing.items()]

    async def stop(self) -> None:
        """Cancels every task and waits until each has put its things away."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def _keep_running(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        pause = 0.1
        while True:
            started = asyncio.get_running_loop().time()
            well = asyncio.get_running_loop().call_later(1.0, self._ailing.pop, name, None)
            try:
                await run()
                reason = "ended"
            except Exception as error:  # noqa: BLE001 - whatever it was, the task must go on
                reason = f"{type(error).__name__}: {error}"
            finally:
                well.cancel()
            if asyncio.get_running_loop().time() - started > 10:
                pause = 0.1
            self._ailing[name] = reason
            RESTARTS.labels(name).inc()
            _log.error("a task ended and is restarted", task=name, reason=reason, pause=pause)
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - jitter
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

"""Whether a booking can go all the way through: this process, and every service it needs."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from nats.aio.client import Client

from service_kit.health import Health, Readiness, ask_readiness

SERVICES = ("booking", "availability", "video", "notify", "calendar-sync")
REMEMBERED_SECONDS = 1.0


class WholeReadiness:
    """Asks our own checks and the services over NATS; the answer holds for a second."""

    def __init__(
        self, health: Health, client: Client, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._health = health
        self._client = client
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._until = 0.0
        self._found = Readiness(ready=False, problems={})

    async def __call__(self) -> Readiness:
        """The readiness of the whole; the one asking spares the others the question."""
        async with self._lock:
            if self._monotonic() >= self._until:
                self._found = await self._ask()
                self._until = self._monotonic() + REMEMBERED_SECONDS
            return self._found

    async def _ask(self) -> Readiness:
        asked: list[Awaitable[Readiness]] = [self._health.readiness()]
        asked += [ask_readiness(self._client, service) for service in SERVICES]
        own, *others = await asyncio.gather(*asked)
        problems = {f"gateway: {name}": what for name, what in own.problems.items()}
        for service, found in zip(SERVICES, others, strict=True):
            if not found.ready:
                problems[service] = "; ".join(f"{k}: {v}" for k, v in found.problems.items())
        return Readiness(ready=not problems, problems=problems)

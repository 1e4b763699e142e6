"""For tests: wait for what must come to be, and run a service inside the test's own loop."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from service_kit.service import Build, RunningService
from service_kit.settings import ServiceSettings

FoundT = TypeVar("FoundT")

LOOK_AGAIN_SECONDS = 0.02


async def eventually(
    check: Callable[[], Awaitable[FoundT | None]], within: float = 15.0, what: str = "it"
) -> FoundT:
    """The first truthy answer of `check`; raises `AssertionError` after `within` seconds.

    An error that `check` raises is no answer; the last one is told with the failure.
    """
    deadline = asyncio.get_running_loop().time() + within
    last: object = None
    while asyncio.get_running_loop().time() < deadline:
        try:
            if found := await check():
                return found
            last = found
        except Exception as error:  # noqa: BLE001 - it may go away by itself
            last = error
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    raise AssertionError(f"{what} did not come to be within {within} s; last: {last!r}")


@asynccontextmanager
async def running(
    name: str, settings: ServiceSettings, build: Build
) -> AsyncGenerator[RunningService]:
    """A service that runs, on real servers, until the block ends."""
    service = RunningService(name, settings)
    try:
        await service.start(build)
        yield service
    finally:
        await service.close()

"""Waits until a booking that was asked for has settled: confirmed, awaiting something, or lost.

The process hears every settling fact once, and whoever waits for a booking is woken by its id.
A fact that nobody heard does no harm: after a reconnect, and when the budget is spent, booking is
asked. It is asked by repeating the command, which answers for the first booking of its key, with
the version that this one settled at.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from contracts.booking import SETTLED_FACTS, CommandAccepted, RequestBooking
from gateway.api.patience import insist
from service_kit.errors import ProblemError, UnavailableError
from service_kit.rpc import Rpc

CALL_SECONDS = 2.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a request came; `version` is the one that the booking settled at, if it has."""

    booking_id: UUID
    version: int | None


@dataclass(slots=True, eq=False)
class _Waiter:
    """Somebody who waits for one booking; `news` is a fact, or that one may have been missed."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    version: int | None = None


class Settlement:
    """Sends requests for bookings and waits for what becomes of them."""

    def __init__(self, rpc: Rpc, client: Client, budget_seconds: float) -> None:
        self._rpc = rpc
        self._client = client
        self._budget_seconds = budget_seconds
        self._waiters: dict[str, set[_Waiter]] = {}

    async def listen(self) -> None:
        """Subscribes to the settling facts; the broker knows of it when this returns."""
        for fact in SETTLED_FACTS:
            await self._client.subscribe(f"events.booking.{fact}.*.>", cb=self._hear)
        await self._client.flush()

    def reconnected(self) -> None:
        """The connection was away: facts may have gone by, so everybody who waits asks."""
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.news.set()

    async def request(self, command: RequestBooking) -> Outcome:
        """Carries the command out and waits, for the budget at most, until it has settled.

        Raises `ProblemError` where booking refuses, `UnavailableError` where it never answered.
        """
        deadline = _now() + self._budget_seconds
        with self._watch(command.booking_id) as waiter:
            accepted = await insist(self._rpc, command, deadline - _now())
            if accepted.booking_id == command.booking_id:
                return await self._settled(command, accepted, waiter, deadline)
        # The key was used before. That booking may settle before we watch it: watch, ask again.
        with self._watch(accepted.booking_id) as waiter:
            if accepted.settled_version is None:
                accepted = await insist(self._rpc, command, deadline - _now())
            return await self._settled(command, accepted, waiter, deadline)

    async def _settled(
        self, command: RequestBooking, accepted: CommandAccepted, waiter: _Waiter, deadline: float
    ) -> Outcome:
        if accepted.settled_version is not None:
            return Outcome(accepted.booking_id, accepted.settled_version)
        version = await self._heard(command, waiter, deadline)
        if version is None:
            version = await self._asked(command)
        return Outcome(accepted.booking_id, version)

    async def _heard(self, command: RequestBooking, waiter: _Waiter, deadline: float) -> int | None:
        """The version that the fact told, or nothing when the budget is spent."""
        while (left := deadline - _now()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(waiter.news.wait(), left)
            if waiter.version is not None:
                return waiter.version
            if waiter.news.is_set():
                waiter.news.clear()
                if (asked := await self._asked(command)) is not None:
                    return asked
        return waiter.version

    async def _asked(self, command: RequestBooking) -> int | None:
        """The version that the booking settled at, if booking can tell it now."""
        try:
            return (await self._rpc.call(command, timeout=CALL_SECONDS)).settled_version
        except (UnavailableError, ProblemError):
            return None

    @contextmanager
    def _watch(self, booking_id: UUID) -> Generator[_Waiter]:
        """Wakes the waiter when a settling fact of this booking is heard."""
        waiter = _Waiter()
        key = str(booking_id)
        waiters = self._waiters.setdefault(key, set())
        waiters.add(waiter)
        try:
            yield waiter
        finally:
            waiters.discard(waiter)
            if not waiters:
                self._waiters.pop(key, None)

    async def _hear(self, message: Msg) -> None:
        waiters = self._waiters.get(message.subject.rpartition(".")[2])
        if not waiters:
            return
        try:
            version = int(orjson.loads(message.data)["version"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            _log.warning("a settling fact cannot be read", subject=message.subject)
            return
        for waiter in waiters:
            if waiter.version is None:  # the first one settled it
                waiter.version = version
            waiter.news.set()


def _now() -> float:
    return asyncio.get_running_loop().time()

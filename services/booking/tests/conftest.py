"""Booking on real servers, with a stand-in for availability that the tests can steer."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import nats
import pytest

from booking.__main__ import build
from booking.settings import Settings
from contracts.availability import Slot, SlotRejected, SlotReserved
from contracts.booking import BookingRequested
from service_kit import outbox
from service_kit.bus import Bus, handles
from service_kit.database import Connection
from service_kit.messages import Envelope
from service_kit.rpc import Rpc
from service_kit.service import Parts, RunningService, Runtime
from service_kit.settings import ServiceSettings
from service_kit.testing import running

from .builders import NOW, START, granted


@dataclass
class Grants:
    """Grants each start once, as availability does."""

    taken: set[datetime] = field(default_factory=set[datetime])

    async def build(self, _: Runtime) -> Parts:
        return Parts(
            Bus("availability", events=[handles(BookingRequested, self.on_requested)]),
            context="availability",
        )

    async def on_requested(
        self, connection: Connection, event: BookingRequested, _: Envelope
    ) -> None:
        if event.start in self.taken:
            rejected = SlotRejected(
                tenant=event.tenant,
                booking_id=event.booking_id,
                reason="slot_taken",
                alternatives=[Slot(start=START, end=START, hosts=[])],
            )
            await outbox.append(connection, NOW, rejected)
            return
        self.taken.add(event.start)
        reserved = SlotReserved(
            tenant=event.tenant,
            booking_id=event.booking_id,
            reservation_id=uuid4(),
            terms=granted(event.start),
        )
        await outbox.append(connection, NOW, reserved)


@pytest.fixture
def settings(service_database: Callable[[str], str], nats_url: str) -> Settings:
    return Settings(
        database_url=service_database("booking"),
        nats_url=nats_url,
        link_keys="k1:" + "s" * 32,
        public_url="https://book.example.org",
    )


@pytest.fixture
async def booking_service(settings: Settings) -> AsyncIterator[RunningService]:
    async with running("booking", settings, lambda runtime: build(runtime, settings)) as service:
        yield service


@pytest.fixture
async def availability(
    service_database: Callable[[str], str], nats_url: str
) -> AsyncIterator[Grants]:
    grants = Grants()
    own = ServiceSettings(database_url=service_database("service_kit"), nats_url=nats_url)
    async with running("availability", own, grants.build):
        yield grants


@pytest.fixture
async def rpc(nats_url: str, booking_service: RunningService) -> AsyncIterator[Rpc]:
    client = await nats.connect(nats_url)
    yield Rpc(client)
    await client.close()

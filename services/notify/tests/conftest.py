"""Notify on a real Postgres, a real NATS and a real SMTP server."""

from collections.abc import AsyncIterator, Callable

import nats
import pytest
from nats.aio.client import Client

from notify.application import Appointments, Deliveries, Reminders
from notify.bus import BookingDirectory
from notify.publishing import publish
from service_kit.database import Database
from service_kit.rpc import Rpc

from .world import MailServer, MovingClock, Neighbours, World


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def neighbours(nats_url: str) -> AsyncIterator[Neighbours]:
    """Booking and availability, as far as notify asks them, on a real broker."""
    found = Neighbours()
    await found.start(nats_url)
    yield found
    await found.stop()


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    """Notify's own connection to the broker."""
    found = await nats.connect(nats_url)
    yield found
    await found.close()


@pytest.fixture
async def world(
    service_database: Callable[[str], str],
    mail: MailServer,
    neighbours: Neighbours,
    client: Client,
) -> AsyncIterator[World]:
    database, clock = Database(service_database("notify"), size=6), MovingClock()
    await database.open()
    world = World(
        database=database,
        clock=clock,
        mail=mail,
        neighbours=neighbours,
        appointments=Appointments(database, clock),
        reminders=Reminders(database, clock, publish),
        deliveries=Deliveries(
            database, clock, BookingDirectory(Rpc(client)), {}, publish, jitter=lambda: 0.0
        ),
    )
    world.send_through(mail.server())
    yield world
    await world.deliveries.rest()
    await database.close()

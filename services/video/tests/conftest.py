"""Video on a real Postgres and a real NATS."""

from collections.abc import AsyncIterator, Callable

import nats
import pytest
from nats.aio.client import Client

from service_kit.database import Database
from video.application import Meetings
from video.providers.jitsi import JitsiVideoProvider
from video.publishing import publish

from .world import MovingClock, RemoteRooms, World


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    found = await nats.connect(nats_url)
    yield found
    await found.close()


@pytest.fixture
async def world(service_database: Callable[[str], str]) -> AsyncIterator[World]:
    database, clock, remote = (
        Database(service_database("video"), size=4),
        MovingClock(),
        RemoteRooms(),
    )
    await database.open()
    providers = {"jitsi": JitsiVideoProvider("meet.example.org"), "remote": remote}
    meetings = Meetings(database, clock, providers, publish, jitter=lambda: 0.0)
    yield World(database, clock, remote, meetings)
    await database.close()

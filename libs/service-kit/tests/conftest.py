"""A service that says one kind of event, and one that hears it, both on real servers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from contracts.video import MeetingProvisioned
from service_kit import outbox
from service_kit.bus import Bus, handles
from service_kit.consumer import RetryPolicy
from service_kit.database import Connection, Database
from service_kit.messages import Envelope
from service_kit.service import Parts, Runtime
from service_kit.settings import ServiceSettings
from service_kit.testing import eventually

NOW = datetime(2027, 3, 22, 8, tzinfo=UTC)


def a_fact(booking_id: UUID | None = None, provider: str = "jitsi") -> MeetingProvisioned:
    return MeetingProvisioned(
        tenant="demo", booking_id=booking_id or uuid4(), meeting_id=uuid4(), provider=provider
    )


@dataclass
class Hearer:
    """Writes what it hears into a table of its own; `refuse` makes it fail on some."""

    url: str
    refuse: Callable[[MeetingProvisioned], bool] = lambda _: False
    heard: list[UUID] = field(default_factory=list[UUID])

    async def build(self, runtime: Runtime) -> Parts:
        async with runtime.database.transaction() as connection:
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS heard (at bigserial, booking_id uuid)"
            )

        async def on_provisioned(
            connection: Connection, event: MeetingProvisioned, _: Envelope
        ) -> None:
            await connection.execute(
                "INSERT INTO heard (booking_id) VALUES (%s)", (event.booking_id,)
            )
            if self.refuse(event):
                raise ValueError("cannot hear this")

        return Parts(
            Bus("hearer", events=[handles(MeetingProvisioned, on_provisioned)]),
            retries=RetryPolicy(tries=3, first_delay=0.05),
        )


@dataclass
class Speaker:
    """Says events through its outbox."""

    database: Database

    async def say(self, *events: MeetingProvisioned) -> None:
        async with self.database.transaction() as connection:
            await outbox.append(connection, NOW, *events)


async def build_speaker(_: Runtime) -> Parts:
    return Parts(Bus("speaker"), context="video")


@dataclass
class Pair:
    """The settings of both, and what the hearer has written down."""

    speaker: ServiceSettings
    hearer: ServiceSettings
    nats_url: str

    async def heard(self) -> list[UUID]:
        database = Database(self.hearer.database_url, size=1)
        await database.open()
        try:
            async with database.reading() as connection:
                cursor = await connection.execute("SELECT booking_id FROM heard ORDER BY at")
                return [row[0] for row in await cursor.fetchall()]
        finally:
            await database.close()

    async def hears(self, expected: list[UUID], within: float = 20.0) -> None:
        async def as_expected() -> bool:
            return await self.heard() == expected

        try:
            await eventually(as_expected, within)
        except AssertionError:
            assert await self.heard() == expected

    async def jetstream(self) -> tuple[Client, JetStreamContext]:
        client = await nats.connect(self.nats_url)
        return client, client.jetstream()


@pytest.fixture
def pair(service_database: Callable[[str], str], nats_url: str) -> Pair:
    def settings() -> ServiceSettings:
        return ServiceSettings(database_url=service_database("service_kit"), nats_url=nats_url)

    return Pair(settings(), settings(), nats_url)

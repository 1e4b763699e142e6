"""Calendar-sync on a real Postgres and a real CalDAV server, with a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from calendar_sync.application import Connections, Entries, Feeds
from calendar_sync.bus import bus
from calendar_sync.domain import Person
from calendar_sync.providers.caldav import CaldavProvider
from calendar_sync.providers.urls import UrlGuard
from calendar_sync.publishing import publish
from calendar_sync.store.passwords import Vault
from contracts.calendar_sync import ConnectCalendar
from contracts.envelope import Contract, Event, Request
from service_kit.database import Connection, Database
from service_kit.errors import UnavailableError
from service_kit.messages import Envelope, Position
from tests.radicale import PASSWORD, USERNAME, Radicale, RemoteCalendar

from .builders import HOST, NOW
from .listener import Listen, Listener

SECRET_KEY = "0123456789abcdef0123456789abcdef"


class MovingClock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


class KnownBookings:
    """Booking's answers, for tests that are not about the bus."""

    def __init__(self) -> None:
        self.attendee: Person | None = Person("Sarah Miller", "sarah@example.com", "+4930123456")
        self.join_url: str | None = None
        self.away = False
        self.questions: list[set[UUID]] = []

    async def attendance(self, tenant: str, booking_id: UUID) -> tuple[Person | None, str | None]:
        if self.away:
            raise UnavailableError("booking is away")
        return self.attendee, self.join_url

    async def people(self, tenant: str, person_ids: Collection[UUID]) -> Mapping[UUID, Person]:
        if self.away:
            raise UnavailableError("booking is away")
        self.questions.append(set(person_ids))
        return {person_id: self.attendee for person_id in person_ids if self.attendee}


@dataclass
class System:
    """Calendar-sync without its bus."""

    database: Database
    clock: MovingClock
    known: KnownBookings
    connections: Connections
    entries: Entries
    feeds: Feeds
    heard: int = field(default=0)

    async def hear(self, *events: Event) -> None:
        """Hands events to their handlers in one transaction, as the kit does."""
        async with self.database.transaction() as connection:
            for event in events:
                await self.hear_in(connection, event)

    async def hear_in(self, connection: Connection, event: Event) -> None:
        handlers = {h.event: h.handle for h in self._bus().events}
        self.heard += 1
        await handlers[type(event)](connection, event, self._envelope(event))

    async def ask(self, request: Request[Any]) -> Contract:
        """The reply to a request; raises `ProblemError`."""
        answers = {h.request: h.answer for h in self._bus().requests}
        return await answers[type(request)](request)

    async def connect(self, calendar: RemoteCalendar, host_id: UUID = HOST) -> None:
        """Links a calendar to a host of the tenant `demo`."""
        await self.ask(
            ConnectCalendar(
                tenant="demo",
                host_id=host_id,
                url=calendar.url,
                username=USERNAME,
                password=PASSWORD,
            )
        )

    async def work(self) -> int:
        """Lets the workers do everything that is due now."""
        done = 0
        while await self.entries.write_next():
            done += 1
        return done

    async def said(self) -> list[str]:
        """The types of all events said so far."""
        return [row[0] for row in await self.rows("SELECT type FROM outbox ORDER BY seq")]

    async def rows(self, query: Any) -> list[tuple[Any, ...]]:
        async with self.database.reading() as connection:
            return await (await connection.execute(query)).fetchall()

    def _bus(self) -> Any:
        return bus(self.connections, self.entries, self.feeds)

    def _envelope(self, event: Event) -> Envelope:
        return Envelope(
            id=uuid7(),
            source="/rendezvous/booking",
            type=event.ce_type(),
            subject=event.subject,
            tenant=event.tenant,
            entity_id=event.entity_id,
            time=self.clock(),
            position=Position(self.heard),
            correlation_id="flow-1",
        )


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    server = Radicale(tmp_path_factory.mktemp("radicale"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """A server that the test may stop."""
    server = Radicale(tmp_path_factory.mktemp("radicale"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def calendar(radicale: Radicale) -> RemoteCalendar:
    return radicale.calendar()


@pytest.fixture
async def system(service_database: Callable[[str], str]) -> AsyncIterator[System]:
    database = Database(service_database("calendar_sync"), size=4)
    await database.open()
    clock, known = MovingClock(), KnownBookings()
    provider, vault = CaldavProvider(UrlGuard(private_hosts=True)), Vault([SECRET_KEY])
    url = "https://book.example"
    yield System(
        database=database,
        clock=clock,
        known=known,
        connections=Connections(database, clock, provider, vault, publish),
        entries=Entries(database, clock, provider, vault, known, publish, url, jitter=lambda: 0.0),
        feeds=Feeds(database, clock, known, url),
    )
    await database.close()


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    servers: list[asyncio.Server] = []

    async def start() -> Listener:
        listener = Listener()
        server = await asyncio.start_server(listener.visit, "127.0.0.1", 0)
        servers.append(server)
        listener.port = server.sockets[0].getsockname()[1]
        return listener

    yield start
    for server in servers:
        server.close()

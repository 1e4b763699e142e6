"""Video on a real Postgres, with a clock that the test moves."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
from nats.aio.client import Client
from uuid_utils.compat import uuid7

from contracts.availability import CancellationPolicy, Location, Terms
from contracts.booking import Attendance, BookingCancelled, BookingConfirmed, ReminderChoice
from contracts.envelope import Actor, Event, PersonRef
from service_kit.database import Database
from service_kit.messages import Envelope, Position
from video.application import Meetings
from video.bus import bus
from video.domain import Meeting, Role
from video.providers import ProvisioningError
from video.providers.jitsi import JitsiVideoProvider
from video.publishing import publish

START = datetime(2027, 3, 22, 8, tzinfo=UTC)


class MovingClock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = START - timedelta(days=3)

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


class RemoteRooms:
    """A provider behind a network: answers, or fails as the test says."""

    name = "remote"
    needs_network = True

    def __init__(self) -> None:
        self.failure: ProvisioningError | None = None
        self.asked: list[UUID] = []

    async def provision(self, meeting: Meeting) -> str:
        self.asked.append(meeting.meeting_id)
        if self.failure:
            raise self.failure
        return f"remote-{meeting.room}"

    def join_url(self, meeting: Meeting, role: Role, display_name: str, now: datetime) -> str:
        return f"https://remote.example/{meeting.reference}/{role}"


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def remote() -> RemoteRooms:
    return RemoteRooms()


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    found = await nats.connect(nats_url)
    yield found
    await found.close()


@pytest.fixture
async def video_database(service_database: Callable[[str], str]) -> AsyncIterator[Database]:
    database = Database(service_database("video"), size=4)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def meetings(video_database: Database, clock: MovingClock, remote: RemoteRooms) -> Meetings:
    providers = {"jitsi": JitsiVideoProvider("meet.example.org"), "remote": remote}
    return Meetings(video_database, clock, providers, publish, jitter=lambda: 0.0)


@pytest.fixture
def deliver(meetings: Meetings, video_database: Database) -> Callable[[Event], Any]:
    """Hands one event to video's handler, in a transaction, as the kit does."""
    handlers = {handler.event: handler.handle for handler in bus(meetings).events}

    async def deliver_event(event: Event) -> None:
        envelope = Envelope(
            id=uuid7(),
            source="/rendezvous/booking",
            type=event.ce_type(),
            subject=event.subject,
            tenant=event.tenant,
            entity_id=event.entity_id,
            time=START - timedelta(days=3),
            position=Position(1),
            correlation_id="c-1",
        )
        async with video_database.transaction() as connection:
            await handlers[type(event)](connection, event, envelope)

    return deliver_event


@pytest.fixture
def told(video_database: Database) -> Callable[[], Any]:
    """What video has said so far: the type and the JSON body of each event."""

    async def read() -> list[tuple[str, str]]:
        async with video_database.reading() as connection:
            cursor = await connection.execute(
                "SELECT type, convert_from(body, 'UTF8') FROM outbox ORDER BY seq"
            )
            return [(kind, body) for kind, body in await cursor.fetchall()]

    return read


@pytest.fixture
def a_booking() -> Callable[..., tuple[BookingConfirmed, BookingCancelled]]:
    """The confirmation and the cancellation of one new booking."""

    def build(
        kind: str = "video", provider: str | None = None
    ) -> tuple[BookingConfirmed, BookingCancelled]:
        booking_id = uuid4()
        attendance = Attendance(attendee=PersonRef(person_id=uuid4()), guests=[])
        location = Location.model_validate({"kind": kind, "video_provider": provider})
        terms = Terms(
            appointment_type="video-consultation",
            title="Video consultation",
            host_id=uuid4(),
            host_time_zone="Europe/Berlin",
            start=START,
            end=START + timedelta(minutes=30),
            duration_minutes=30,
            location=location,
            price=None,
            approval=False,
            cancellation=CancellationPolicy(),
            reminders_minutes=[],
        )
        confirmed = BookingConfirmed(
            tenant="demo",
            booking_id=booking_id,
            version=3,
            number="RV-1",
            time_zone="Europe/Berlin",
            attendance=attendance,
            reminders=ReminderChoice(),
            terms=terms,
            sequence=0,
        )
        cancelled = BookingCancelled(
            tenant="demo",
            booking_id=booking_id,
            version=5,
            number="RV-1",
            actor=Actor(kind="attendee"),
            time_zone="Europe/Berlin",
            attendance=attendance,
            terms=terms,
            sequence=1,
        )
        return confirmed, cancelled

    return build

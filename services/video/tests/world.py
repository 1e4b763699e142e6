"""Video driven by hand, on a real Postgres, with a clock that the test moves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from contracts.availability import CancellationPolicy, Location, Terms
from contracts.booking import Attendance, BookingCancelled, BookingConfirmed, ReminderChoice
from contracts.envelope import Actor, Event, PersonRef
from contracts.video import JoinMeeting
from service_kit.database import Database
from service_kit.errors import ProblemError
from service_kit.messages import Envelope, Position
from video.application import Meetings
from video.bus import bus
from video.domain import Meeting, Role
from video.providers import ProvisioningError

START = datetime(2027, 3, 22, 8, tzinfo=UTC)

PROVISIONED, FAILED, CLOSED = (
    "video.meeting-provisioned.v1",
    "video.meeting-failed.v1",
    "video.meeting-closed.v1",
)


class MovingClock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = START - timedelta(days=3)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class RemoteRooms:
    """A provider behind a network: answers, or fails as the test says."""

    name = "remote"
    needs_network = True

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.asked: list[UUID] = []

    def fail(self, reason: str, *, permanent: bool = False) -> None:
        self.failure = ProvisioningError(reason, permanent=permanent)

    async def provision(self, meeting: Meeting) -> str:
        self.asked.append(meeting.meeting_id)
        if self.failure:
            raise self.failure
        return f"remote-{meeting.room}"

    def join_url(self, meeting: Meeting, role: Role, display_name: str, now: datetime) -> str:
        return f"https://remote.example/{meeting.reference}/{role}"


@dataclass
class World:
    """Video's application, and what it says."""

    database: Database
    clock: MovingClock
    remote: RemoteRooms
    meetings: Meetings

    async def hear(self, *events: Event) -> None:
        """Hands events to video's handlers, each in a transaction, as the kit does."""
        handlers = {handler.event: handler.handle for handler in bus(self.meetings).events}
        for event in events:
            async with self.database.transaction() as connection:
                await handlers[type(event)](connection, event, _envelope(event))

    async def said(self) -> list[tuple[str, str]]:
        """The type and the JSON body of each event that video has said."""
        return await self.rows("SELECT type, convert_from(body, 'UTF8') FROM outbox ORDER BY seq")

    async def kinds_said(self) -> list[str]:
        return [kind for kind, _ in await self.said()]

    async def join(self, booking: BookingConfirmed, tenant: str = "demo") -> str:
        """The URL that the attendee is given."""
        answer: Any = bus(self.meetings).requests[0].answer
        query = JoinMeeting(
            tenant=tenant, booking_id=booking.booking_id, role="attendee", display_name="Sarah"
        )
        return (await answer(query)).url

    async def refusal(self, booking: BookingConfirmed, tenant: str = "demo") -> str:
        """The code that the attendee is refused with."""
        with pytest.raises(ProblemError) as problem:
            await self.join(booking, tenant)
        return problem.value.code

    async def room_of(self, booking: BookingConfirmed) -> str:
        rows = await self.rows("SELECT booking_id, room FROM meetings")
        return dict(rows)[booking.booking_id]

    async def rows(self, query: Any) -> list[Any]:
        async with self.database.reading() as connection:
            return await (await connection.execute(query)).fetchall()

    async def expire_leases(self) -> None:
        async with self.database.transaction() as connection:
            await connection.execute("UPDATE meetings SET lease_until = now() - interval '1 s'")


def a_booking(
    kind: str = "video", provider: str | None = None
) -> tuple[BookingConfirmed, BookingCancelled]:
    """The confirmation and the cancellation of one new booking."""
    booking_id = uuid4()
    attendance = Attendance(attendee=PersonRef(person_id=uuid4()), guests=[])
    terms = _terms(Location.model_validate({"kind": kind, "video_provider": provider}))
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


def _terms(location: Location) -> Terms:
    return Terms(
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


def _envelope(event: Event) -> Envelope:
    return Envelope(
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

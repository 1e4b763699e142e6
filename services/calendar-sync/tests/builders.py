"""Events of bookings, as booking tells them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts.availability import CancellationPolicy, Location, Terms
from contracts.booking import (
    Attendance,
    BookingCancelled,
    BookingConfirmed,
    BookingMeetingAttached,
    ReminderChoice,
)
from contracts.envelope import Actor, PersonRef

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOST = UUID("0198aaaa-0000-7000-8000-000000000001")


@dataclass(frozen=True)
class ABooking:
    """One booking, from which its events can be made."""

    id: UUID = field(default_factory=uuid4)
    tenant: str = "demo"
    host_id: UUID = HOST
    title: str = "Video consultation"
    start: datetime = datetime(2027, 3, 22, 8, tzinfo=UTC)
    minutes: int = 30
    time_zone: str = "Europe/Berlin"
    attendee: UUID = field(default_factory=uuid4)
    location: dict[str, Any] = field(default_factory=lambda: {"kind": "video"})

    def but(self, **changes: Any) -> "ABooking":
        return replace(self, **changes)

    def terms(self) -> Terms:
        return Terms(
            appointment_type="video-consultation",
            title=self.title,
            host_id=self.host_id,
            host_time_zone=self.time_zone,
            start=self.start,
            end=self.start + timedelta(minutes=self.minutes),
            duration_minutes=self.minutes,
            location=Location.model_validate(self.location),
            price=None,
            approval=False,
            cancellation=CancellationPolicy(),
            reminders_minutes=[],
        )

    def attendance(self) -> Attendance:
        return Attendance(attendee=PersonRef(person_id=self.attendee), guests=[])

    def confirmed(self, version: int = 2) -> BookingConfirmed:
        return BookingConfirmed(
            tenant=self.tenant,
            booking_id=self.id,
            version=version,
            number="RV-7Q2M",
            time_zone="America/New_York",
            attendance=self.attendance(),
            reminders=ReminderChoice(),
            terms=self.terms(),
            sequence=0,
        )

    def attached(self, version: int = 3) -> BookingMeetingAttached:
        return BookingMeetingAttached(
            tenant=self.tenant,
            booking_id=self.id,
            version=version,
            meeting_id=uuid4(),
            provider="jitsi",
        )

    def cancelled(self, version: int = 4) -> BookingCancelled:
        return BookingCancelled(
            tenant=self.tenant,
            booking_id=self.id,
            version=version,
            number="RV-7Q2M",
            actor=Actor(kind="attendee"),
            time_zone="America/New_York",
            attendance=self.attendance(),
            terms=self.terms(),
            sequence=1,
        )

"""Appointments, letters and events to test with."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts import availability, booking
from contracts.envelope import Actor, PersonRef
from notify.domain.appointments import Appointment, Place, Recipient, Role, Terms
from notify.domain.letters import Briefing, Host, Letter, Person
from notify.domain.notifications import Kind, Notification

START = datetime(2027, 3, 22, 8, tzinfo=UTC)
"""A Monday, 09:00 in Berlin; six days before its clocks change."""

CONFIRMED_AT = START - timedelta(days=3)

HOST = Host(UUID(int=9), "Dr. Amira Hassan", "amira@practice.example", "America/New_York")
SARAH = Person(UUID(int=1), "Sarah Weiß", "sarah@client.example", "+4930123456")
GUEST = Person(UUID(int=2), "Gus Guest", "gus@guest.example")

VIDEO = Place("video")
OFFICE = Place(
    "in_person",
    address="Hauptstraße 1\n10115 Berlin",
    directions_url="https://maps.example/hauptstrasse-1",
    parking_note="In the yard",
)

JOIN, HOST_JOIN, MANAGE = (
    "https://book.example/call/for-sarah",
    "https://book.example/call/for-amira",
    "https://book.example/manage/for-sarah",
)


def an_appointment(place: Place = VIDEO, **changes: Any) -> Appointment:
    terms = Terms(
        title="Consultation",
        host_id=HOST.id,
        starts_at=START,
        ends_at=START + timedelta(minutes=30),
        place=place,
        notice_minutes=120,
        reminders_minutes=(1440, 60),
    )
    appointment = Appointment(
        tenant="demo",
        booking_id=UUID(int=5),
        time_zone="Europe/Berlin",
        attendee=SARAH.id,
        guests=(GUEST.id,),
        remind_by_email=True,
        terms=terms,
        sequence=0,
    )
    return replace(appointment, **changes)


def with_terms(appointment: Appointment, **changes: Any) -> Appointment:
    return replace(appointment, terms=replace(appointment.terms, **changes))


def a_briefing(**changes: Any) -> Briefing:
    briefing = Briefing(
        cancelled=False,
        number="RV-1042",
        manage_url=MANAGE,
        attendee=SARAH,
        host=HOST,
        guests=(GUEST,),
        join_url=JOIN,
        host_join_url=HOST_JOIN,
        answers=(("What is it about?", "My knee"),),
        notes="Since Monday.\nIt hurts.",
    )
    return replace(briefing, **changes)


def a_letter(
    role: Role = "attendee",
    kind: Kind = "confirmation",
    appointment: Appointment | None = None,
    sequence: int = 0,
    **changes: Any,
) -> Letter:
    appointment = appointment or an_appointment(meeting="ready")
    briefing = a_briefing(**changes)
    by_role: dict[Role, Person | Host | None] = {
        "attendee": briefing.attendee,
        "guest": briefing.guests[0] if briefing.guests else None,
        "host": briefing.host,
    }
    to, host = by_role[role], briefing.host
    if to is None or host is None:
        raise ValueError("nobody to write to")
    notification = Notification(
        id=UUID(int=77),
        tenant="demo",
        booking_id=appointment.booking_id,
        kind=kind,
        recipient=Recipient(to.id, role),
        sequence=sequence,
        due_at=CONFIRMED_AT,
        calendar=kind != "reminder",
    )
    return Letter(notification, appointment, briefing, host, to, CONFIRMED_AT)


@dataclass
class ABooking:
    """A booking as the events tell of it, and as booking answers for it."""

    kind: availability.LocationKind = "video"
    guests: tuple[UUID, ...] = ()
    reminders: booking.ReminderChoice = field(default_factory=booking.ReminderChoice)
    reminders_minutes: tuple[int, ...] = (1440, 60)
    id: UUID = field(default_factory=uuid4)
    attendee: UUID = field(default_factory=uuid4)
    status: booking.BookingStatus = "confirmed"
    has_link: bool = True
    erased: bool = False
    tenant: str = "demo"

    def confirmed(self, version: int = 3) -> booking.BookingConfirmed:
        return booking.BookingConfirmed(
            tenant=self.tenant,
            booking_id=self.id,
            version=version,
            number="RV-1042",
            time_zone="Europe/Berlin",
            attendance=self._attendance(),
            reminders=self.reminders,
            terms=self.terms(),
            sequence=0,
        )

    def cancelled(self, *, with_terms: bool = True) -> booking.BookingCancelled:
        self.status = "cancelled"
        return booking.BookingCancelled(
            tenant=self.tenant,
            booking_id=self.id,
            version=5,
            number="RV-1042",
            actor=Actor(kind="attendee"),
            time_zone="Europe/Berlin",
            attendance=self._attendance(),
            terms=self.terms() if with_terms else None,
            sequence=1,
        )

    def terms(self) -> availability.Terms:
        return availability.Terms(
            appointment_type="consultation",
            title="Consultation",
            host_id=HOST.id,
            host_time_zone=HOST.time_zone,
            start=START,
            end=START + timedelta(minutes=30),
            duration_minutes=30,
            location=availability.Location(kind=self.kind, address="Hauptstraße 1"),
            price=None,
            approval=False,
            cancellation=availability.CancellationPolicy(notice_minutes=120),
            reminders_minutes=list(self.reminders_minutes),
        )

    def view(self) -> booking.BookingView:
        """What booking says of it now."""
        link = self.has_link and self.kind == "video"
        return booking.BookingView(
            id=self.id,
            tenant=self.tenant,
            number="RV-1042",
            status=self.status,
            version=4,
            position=40,
            appointment_type="consultation",
            start=START,
            end=START + timedelta(minutes=30),
            duration_minutes=30,
            time_zone="Europe/Berlin",
            host_id=HOST.id,
            terms=self.terms(),
            attendee=None if self.erased else self._person(self.attendee, "Sarah Weiß"),
            guests=[self._person(guest, "Gus Guest") for guest in self.guests],
            answers={"What is it about?": ["knee", True], "Insured?": True, "Since": None},
            notes="Since Monday.",
            documents=[],
            meeting_id=None,
            meeting_provider=None,
            rejection_reason=None,
            rejection_field=None,
            alternatives=[],
            sequence=0,
            created_at=CONFIRMED_AT,
            manage_url=MANAGE,
            join_url=JOIN if link else None,
            host_join_url=HOST_JOIN if link else None,
        )

    def address(self, person_id: UUID) -> str:
        """The mail address of one of its people."""
        return HOST.email if person_id == HOST.id else f"p{person_id.hex[:12]}@client.example"

    def _person(self, person_id: UUID, name: str) -> booking.Person:
        return booking.Person(
            person_id=person_id, version=1, name=name, email=self.address(person_id)
        )

    def _attendance(self) -> booking.Attendance:
        return booking.Attendance(
            attendee=PersonRef(person_id=self.attendee),
            guests=[PersonRef(person_id=guest) for guest in self.guests],
        )

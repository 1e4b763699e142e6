"""The booking: what can happen to it, what each turn needs, and what it is after.

Every turn is an event, kept for good. `Because` says who asked, when and in which flow; the
booking itself reads no clock. What it already knows, it ignores: a fact told twice is one event.

BookingError                the rule that a command would break
├── WrongStatusError        the booking's status does not allow the turn
└── NoticePassedError       too late for an attendee to cancel
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate

NUMBER_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is mistaken for another on the phone."""

ENDED = frozenset({"declined", "unavailable", "expired", "cancelled", "completed", "no_show"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: `kind` is attendee, host, admin, api_key or system; `id` is never a name."""

    kind: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Because:
    """Why a turn is taken: by whom, at which instant (UTC), and what it follows from."""

    actor: Actor
    at: datetime
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A person and the version of their details that was meant."""

    person_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Money:
    """Minor units of an ISO 4217 currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Location:
    """Where it takes place; the fields of its kind are set."""

    kind: str
    video_provider: str | None
    address: str | None
    directions_url: str | None
    parking_note: str | None
    phone_number: str | None
    caller: str | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What availability granted: it binds, whatever the client had sent."""

    appointment_type: str
    title: str
    host_id: UUID
    host_time_zone: str
    start: datetime
    end: datetime
    duration_minutes: int
    location: Location
    price: Money | None
    approval: bool
    cancellation_notice_minutes: int
    reminders_minutes: list[int]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A free slot near the one that was lost."""

    start: datetime
    end: datetime
    hosts: list[UUID]
    seats_left: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for. Minutes and instants; the zone is the one it was meant in."""

    appointment_type: str
    start: datetime
    duration_minutes: int | None
    time_zone: str
    location_kind: str | None
    host_id: UUID | None
    hold_id: UUID | None
    remind_by_email: bool
    remind_by_sms: bool


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who takes part."""

    attendee: PersonRef
    guests: list[PersonRef]


class BookingError(Exception):
    """A rule that a command would break; `code` is told to the client."""

    code = "conflict"


class WrongStatusError(BookingError):
    """The booking's status does not allow the turn."""


class NoticePassedError(BookingError):
    """Too late for an attendee to cancel."""

    code = "too_late"


class Booking(Aggregate):
    """One appointment, from the wish to its end."""

    TOPIC = "booking.Booking"

    class Event(Aggregate.Event):
        """Every turn says by whom it was taken and what it follows from."""

        tenant: str
        actor: Actor
        correlation_id: str
        causation_id: str | None
        traceparent: str | None

    class Created(Event, Aggregate.Created):
        TOPIC = "booking.Booking.Created"

    class Requested(Created):
        TOPIC = "booking.Booking.Requested"

        number: str
        wish: Wish
        attendance: Attendance

    class Confirmed(Event):
        TOPIC = "booking.Booking.Confirmed"

        number: str
        time_zone: str
        attendance: Attendance
        remind_by_email: bool
        remind_by_sms: bool
        terms: Terms
        sequence: int

        def apply(self, aggregate: "Booking") -> None:
            aggregate.status = "confirmed"
            aggregate.terms = self.terms
            aggregate.sequence = self.sequence

    class MarkedUnavailable(Event):
        TOPIC = "booking.Booking.MarkedUnavailable"

        reason: str
        field: str | None
        alternatives: list[Alternative]

        def apply(self, aggregate: "Booking") -> None:
            aggregate.status = "unavailable"
            aggregate.rejection_reason = self.reason
            aggregate.rejection_field = self.field
            aggregate.alternatives = self.alternatives

    class MeetingAttached(Event):
        TOPIC = "booking.Booking.MeetingAttached"

        meeting_id: UUID
        provider: str

        def apply(self, aggregate: "Booking") -> None:
            aggregate.meeting_id = self.meeting_id
            aggregate.meeting_provider = self.provider

    class Cancelled(Event):
        TOPIC = "booking.Booking.Cancelled"

        number: str
        time_zone: str
        attendance: Attendance
        terms: Terms | None
        sequence: int

        def apply(self, aggregate: "Booking") -> None:
            aggregate.status = "cancelled"
            aggregate.sequence = self.sequence

    def __init__(
        self,
        *,
        tenant: str,
        number: str,
        wish: Wish,
        attendance: Attendance,
        **_: Any,
    ) -> None:
        self.tenant = tenant
        self.number = number
        self.wish = wish
        self.attendance = attendance
        self.status = "requested"
        self.terms: Terms | None = None
        self.meeting_id: UUID | None = None
        self.meeting_provider: str | None = None
        self.rejection_reason: str | None = None
        self.rejection_field: str | None = None
        self.alternatives: list[Alternative] = []
        self.sequence = 0
        self.link_epoch = 0

    @classmethod
    def request(
        cls, booking_id: UUID, tenant: str, wish: Wish, attendance: Attendance, because: Because
    ) -> "Booking":
        """A booking that is asked for; nothing is claimed yet."""
        return cls._create(
            cls.Requested,
            id=booking_id,
            number=number_of(booking_id),
            wish=wish,
            attendance=attendance,
            **_why(tenant, because),
        )

    def confirm(self, terms: Terms, because: Because) -> None:
        """The slot is theirs. A booking that was ended meanwhile stays ended."""
        if self.status != "requested":
            return
        self._say(
            self.Confirmed,
            because,
            number=self.number,
            time_zone=self.wish.time_zone,
            attendance=self.attendance,
            remind_by_email=self.wish.remind_by_email,
            remind_by_sms=self.wish.remind_by_sms,
            terms=terms,
            sequence=0,
        )

    def mark_unavailable(
        self, reason: str, field: str | None, alternatives: list[Alternative], because: Because
    ) -> None:
        """The slot could not be had; the booking ends here."""
        if self.status == "requested":
            self._say(
                self.MarkedUnavailable,
                because,
                reason=reason,
                field=field,
                alternatives=alternatives,
            )

    def attach_meeting(self, meeting_id: UUID, provider: str, because: Because) -> None:
        """The booking has its meeting, unless it was ended meanwhile or has it already."""
        if self.status != "confirmed" or self.meeting_id == meeting_id:
            return
        self._say(self.MeetingAttached, because, meeting_id=meeting_id, provider=provider)

    def cancel(self, because: Because) -> None:
        """Calls the booking off; the invite's SEQUENCE rises so that calendars take it out.

        Raises `WrongStatusError` where it has ended, `NoticePassedError` where an attendee comes
        after the notice that the terms ask for, or after the start.
        """
        if self.status in ENDED:
            raise WrongStatusError(f"This booking is {self.status.replace('_', ' ')} already.")
        if because.actor.kind == "attendee":
            self._check_notice(because.at)
        self._say(
            self.Cancelled,
            because,
            number=self.number,
            time_zone=self.wish.time_zone,
            attendance=self.attendance,
            terms=self.terms,
            sequence=self.sequence + 1,
        )

    def _check_notice(self, now: datetime) -> None:
        if self.terms is None:
            return
        notice = timedelta(minutes=self.terms.cancellation_notice_minutes)
        if now >= self.terms.start:
            raise NoticePassedError("The appointment has begun; it can no longer be cancelled.")
        if now > self.terms.start - notice:
            raise NoticePassedError(
                f"This appointment can be cancelled until "
                f"{self.terms.cancellation_notice_minutes} minutes before it starts."
            )

    def _say(self, event: type[Event], because: Because, **what: Any) -> None:
        self.trigger_event(event, **what, **_why(self.tenant, because))


def number_of(booking_id: UUID) -> str:
    """A booking's number for people: 10 letters out of the random part of its id."""
    bits = booking_id.int & ((1 << 50) - 1)
    letters = [NUMBER_LETTERS[(bits >> shift) & 31] for shift in range(45, -1, -5)]
    return "".join(letters[:5]) + "-" + "".join(letters[5:])


def _why(tenant: str, because: Because) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "actor": because.actor,
        "correlation_id": because.correlation_id,
        "causation_id": because.causation_id,
        "traceparent": because.traceparent,
        "timestamp": because.at,
    }

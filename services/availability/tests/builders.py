"""Hosts, appointment types, calendars and the events of booking, with sensible defaults."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from availability.domain.catalogue import AppointmentType, Host, Location
from availability.domain.reservations import Wish
from availability.domain.schedules import Week, WeeklyInterval, week_of
from availability.domain.slots import Calendar, SlotRules
from contracts import availability as contracts
from contracts.booking import Attendance, BookingCancelled, BookingRequested, ReminderChoice
from contracts.envelope import Actor, Event, PersonRef
from service_kit.messages import Envelope, Position

TENANT = "demo"
MONDAY = datetime(2027, 3, 15, tzinfo=UTC)
"""A Monday in winter time, two weeks before Europe's clocks change."""

NOW = MONDAY - timedelta(days=3)


def host_id(number: int) -> UUID:
    """Ids that sort by their number."""
    return UUID(int=number)


def at(moment: str) -> int:
    """Unix seconds of an ISO 8601 time with an offset."""
    parsed = datetime.fromisoformat(moment)
    assert parsed.tzinfo is not None
    return int(parsed.timestamp())


def hours(spoken: str, weekdays: Sequence[int] = range(1, 8)) -> tuple[WeeklyInterval, ...]:
    """The hours that `09:00-12:00 13:00-17:00` says, on each of these weekdays."""
    found: list[WeeklyInterval] = []
    for part in spoken.split():
        start, until = (time.fromisoformat(end) for end in part.split("-"))
        found += [WeeklyInterval.between(day, start, until, field="hours") for day in weekdays]
    return tuple(sorted(found))


def a_week(spoken: str, weekdays: Sequence[int] = range(1, 8)) -> Week:
    return week_of(hours(spoken, weekdays))


def a_calendar(
    spoken: str = "09:00-17:00",
    *,
    number: int = 1,
    zone: str = "UTC",
    taken: Sequence[tuple[str, str]] = (),
) -> Calendar:
    begins, ends = [at(begin) for begin, _ in taken], [at(end) for _, end in taken]
    return Calendar(host_id(number), number, zone, a_week(spoken), begins, ends)


def rules(minutes: int, every: int | None = None, before: int = 0, after: int = 0) -> SlotRules:
    return SlotRules(minutes * 60, (every or minutes) * 60, before * 60, after * 60)


def a_host(number: int = 1, **changes: Any) -> Host:
    host = Host(
        id=host_id(number),
        name=f"Host {number}",
        email=f"host-{number}@example.org",
        time_zone="Europe/Berlin",
        active=True,
        schedule=hours("09:00-17:00", range(1, 6)),
    )
    return replace(host, **changes)


def an_appointment_type(slug: str = "consultation", **changes: Any) -> AppointmentType:
    offered = AppointmentType(
        slug=slug,
        title="Consultation",
        description="",
        durations_minutes=(30, 60),
        default_duration_minutes=30,
        locations=(Location("video", video_provider="jitsi"), Location("phone", caller="host")),
        hosts=(host_id(1),),
        price=None,
        approval=False,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        notice_minutes=0,
        window_days=60,
        slot_interval_minutes=None,
        cancellation_notice_minutes=0,
        reminders_minutes=(1440, 60),
        hours=None,
        active=True,
    )
    return replace(offered, **changes)


def a_wish(start: str, **changes: Any) -> Wish:
    wish = Wish(
        tenant=TENANT,
        booking_id=uuid4(),
        appointment_type="consultation",
        start=datetime.fromisoformat(start),
        duration_minutes=None,
        location_kind=None,
        host_id=None,
        asked_at=NOW,
    )
    return replace(wish, **changes)


def booking_requested(start: str, **changes: Any) -> BookingRequested:
    event = BookingRequested(
        tenant=TENANT,
        booking_id=uuid4(),
        version=1,
        number="RV-1",
        appointment_type="consultation",
        start=datetime.fromisoformat(start),
        duration_minutes=None,
        time_zone="Europe/London",
        location_kind=None,
        host_id=None,
        hold_id=None,
        attendance=Attendance(attendee=PersonRef(person_id=uuid4()), guests=[]),
        reminders=ReminderChoice(),
    )
    return event.model_copy(update=changes)


def booking_cancelled(requested: BookingRequested) -> BookingCancelled:
    return BookingCancelled(
        tenant=requested.tenant,
        booking_id=requested.booking_id,
        version=3,
        number=requested.number,
        actor=Actor(kind="attendee"),
        time_zone=requested.time_zone,
        attendance=requested.attendance,
        terms=None,
        sequence=1,
    )


def envelope_of(event: Event, at: datetime = NOW) -> Envelope:
    return Envelope(
        id=uuid7(),
        source="/rendezvous/booking",
        type=event.ce_type(),
        subject=event.subject,
        tenant=event.tenant,
        entity_id=event.entity_id,
        time=at,
        position=Position(1),
        correlation_id="a-flow",
    )


def host_details(number: int = 1, **changes: Any) -> contracts.HostDetails:
    details = contracts.HostDetails(
        id=host_id(number),
        name=f"Host {number}",
        email=f"host-{number}@example.org",
        time_zone="Europe/Berlin",
    )
    return details.model_copy(update=changes)


def weekdays(start: str = "09:00", until: str = "17:00") -> list[contracts.WeeklyInterval]:
    opens, closes = time.fromisoformat(start), time.fromisoformat(until)
    return [contracts.WeeklyInterval(weekday=day, start=opens, until=closes) for day in range(1, 6)]


def type_details(slug: str = "consultation", **changes: Any) -> contracts.AppointmentTypeDetails:
    details = contracts.AppointmentTypeDetails(
        slug=slug,
        title="Consultation",
        durations_minutes=[30, 60],
        default_duration_minutes=30,
        locations=[contracts.Location(kind="video", video_provider="jitsi")],
        hosts=[host_id(1)],
    )
    return details.model_copy(update=changes)

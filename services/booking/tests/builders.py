"""What the tests begin with: requests, terms, reasons."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from booking.domain import Actor, Attendance, Because, Booking, Location, PersonRef, Terms, Wish
from contracts import availability, envelope
from contracts import booking as contract

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
START = datetime(2027, 3, 22, 8, tzinfo=UTC)
HOST = UUID("0190c0de-0000-7000-8000-000000000001")


def because(kind: str = "system", at: datetime = NOW) -> Because:
    return Because(Actor(kind), at, "flow-1")


def a_wish() -> Wish:
    return Wish(
        appointment_type="video-consultation",
        start=START,
        duration_minutes=30,
        time_zone="Europe/Berlin",
        location_kind="video",
        host_id=None,
        hold_id=None,
        remind_by_email=True,
        remind_by_sms=False,
    )


def attendance() -> Attendance:
    return Attendance(PersonRef(uuid4(), 1), [])


def terms(notice_minutes: int = 0) -> Terms:
    return Terms(
        appointment_type="video-consultation",
        title="Video consultation",
        host_id=HOST,
        host_time_zone="Europe/Berlin",
        start=START,
        end=START + timedelta(minutes=30),
        duration_minutes=30,
        location=Location("video", "jitsi", None, None, None, None, None),
        price=None,
        approval=False,
        cancellation_notice_minutes=notice_minutes,
        reminders_minutes=[1440, 60],
    )


def a_requested_booking() -> Booking:
    return Booking.request(uuid4(), "demo", a_wish(), attendance(), because("attendee"))


def a_confirmed_booking(notice_minutes: int = 0) -> Booking:
    booking = a_requested_booking()
    booking.confirm(terms(notice_minutes), because())
    return booking


def a_request(key: str = "key-1", **changes: Any) -> contract.RequestBooking:
    fields: dict[str, Any] = {
        "tenant": "demo",
        "booking_id": uuid4(),
        "appointment_type": "video-consultation",
        "start": START,
        "duration_minutes": 30,
        "time_zone": "Europe/Berlin",
        "attendee": contract.PersonDetails(name="Sarah Weiß", email="sarah@example.org"),
        "guests": [],
        "location_kind": "video",
        "host_id": None,
        "hold_id": None,
        "answers": {"topic": "back pain"},
        "notes": "The second time",
        "documents": [],
        "reminders": contract.ReminderChoice(),
        "actor": envelope.Actor(kind="attendee"),
        "idempotency": contract.Idempotency(route="bookings", key=key, body_hash="a" * 64),
    }
    return contract.RequestBooking(**(fields | changes))


def a_cancellation(
    booking_id: UUID, key: str = "cancel-1", **changes: Any
) -> contract.CancelBooking:
    fields: dict[str, Any] = {
        "tenant": "demo",
        "booking_id": booking_id,
        "actor": envelope.Actor(kind="attendee"),
        "reason": "I am ill",
        "expected_version": None,
        "idempotency": contract.Idempotency(
            route=f"cancel/{booking_id}", key=key, body_hash="b" * 64
        ),
    }
    return contract.CancelBooking(**(fields | changes))


def granted(start: datetime = START) -> availability.Terms:
    return availability.Terms(
        appointment_type="video-consultation",
        title="Video consultation",
        host_id=HOST,
        host_time_zone="Europe/Berlin",
        start=start,
        end=start + timedelta(minutes=30),
        duration_minutes=30,
        location=availability.Location(kind="video", video_provider="jitsi"),
        price=None,
        approval=False,
        cancellation=availability.CancellationPolicy(),
        reminders_minutes=[1440, 60],
    )

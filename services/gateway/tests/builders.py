"""What the gateway's tests are made of: one host, one type, one booking, and changes to them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.availability import (
    AppointmentTypeDetails,
    CancellationPolicy,
    HostDetails,
    Location,
    LocationKind,
    Slot,
    Terms,
)
from contracts.booking import BookingView, Document, LinkAction, LinkGrant, Person
from contracts.envelope import Money
from gateway.api.access import Caller
from gateway.keys import ApiKey

TENANT = "demo"
OTHER_TENANT = "elsewhere"
START = datetime(2027, 3, 22, 8, tzinfo=UTC)
HOST_ID = UUID("01986f5e-5c00-7000-8000-000000000001")
BOOKING_ID = UUID("01986f5e-5c00-7000-8000-0000000000b1")
PERSON_ID = UUID("01986f5e-5c00-7000-8000-0000000000a1")
MANAGE_TOKEN = "k1.manage-token"
PUBLIC_URL = "http://gateway.test"

HOST = HostDetails(
    id=HOST_ID, name="Dr. Amira Haddad", email="amira@practice.example", time_zone="Europe/Berlin"
)


def a_slot(start: datetime = START, minutes: int = 30) -> Slot:
    return Slot(start=start, end=start + timedelta(minutes=minutes), hosts=[HOST_ID])


def a_type(**changes: Any) -> AppointmentTypeDetails:
    details: dict[str, Any] = {
        "slug": "video-consultation",
        "title": "Video consultation",
        "durations_minutes": [15, 30, 60],
        "default_duration_minutes": 30,
        "locations": [Location(kind="video", video_provider="jitsi")],
        "hosts": [HOST_ID],
        "price": Money(amount_minor=4000, currency="EUR"),
        "buffer_after_minutes": 5,
    }
    return AppointmentTypeDetails(**details | changes)


def a_location(kind: LocationKind) -> Location:
    if kind == "in_person":
        return Location(
            kind=kind,
            address="Torstraße 1, Berlin",
            directions_url="https://maps.example/torstr",
            parking_note="In the yard",
        )
    if kind == "phone":
        return Location(kind=kind, phone_number="+4930123456", caller="attendee")
    return Location(kind=kind, video_provider="jitsi")


def terms(kind: LocationKind = "video") -> Terms:
    return Terms(
        appointment_type="video-consultation",
        title="Video consultation",
        host_id=HOST_ID,
        host_time_zone="Europe/Berlin",
        start=START,
        end=START + timedelta(minutes=30),
        duration_minutes=30,
        location=a_location(kind),
        price=Money(amount_minor=4000, currency="EUR"),
        approval=False,
        cancellation=CancellationPolicy(notice_minutes=120),
        reminders_minutes=[1440, 60],
    )


def a_view(**changes: Any) -> BookingView:
    """A confirmed booking of a video consultation."""
    booking_id = changes.get("id", BOOKING_ID)
    details: dict[str, Any] = {
        "id": booking_id,
        "tenant": TENANT,
        "number": "RV-7K2M9Q",
        "status": "confirmed",
        "version": 2,
        "position": 17,
        "appointment_type": "video-consultation",
        "start": START,
        "end": START + timedelta(minutes=30),
        "duration_minutes": 30,
        "time_zone": "America/New_York",
        "host_id": HOST_ID,
        "terms": terms(),
        "attendee": Person(
            person_id=PERSON_ID,
            version=1,
            name="Ada Lovelace",
            email="ada@example.com",
            phone="+4930123456",
        ),
        "guests": [
            Person(person_id=HOST_ID, version=1, name="Charles Babbage", email="cb@example.com")
        ],
        "answers": {"reason": "Knee"},
        "notes": "Second visit",
        "documents": [Document(url="https://files.example/r.pdf", title="Referral")],
        "meeting_id": None,
        "meeting_provider": None,
        "rejection_reason": None,
        "rejection_field": None,
        "alternatives": [],
        "sequence": 0,
        "created_at": START - timedelta(days=20),
        "manage_url": f"{PUBLIC_URL}/b/{MANAGE_TOKEN}",
        "join_url": f"{PUBLIC_URL}/call/k1.attendee-call",
        "host_join_url": f"{PUBLIC_URL}/call/k1.host-call",
    }
    return BookingView(**details | changes)


def a_grant(**changes: Any) -> LinkGrant:
    """The attendee's manage link of the one booking."""
    action: LinkAction = "manage"
    details: dict[str, Any] = {
        "tenant": TENANT,
        "booking_id": BOOKING_ID,
        "action": action,
        "role": "attendee",
        "expires_at": START + timedelta(days=30),
    }
    return LinkGrant(**details | changes)


def a_request(**changes: Any) -> dict[str, Any]:
    """The body of a POST that asks for the one booking."""
    body: dict[str, Any] = {
        "appointment_type": "video-consultation",
        "start": "2027-03-22T08:00:00Z",
        "duration_minutes": 30,
        "time_zone": "America/New_York",
        "attendee": {"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+49 30 123456"},
        "guests": [],
        "location": {"kind": "video"},
        "host_id": None,
        "answers": {"reason": "Knee"},
        "notes": "Second visit",
        "documents": [],
        "hold_id": None,
        "recurrence": None,
        "reminders": {"email": True, "sms": False},
    }
    return body | changes


def by_key(*scopes: str) -> Caller:
    return Caller(key=ApiKey(id="abc", tenant=TENANT, scopes=frozenset(scopes)))

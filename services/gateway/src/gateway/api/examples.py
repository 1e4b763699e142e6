"""Examples for the OpenAPI document: one booking, followed from its slot to its history."""

from collections.abc import Mapping
from typing import Any

from gateway.api.problems import INVALID, SLOT_UNAVAILABLE, Kind

HOST_ID = "01986f5e-5c00-7000-8000-000000000001"
BOOKING_ID = "01986f5e-5c00-7000-8000-0000000000b1"
CORRELATION_ID = "01986f5e-5c00-7000-8000-0000000000c1"
TOKEN = "k1.AZhvXlwAcACAAAAAAAAAsQ"  # noqa: S105 - it opens nothing

HOST = {"id": HOST_ID, "name": "Dr. Amira Haddad", "time_zone": "Europe/Berlin"}
PRICE = {"amount_minor": 4000, "currency": "EUR"}

SLOT = {
    "start": "2027-03-22T08:00:00Z",
    "end": "2027-03-22T08:30:00Z",
    "local_start": "2027-03-22T09:00:00+01:00",
    "hosts": [HOST_ID],
    "seats_left": 1,
}

APPOINTMENT_TYPE = {
    "slug": "video-consultation",
    "title": "Video consultation",
    "description": "We talk about how you are and what to do next.",
    "durations_minutes": [15, 30, 60],
    "default_duration_minutes": 30,
    "locations": [{"kind": "video"}],
    "hosts": [HOST],
    "price": PRICE,
    "approval": False,
    "cancellation_notice_minutes": 120,
    "notice_minutes": 60,
    "window_days": 365,
}

BOOKING: dict[str, Any] = {
    "id": BOOKING_ID,
    "number": "RV-7K2M9Q",
    "status": "confirmed",
    "appointment_type": "video-consultation",
    "title": "Video consultation",
    "start": "2027-03-22T08:00:00Z",
    "end": "2027-03-22T08:30:00Z",
    "duration_minutes": 30,
    "time_zone": "Europe/Berlin",
    "host": HOST,
    "attendee": {
        "id": "01986f5e-5c00-7000-8000-0000000000a1",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "phone": None,
    },
    "guests": [],
    "location": {"kind": "video", "join_url": None},
    "price": PRICE,
    "series_id": None,
    "answers": {"reason": "Knee"},
    "notes": None,
    "documents": [],
    "version": 2,
    "manage_url": f"https://rendezvous.example/b/{TOKEN}",
    "created_at": "2027-03-01T10:15:00Z",
}

BOOKING_REQUEST: dict[str, Any] = {
    "appointment_type": "video-consultation",
    "start": "2027-03-22T08:00:00Z",
    "duration_minutes": 30,
    "time_zone": "Europe/Berlin",
    "attendee": {"name": "Ada Lovelace", "email": "ada@example.com", "phone": None},
    "guests": [],
    "location": {"kind": "video"},
    "host_id": None,
    "answers": {"reason": "Knee"},
    "notes": None,
    "documents": [],
    "hold_id": None,
    "recurrence": None,
    "reminders": {"email": True, "sms": False},
}

BY_SHAPE: Mapping[str, Any] = {
    "AppointmentType": APPOINTMENT_TYPE,
    "AppointmentTypes": {"items": [APPOINTMENT_TYPE]},
    "Slots": {
        "time_zone": "Europe/Berlin",
        "appointment_type": "video-consultation",
        "duration_minutes": 30,
        "slots": [SLOT],
    },
    "Booking": BOOKING,
    "BookingPending": {
        "id": BOOKING_ID,
        "status": "requested",
        "status_url": f"/v1/bookings/{BOOKING_ID}?token={TOKEN}",
    },
    "History": {
        "events": [
            {
                "version": 1,
                "type": "booking.requested",
                "occurred_at": "2027-03-01T10:15:00Z",
                "actor": {"kind": "attendee", "id": None},
                "correlation_id": CORRELATION_ID,
                "data": {"appointment_type": "video-consultation"},
            }
        ]
    },
    "Feed": {"url": f"https://rendezvous.example/feeds/{TOKEN}.ics"},
}
"""An example answer by the name of its shape."""


def problem(kind: Kind) -> dict[str, Any]:
    """An example of a problem."""
    example: dict[str, Any] = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.meaning,
        "instance": f"urn:correlation:{CORRELATION_ID}",
        "correlation_id": CORRELATION_ID,
    }
    if kind is INVALID:
        message = "must be an e-mail address such as ada@example.com"
        example["detail"] = f"attendee.email: {message}"
        example["errors"] = [{"field": "attendee.email", "message": message}]
    if kind is SLOT_UNAVAILABLE:
        example["alternatives"] = [SLOT]
    return example

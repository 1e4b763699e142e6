"""Bookings and slots as the API shows them, and to whom it shows what.

Personal data (names, addresses, answers, notes, documents) are for the booking's own link and for
keys with `people:read`. Links are capabilities, so a key that may not cancel is not given them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.availability import HostDetails, Slot
from contracts.booking import BookingListItem, BookingView, History, Person
from gateway.api.access import Caller


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see of a booking.

    `links` are its manage and join links; `inside` is a key's view, of both sides' links and of
    who did what.
    """

    personal: bool = False
    links: bool = False
    inside: bool = False
    as_host: bool = False


ATTENDEE = Sight(personal=True, links=True)
"""The sight of whoever made the booking."""


def sight_of(caller: Caller) -> Sight:
    """What a caller may see of a booking that they may read."""
    if caller.link is not None:
        return Sight(personal=True, links=True, as_host=caller.link.role == "host")
    return Sight(
        personal=caller.may("people:read"),
        links=caller.may("bookings:write"),
        inside=caller.key is not None,
    )


def booking_json(view: BookingView, host: HostDetails | None, sight: Sight) -> dict[str, Any]:
    """One booking, as far as it may be seen."""
    personal = sight.personal
    return {
        "id": view.id,
        "number": view.number,
        "status": view.status,
        "appointment_type": view.appointment_type,
        "title": view.terms.title if view.terms else None,
        "start": view.start,
        "end": view.end,
        "duration_minutes": view.duration_minutes,
        "time_zone": view.time_zone,
        "host": _host(view, host),
        "attendee": _person(view.attendee) if personal else None,
        "guests": [_person(guest) for guest in view.guests] if personal else [],
        "location": _location(view, sight),
        "price": view.terms.price.model_dump() if view.terms and view.terms.price else None,
        "series_id": None,
        "answers": view.answers if personal else {},
        "notes": view.notes if personal else None,
        "documents": [d.model_dump() for d in view.documents] if personal else [],
        "version": view.version,
        "manage_url": view.manage_url if sight.links else None,
        "created_at": view.created_at,
    }


def booking_line(item: BookingListItem, host: HostDetails | None, sight: Sight) -> dict[str, Any]:
    """One line of the list."""
    return {
        "id": item.id,
        "number": item.number,
        "status": item.status,
        "appointment_type": item.appointment_type,
        "title": item.title,
        "start": item.start,
        "end": item.end,
        "time_zone": item.time_zone,
        "host": None
        if item.host_id is None
        else {
            "id": item.host_id,
            "name": host.name if host else None,
            "time_zone": host.time_zone if host else None,
        },
        "location": None if item.location_kind is None else {"kind": item.location_kind},
        "attendee": _person(item.attendee) if sight.personal else None,
        "version": item.version,
        "created_at": item.created_at,
    }


def history_json(history: History, sight: Sight) -> dict[str, Any]:
    """The audit trail; who holds a link learns what kind of actor it was, not which."""
    return {
        "events": [
            {
                "version": entry.version,
                "type": entry.type,
                "occurred_at": entry.occurred_at,
                "actor": None
                if entry.actor is None
                else {"kind": entry.actor.kind, "id": entry.actor.id if sight.inside else None},
                "correlation_id": entry.correlation_id if sight.inside else None,
                "data": entry.data,
            }
            for entry in history.events
        ]
    }


def slot_json(slot: Slot, zone: ZoneInfo) -> dict[str, Any]:
    """One slot, with its start on the clock of the asker's zone."""
    return {
        "start": slot.start,
        "end": slot.end,
        "local_start": slot.start.astimezone(zone),
        "hosts": slot.hosts,
        "seats_left": slot.seats_left,
    }


def slot_row(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """As `slot_json`, for a slot that is still as it came over the wire."""
    return {
        "start": row["start"],
        "end": row["end"],
        "local_start": datetime.fromisoformat(row["start"]).astimezone(zone),
        "hosts": row["hosts"],
        "seats_left": row.get("seats_left", 1),
    }


def _host(view: BookingView, host: HostDetails | None) -> dict[str, Any] | None:
    host_id = view.terms.host_id if view.terms else view.host_id
    if host_id is None:
        return None
    zone = view.terms.host_time_zone if view.terms else None
    return {
        "id": host_id,
        "name": host.name if host else None,
        "time_zone": zone or (host.time_zone if host else None),
    }


def _location(view: BookingView, sight: Sight) -> dict[str, Any] | None:
    if view.terms is None:
        return None
    location = view.terms.location.model_dump(exclude_none=True, exclude={"video_provider"})
    if location["kind"] != "video":
        return location
    mine = view.host_join_url if sight.as_host else view.join_url
    location["join_url"] = mine if sight.links else None
    if sight.inside and sight.links:
        location["host_join_url"] = view.host_join_url
    return location


def _person(person: Person | None) -> dict[str, Any] | None:
    if person is None:
        return None
    return {
        "id": person.person_id,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
    }

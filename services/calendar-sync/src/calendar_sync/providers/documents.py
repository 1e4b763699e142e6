"""iCalendar documents (RFC 5545): a booking in its host's calendar, and a host's feed.

Neither names an organizer or an attendee by property. A CalDAV server that schedules by itself
(RFC 6638) would otherwise invite the attendee a second time; invitations are sent by notify.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from urllib.parse import urljoin
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Calendar, Event, Timezone
from icalendar.prop import vDuration, vUri

from calendar_sync.domain import Appointment, Details, Person, Place, uid

PRODUCT = "-//Rendezvous//Calendars//EN"
REFRESH = timedelta(minutes=15)
LONGEST_LINE = 500


@dataclass(frozen=True, slots=True)
class Document:
    """A text/calendar document, the same bytes for the same content."""

    text: str

    @property
    def etag(self) -> str:
        """An HTTP entity tag, in quotes."""
        return f'"{sha256(self.text.encode()).hexdigest()[:32]}"'


def entry(
    appointment: Appointment, attendee: Person | None, join_url: str | None, public_url: str
) -> Document:
    """A booking as it stands in its host's calendar. `join_url` is the host's own, or nothing."""
    event = _event(appointment, attendee, public_url)
    link = urljoin(f"{public_url}/", join_url) if join_url else None
    event.add("description", _description(appointment.details, attendee, link))
    if link:
        event.add("url", vUri(link))
    return _document(_calendar(), [appointment], [event])


def feed(
    name: str, appointments: Sequence[Appointment], people: Mapping[UUID, Person], public_url: str
) -> Document:
    """A host's appointments, to be subscribed to; attendees not in `people` stay unnamed."""
    calendar = _calendar()
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    events = [
        _event(appointment, people.get(appointment.details.attendee_id), public_url)
        for appointment in appointments
    ]
    return _document(calendar, appointments, events)


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    return calendar


def _event(appointment: Appointment, attendee: Person | None, public_url: str) -> Event:
    details, zone = appointment.details, _zone(appointment.details.host_time_zone)
    event = Event()
    event.add("uid", uid(appointment.booking_id, public_url))
    # The last change rather than now: the same booking gives the same bytes.
    event.add("dtstamp", appointment.changed_at)
    event.add("sequence", appointment.sequence)
    event.add("dtstart", details.starts_at.astimezone(zone))
    event.add("dtend", details.ends_at.astimezone(zone))
    names = [details.title, attendee.name if attendee else ""]
    event.add("summary", ": ".join(_line(name) for name in names if name))
    if where := _location(details.place, attendee):
        event.add("location", _line(where))
    event.add("status", "CONFIRMED")
    event.add("transp", "OPAQUE")
    return event


def _location(place: Place, attendee: Person | None) -> str:
    if place.kind == "in_person":
        return place.address or ""
    if place.kind == "phone" and place.caller == "host":
        return (attendee.phone if attendee else None) or "Phone"
    if place.kind == "phone":
        return place.phone_number or "Phone"
    return "Video call"


def _description(details: Details, attendee: Person | None, link: str | None) -> str:
    # The link stands here as well, since many calendars show no URL property.
    lines = [f"Booking {details.number}", f"Join: {link}" if link else ""]
    if attendee:
        lines += [attendee.name, attendee.email or "", attendee.phone or ""]
    lines += [details.place.directions_url or "", details.place.parking_note or ""]
    return "\n".join(_line(line) for line in lines if line)


def _line(text: str) -> str:
    """Somebody's text on one line, without control characters, which iCalendar forbids."""
    plain = "".join(" " if unicodedata.category(mark) == "Cc" else mark for mark in text)
    return " ".join(plain.split())[:LONGEST_LINE]


def _document(
    calendar: Calendar, appointments: Sequence[Appointment], events: Sequence[Event]
) -> Document:
    for zone, years in sorted(_years(appointments).items()):
        calendar.add_component(_timezone(zone, min(years), max(years)))
    for event in events:
        calendar.add_component(event)
    return Document(calendar.to_ical().decode())


def _years(appointments: Sequence[Appointment]) -> dict[str, set[int]]:
    """The years that each zone has to be described for; UTC needs no description."""
    years: dict[str, set[int]] = {}
    for appointment in appointments:
        zone = _zone(appointment.details.host_time_zone).key
        if zone != "UTC":
            years.setdefault(zone, set()).add(appointment.details.starts_at.year)
    return years


@lru_cache(maxsize=256)
def _timezone(zone: str, first_year: int, last_year: int) -> Timezone:
    return Timezone.from_tzid(
        zone, first_date=date(first_year - 1, 1, 1), last_date=date(last_year + 2, 1, 1)
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        # A zone that this machine does not know: the instant is right all the same.
        return ZoneInfo("UTC")

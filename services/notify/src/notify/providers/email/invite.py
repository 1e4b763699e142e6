"""The iCalendar object of a letter (RFC 5545), as a scheduling message (RFC 5546, iMIP RFC 6047).

Built with the icalendar library alone, which escapes and folds; never by string. The organizer is
our own sending address under the host's name, so that no calendar takes us for somebody else.
"""

from datetime import timedelta
from typing import Final, Literal

from icalendar import Calendar, Event, vCalAddress, vUri

from notify.domain.letters import Host, Letter, Person
from notify.providers.email import times
from notify.providers.email.plain import one_line, web_url
from notify.providers.email.wording import Content

Method = Literal["REQUEST", "CANCEL"]

_PRODUCT: Final = "-//Rendezvous//Appointments//EN"
_YEAR: Final = timedelta(days=366)


def method_of(letter: Letter) -> Method:
    """What the recipient's calendar is asked to do."""
    return "CANCEL" if letter.notification.kind == "cancellation" else "REQUEST"


def invite(letter: Letter, content: Content, organizer: str, uid_host: str) -> bytes:
    """The calendar with its one event; `organizer` is our address, `uid_host` ends the UID."""
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method_of(letter))
    calendar.add_component(_event(letter, content, organizer, uid_host))
    terms = letter.appointment.terms
    calendar.add_missing_timezones(
        first_date=(terms.starts_at - _YEAR).date(), last_date=(terms.ends_at + _YEAR).date()
    )
    return calendar.to_ical()


def _event(letter: Letter, content: Content, organizer: str, uid_host: str) -> Event:
    appointment, terms = letter.appointment, letter.appointment.terms
    local = times.zone(appointment.time_zone)
    other = letter.attendee_name if letter.for_host else letter.host.name
    cancelled = method_of(letter) == "CANCEL"
    event = Event()
    event.add("uid", f"{appointment.booking_id}@{uid_host}")
    event.add("sequence", letter.notification.sequence)
    event.add("dtstamp", letter.at)
    event.add("dtstart", terms.starts_at.astimezone(local))
    event.add("dtend", terms.ends_at.astimezone(local))
    event.add("summary", f"{one_line(terms.title, 100)} with {one_line(other, 100)}")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("organizer", _organizer(letter.host, organizer))
    for person in _people(letter):
        event.add("attendee", person)
    if not cancelled:
        _add_place(event, letter)
        event.add("description", _description(content))
    return event


def _add_place(event: Event, letter: Letter) -> None:
    place = letter.appointment.terms.place
    if place.kind == "in_person":
        url = web_url(place.directions_url)
        where = one_line(place.address or "", 500)
    elif place.kind == "phone":
        url = None
        where = one_line(f"Phone {place.phone_number}" if place.phone_number else "Phone", 100)
    else:
        url = web_url(letter.join_url)
        where = url or "Video call"
    if where:
        event.add("location", where)
    if url:
        event.add("url", vUri(url))


def _description(content: Content) -> str:
    told: list[str] = [content.intro]
    for section in content.sections:
        told += ["", section.label]
        for line in section.lines:
            told.append(line.text)
            if line.url and not line.url.startswith("tel:"):
                told.append(line.url)
    return "\n".join([*told, "", content.footer])


def _organizer(host: Host, address: str) -> vCalAddress:
    organizer = vCalAddress(f"mailto:{address}")
    organizer.params["CN"] = one_line(host.name, 100)
    return organizer


def _people(letter: Letter) -> list[vCalAddress]:
    """Everybody invited. The host's address is told to the host alone.

    Answers to invites are not read (people cancel by their link), so none is asked for.
    """
    briefing = letter.briefing
    people = [_attendee(guest, "OPT-PARTICIPANT", "NEEDS-ACTION") for guest in briefing.guests]
    if briefing.attendee:
        people.insert(0, _attendee(briefing.attendee, "REQ-PARTICIPANT", "ACCEPTED"))
    if letter.for_host:
        people.append(_attendee(letter.host, "CHAIR", "ACCEPTED"))
    return people


def _attendee(person: Person | Host, role: str, status: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{one_line(person.email)}")
    address.params["CN"] = one_line(person.name, 100)
    address.params["CUTYPE"] = "INDIVIDUAL"
    address.params["ROLE"] = role
    address.params["PARTSTAT"] = status
    address.params["RSVP"] = "FALSE"
    return address

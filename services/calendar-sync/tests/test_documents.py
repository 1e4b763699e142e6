"""What stands in a host's calendar and feed, as any calendar program reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from calendar_sync.domain import Appointment, Details, Person, Place
from calendar_sync.providers import documents
from calendar_sync.providers.documents import Document

BOOKING = UUID("0198bbbb-0000-7000-8000-000000000002")
SARAH = Person("Sarah Miller", "sarah@example.com", "+4930123456")
START = datetime(2027, 3, 22, 8, tzinfo=UTC)
PUBLIC_URL = "https://book.example:8443"


def an_appointment(**changes: Any) -> Appointment:
    details: dict[str, Any] = {
        "number": "RV-7Q2M",
        "title": "Video consultation",
        "host_id": UUID(int=1),
        "host_time_zone": "Europe/Berlin",
        "attendee_id": UUID(int=2),
        "starts_at": START,
        "ends_at": START + timedelta(minutes=30),
        "place": Place("video"),
    }
    return Appointment(
        tenant="demo",
        booking_id=BOOKING,
        revision=3,
        sequence=1,
        changed_at=datetime(2027, 3, 1, 9, tzinfo=UTC),
        details=Details(**(details | changes)),
    )


def an_entry(
    attendee: Person | None = SARAH, join_url: str | None = "/call/token", **changes: Any
) -> Document:
    return documents.entry(an_appointment(**changes), attendee, join_url, PUBLIC_URL)


def event(document: Document) -> Any:
    calendar = Calendar.from_ical(document.text)
    (found,) = calendar.walk("VEVENT")
    assert not calendar.errors
    assert not found.errors
    return found


def test_an_entry_says_what_when_where_and_with_whom():
    found = event(an_entry())

    assert {name: str(found[name]) for name in ("UID", "SUMMARY", "URL", "STATUS", "TRANSP")} == {
        "UID": f"{BOOKING}@book.example",
        "SUMMARY": "Video consultation: Sarah Miller",
        "URL": "https://book.example:8443/call/token",
        "STATUS": "CONFIRMED",
        "TRANSP": "OPAQUE",
    }
    assert found["SEQUENCE"] == 1
    assert "sarah@example.com" in found["DESCRIPTION"]
    assert "https://book.example:8443/call/token" in found["DESCRIPTION"]


def test_an_entry_is_at_the_hosts_wall_clock_time_with_its_zone_described():
    document = an_entry(starts_at=datetime(2027, 7, 1, 7, tzinfo=UTC))
    (zone,) = Calendar.from_ical(document.text).walk("VTIMEZONE")

    assert "DTSTART;TZID=Europe/Berlin:20270701T090000" in document.text
    assert zone["TZID"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("instant", "wall_clock"),
    [
        (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), "20270328T013000"),
        (datetime(2027, 3, 28, 1, 0, tzinfo=UTC), "20270328T030000"),
        (datetime(2027, 10, 31, 2, 0, tzinfo=UTC), "20271031T030000"),
    ],
)
def test_around_the_change_of_the_clocks_the_wall_clock_time_is_right(
    instant: datetime, wall_clock: str
):
    found = event(an_entry(starts_at=instant, ends_at=instant + timedelta(minutes=30)))

    assert found["DTSTART"].to_ical().decode() == wall_clock
    assert found["DTSTART"].dt.astimezone(UTC) == instant


def test_a_host_in_utc_needs_no_zone():
    text = an_entry(host_time_zone="UTC").text

    assert "DTSTART:20270322T080000Z" in text
    assert "VTIMEZONE" not in text


def test_an_unknown_zone_does_not_change_the_instant():
    assert "DTSTART:20270322T080000Z" in an_entry(host_time_zone="Mars/Olympus").text


def test_no_server_finds_anybody_to_invite_in_an_entry():
    text = an_entry().text

    assert not any(word in text for word in ("ATTENDEE", "ORGANIZER", "METHOD"))


def test_the_same_booking_gives_the_same_bytes():
    assert an_entry() == an_entry()


@pytest.mark.parametrize(
    ("place", "location"),
    [
        (Place("video"), "Video call"),
        (Place("in_person", address="1 Main St, Springfield"), "1 Main St, Springfield"),
        (Place("phone", phone_number="+4989000", caller="attendee"), "+4989000"),
        (Place("phone", caller="host"), "+4930123456"),
    ],
)
def test_an_entry_says_where(place: Place, location: str):
    assert event(an_entry(place=place))["LOCATION"] == location


def test_an_attendee_who_was_erased_leaves_the_title():
    assert event(an_entry(attendee=None))["SUMMARY"] == "Video consultation"


@pytest.mark.parametrize(
    "hostile",
    [
        "Eve\r\nATTENDEE:mailto:victim@example.com",
        "Eve\nEND:VEVENT\nBEGIN:VALARM\nACTION:PROCEDURE",
        "Eve\\nX-EVIL:1",
        'Eve";VALUE=URI:http://evil.example',
        "Eve\x00\x0b\x1b[31m",
        "Eve\u0085\u2028BEGIN:VEVENT",
        "E" * 10_000,
    ],
)
def test_hostile_text_stays_text(hostile: str):
    document = an_entry(attendee=Person(hostile, hostile, hostile), title=hostile)
    found = event(document)

    assert sorted(found.keys()) == sorted(event(an_entry()).keys())
    assert not found.subcomponents
    assert all(len(line.encode()) <= 75 for line in document.text.split("\r\n"))


@given(st.text(max_size=200))
def test_any_name_comes_out_on_one_line_and_readable(name: str):
    found = event(an_entry(attendee=Person(name), title="Call"))

    assert str(found["SUMMARY"]).startswith("Call")
    assert "\n" not in found["SUMMARY"]


def test_a_feed_can_be_subscribed_to():
    feed = documents.feed("Appointments", [an_appointment()], {UUID(int=2): SARAH}, PUBLIC_URL)
    calendar = Calendar.from_ical(feed.text)

    assert calendar["X-WR-CALNAME"] == "Appointments"
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M" in feed.text
    assert "X-PUBLISHED-TTL:PT15M" in feed.text
    assert "METHOD" not in calendar
    assert event(feed)["SUMMARY"] == "Video consultation: Sarah Miller"


def test_a_feeds_tag_changes_with_its_content_and_only_then():
    people = {UUID(int=2): SARAH}
    first = documents.feed("A", [an_appointment()], people, PUBLIC_URL)
    same = documents.feed("A", [an_appointment()], people, PUBLIC_URL)
    other = documents.feed("A", [], people, PUBLIC_URL)

    assert first.etag == same.etag != other.etag
    assert first.etag.startswith('"')


def test_an_empty_feed_is_a_calendar_all_the_same():
    assert not Calendar.from_ical(documents.feed("A", [], {}, PUBLIC_URL).text).walk("VEVENT")

"""The iCalendar objects, read back by the library and by the letter of RFC 5545."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from recurring_ical_events import of as occurrences_of

from notify.domain.appointments import Place, Role
from notify.domain.letters import Letter
from notify.domain.notifications import Kind
from notify.providers.email.invite import invite
from notify.providers.email.wording import content

from .builders import (
    CONFIRMED_AT,
    GUEST,
    HOST,
    HOST_JOIN,
    JOIN,
    OFFICE,
    SARAH,
    START,
    a_letter,
    an_appointment,
    with_terms,
)


def raw(letter: Letter) -> bytes:
    return invite(letter, content(letter), "appointments@book.example", "book.example")


def calendar(letter: Letter) -> Calendar:
    return Calendar.from_ical(raw(letter))


def event(letter: Letter) -> Any:
    [found] = calendar(letter).events
    return found


def people(letter: Letter) -> dict[str, Any]:
    return {str(each): dict(each.params) for each in event(letter)["attendee"]}


def test_an_invite_asks_for_a_place_in_the_calendar():
    found = calendar(a_letter())

    assert found["method"] == "REQUEST"
    assert found["version"] == "2.0"
    assert found["prodid"] == "-//Rendezvous//Appointments//EN"
    assert event(a_letter())["status"] == "CONFIRMED"


def test_a_cancellation_names_the_same_event_with_a_higher_sequence():
    request, cancel = event(a_letter()), event(a_letter(kind="cancellation", sequence=1))

    assert calendar(a_letter(kind="cancellation"))["method"] == "CANCEL"
    assert cancel["status"] == "CANCELLED"
    assert cancel["uid"] == request["uid"] == "00000000-0000-0000-0000-000000000005@book.example"
    assert (request["sequence"], cancel["sequence"]) == (0, 1)
    assert set(people(a_letter(kind="cancellation"))) == set(people(a_letter()))


@pytest.mark.parametrize(("kind", "role"), [("confirmation", "host"), ("update", "attendee")])
def test_everybody_has_the_event_under_one_uid(kind: Kind, role: Role):
    assert event(a_letter(role, kind))["uid"] == event(a_letter())["uid"]


def test_times_are_in_the_zone_of_the_booking():
    found = event(a_letter())

    assert found["dtstart"].dt == START.astimezone(ZoneInfo("Europe/Berlin"))
    assert found["dtstart"].params["TZID"] == "Europe/Berlin"
    assert found["dtend"].dt - found["dtstart"].dt == timedelta(minutes=30)
    assert found["dtstamp"].dt == CONFIRMED_AT


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Europe/Berlin", datetime(2027, 3, 28, 8, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 11, 7, 5, 30, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 11, 7, 6, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, 15, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2027, 7, 1, 8, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2028, 2, 29, 8, tzinfo=UTC)),
        ("UTC", datetime(2027, 1, 1, 0, tzinfo=UTC)),
    ],
)
def test_the_instant_is_the_same_whatever_the_zone(zone: str, start: datetime):
    appointment = with_terms(
        an_appointment(time_zone=zone), starts_at=start, ends_at=start + timedelta(minutes=30)
    )
    found = event(a_letter(appointment=appointment))["dtstart"].dt
    local = start.astimezone(ZoneInfo(zone))

    assert found.replace(tzinfo=None) == local.replace(tzinfo=None)
    assert found.replace(fold=local.fold).utcoffset() == local.utcoffset()


def test_the_zone_comes_along_and_covers_the_day():
    [zone] = calendar(a_letter()).timezones

    assert zone.tz_name == "Europe/Berlin"
    assert zone.to_tz().utcoffset(datetime(2027, 3, 22, 9)) == timedelta(hours=1)  # noqa: DTZ001
    assert zone.to_tz().utcoffset(datetime(2027, 6, 22, 9)) == timedelta(hours=2)  # noqa: DTZ001


def test_a_zone_that_nobody_knows_falls_back_to_utc():
    found = event(a_letter(appointment=an_appointment(time_zone="Mars/Olympus_Mons")))

    assert found["dtstart"].dt == START


def test_a_reader_of_calendars_finds_one_occurrence():
    found = occurrences_of(calendar(a_letter())).at(date(2027, 3, 22))

    assert [str(each["summary"]) for each in found] == ["Consultation with Dr. Amira Hassan"]


def test_the_organizer_is_our_address_under_the_hosts_name():
    organizer = event(a_letter())["organizer"]

    assert str(organizer) == "mailto:appointments@book.example"
    assert organizer.params["CN"] == HOST.name


def test_people_are_invited_by_name_and_role():
    found = people(a_letter())

    assert found[f"mailto:{SARAH.email}"] == {
        "CN": "Sarah Weiß",
        "CUTYPE": "INDIVIDUAL",
        "ROLE": "REQ-PARTICIPANT",
        "PARTSTAT": "ACCEPTED",
        "RSVP": "FALSE",
    }
    assert found[f"mailto:{GUEST.email}"]["PARTSTAT"] == "NEEDS-ACTION"


def test_the_address_of_the_host_is_told_to_the_host_alone():
    assert f"mailto:{HOST.email}" in people(a_letter("host"))
    assert HOST.email.encode() not in raw(a_letter()) + raw(a_letter("guest"))


@pytest.mark.parametrize(("role", "link"), [("attendee", JOIN), ("host", HOST_JOIN)])
def test_a_video_call_is_where_its_link_leads(role: Role, link: str):
    found = event(a_letter(role))

    assert (found["location"], found["url"]) == (link, link)
    assert link in found["description"]


def test_a_video_call_without_a_link_names_no_url():
    found = event(a_letter(appointment=an_appointment(), join_url=None))

    assert found["location"] == "Video call"
    assert "url" not in found


def test_an_office_is_where_its_address_says():
    found = event(a_letter(appointment=an_appointment(OFFICE)))

    assert found["location"] == "Hauptstraße 1 10115 Berlin"
    assert found["url"] == "https://maps.example/hauptstrasse-1"


def test_a_phone_call_is_on_its_number():
    found = event(a_letter(appointment=an_appointment(Place("phone", phone_number="+49 30 5"))))

    assert found["location"] == "Phone +49 30 5"


def test_lines_end_and_fold_as_rfc_5545_says():
    letter = a_letter(
        "host",
        notes="ö" * 400,
        attendee=replace(SARAH, name="Žofie " * 15),
        number="RV-" + "9" * 90,
    )
    data = raw(letter)

    assert data.endswith(b"END:VCALENDAR\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert max(len(line) for line in data.split(b"\r\n")) <= 75
    data.decode()
    assert "ö" * 400 in event(letter)["description"]


EVIL = [
    "Sarah\r\nATTENDEE:mailto:evil@example.org",
    "Sarah\nEND:VEVENT\nBEGIN:VALARM",
    'Sarah";CN="X',
    "Sarah;ROLE=CHAIR:mailto:evil@example.org",
    "Weiß, Sarah; Dr. \\n \\, :",
    "^n^'Sarah",
    "\x00\x07Sarah\x7f",
]


@pytest.mark.parametrize("name", EVIL)
def test_no_name_becomes_a_property(name: str):
    letter = a_letter(
        "host",
        appointment=with_terms(an_appointment(OFFICE), title=name),
        attendee=replace(SARAH, name=name),
        host=replace(HOST, name=name),
        guests=(replace(GUEST, name=name),),
        notes=name,
        number=name,
    )
    found = calendar(letter)
    [only] = found.events

    assert len(found.walk("VEVENT")) == 1
    assert not only.subcomponents
    assert sorted(people(letter)) == sorted([f"mailto:{p.email}" for p in (SARAH, GUEST, HOST)])
    assert {p["ROLE"] for p in people(letter).values()} == {
        "REQ-PARTICIPANT",
        "OPT-PARTICIPANT",
        "CHAIR",
    }


@pytest.mark.parametrize("name", ['Weiß, Sarah; "Dr."', "Sarah: Weiß", "S\\nW ^n ^^ ^'"])
def test_names_come_back_as_they_were_typed(name: str):
    letter = a_letter(attendee=replace(SARAH, name=name), host=replace(HOST, name=name))

    assert people(letter)[f"mailto:{SARAH.email}"]["CN"] == name
    assert event(letter)["organizer"].params["CN"] == name
    assert event(letter)["summary"] == f"Consultation with {name}"

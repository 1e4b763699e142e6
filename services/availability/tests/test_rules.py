"""What a host and an appointment type may not be; each refusal names its field."""

from dataclasses import replace
from typing import Any

import pytest

from availability.domain.catalogue import Location, Price
from availability.domain.errors import InvalidError
from availability.domain.rules import check_appointment_type, check_host, is_slug

from .builders import a_host, an_appointment_type, host_id, hours

LONG = "x" * 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": LONG}, "name"),
        ({"name": "A\r\nBcc: b@example.org"}, "name"),
        ({"name": "A\x00"}, "name"),
        ({"email": ""}, "email"),
        ({"email": "somebody"}, "email"),
        ({"email": "two@at@example.org"}, "email"),
        ({"email": "a b@example.org"}, "email"),
        ({"email": "a@example.org\r\nBcc: b@example.org"}, "email"),
        ({"email": "a\x00@example.org"}, "email"),
        ({"email": f"{'x' * 250}@a.example"}, "email"),
        ({"time_zone": "CET/Berlin"}, "time_zone"),
        ({"schedule": hours("09:00-12:00 11:00-13:00", [1])}, "schedule.1"),
    ],
)
def test_a_host_that_breaks_a_rule(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check_host(a_host(**changes))

    assert refused.value.field == field


def test_a_host_may_have_no_hours_yet() -> None:
    check_host(a_host(schedule=()))


def place(**details: Any) -> dict[str, Any]:
    return {"locations": (replace(Location("in_person", address="Street 1"), **details),)}


def phone(**details: Any) -> dict[str, Any]:
    return {"locations": (Location("phone", **details),)}


BROKEN_TYPES: list[tuple[dict[str, Any], str]] = [
    ({"slug": "Not A Slug"}, "slug"),
    ({"title": ""}, "title"),
    ({"title": LONG}, "title"),
    ({"title": "a\nb"}, "title"),
    ({"description": "x" * 10_001}, "description"),
    ({"description": "a\x00b"}, "description"),
    ({"durations_minutes": ()}, "durations_minutes"),
    ({"durations_minutes": (30, 30)}, "durations_minutes"),
    ({"durations_minutes": tuple(range(1, 52))}, "durations_minutes"),
    ({"durations_minutes": (30, 0)}, "durations_minutes.1"),
    ({"durations_minutes": (-30, 30)}, "durations_minutes.0"),
    ({"durations_minutes": (30, 1441)}, "durations_minutes.1"),
    ({"default_duration_minutes": 45}, "default_duration_minutes"),
    ({"locations": ()}, "locations"),
    ({"locations": (Location("video"), Location("video"))}, "locations"),
    ({"locations": (Location("video", video_provider="No Such!"),)}, "locations.0.video_provider"),
    ({"locations": (Location("video", address="Street 1"),)}, "locations.0.address"),
    (place(address=None), "locations.0.address"),
    (place(address=" "), "locations.0.address"),
    (place(address="x" * 501), "locations.0.address"),
    (place(parking_note="x" * 1001), "locations.0.parking_note"),
    (place(parking_note="\x00"), "locations.0.parking_note"),
    (place(directions_url="javascript:alert(1)"), "locations.0.directions_url"),
    (place(directions_url="https://"), "locations.0.directions_url"),
    (place(directions_url="https://[::1"), "locations.0.directions_url"),
    (place(directions_url="https://maps.example/a b"), "locations.0.directions_url"),
    (place(directions_url="https://maps.example/\x00"), "locations.0.directions_url"),
    (place(directions_url="https://maps.example/" + "x" * 2000), "locations.0.directions_url"),
    (place(phone_number="+49301234567"), "locations.0.phone_number"),
    (phone(caller="attendee"), "locations.0.phone_number"),
    (phone(), "locations.0.phone_number"),
    (phone(phone_number="0301234567"), "locations.0.phone_number"),
    (phone(phone_number="+49 call me"), "locations.0.phone_number"),
    ({"hosts": ()}, "hosts"),
    ({"hosts": (host_id(1), host_id(1))}, "hosts"),
    ({"hosts": (host_id(1), host_id(9))}, "hosts.1"),
    ({"price": Price(-1, "EUR")}, "price.amount_minor"),
    ({"price": Price(10**12 + 1, "EUR")}, "price.amount_minor"),
    ({"buffer_before_minutes": -1}, "buffer_before_minutes"),
    ({"buffer_before_minutes": 1441}, "buffer_before_minutes"),
    ({"buffer_after_minutes": -5}, "buffer_after_minutes"),
    ({"notice_minutes": -1}, "notice_minutes"),
    ({"notice_minutes": 525_601}, "notice_minutes"),
    ({"window_days": 0}, "window_days"),
    ({"window_days": 1096}, "window_days"),
    ({"slot_interval_minutes": 0}, "slot_interval_minutes"),
    ({"slot_interval_minutes": 1441}, "slot_interval_minutes"),
    ({"cancellation_notice_minutes": -1}, "cancellation.notice_minutes"),
    ({"reminders_minutes": (60, 60)}, "reminders_minutes"),
    ({"reminders_minutes": (60, 0)}, "reminders_minutes.1"),
    ({"reminders_minutes": tuple(range(1, 22))}, "reminders_minutes"),
    ({"hours": ()}, "hours"),
    ({"hours": hours("09:00-12:00 11:00-13:00", [1])}, "hours.1"),
]


@pytest.mark.parametrize(("changes", "field"), BROKEN_TYPES)
def test_an_appointment_type_that_breaks_a_rule(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check_appointment_type(an_appointment_type(**changes), {host_id(1)})

    assert refused.value.field == field
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"durations_minutes": (1, 1440), "default_duration_minutes": 1440},
        {"buffer_before_minutes": 1440, "buffer_after_minutes": 0, "notice_minutes": 525_600},
        {"window_days": 1095, "slot_interval_minutes": 1440, "reminders_minutes": ()},
        {"price": Price(0, "EUR"), "hours": hours("10:00-19:00", range(1, 6))},
        place(directions_url="https://maps.example/?q=1#here", parking_note="Ring twice.\nWait."),
        phone(phone_number="+1 (212) 555-0143", caller="attendee"),
        phone(caller="host"),
    ],
)
def test_an_appointment_type_at_the_edge_of_the_rules(changes: dict[str, Any]) -> None:
    check_appointment_type(an_appointment_type(**changes), {host_id(1)})


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a", True),
        ("intro-call", True),
        ("x" * 63, True),
        ("x" * 64, False),
        ("", False),
        ("-a", False),
        ("a-", False),
        ("Intro", False),
        ("a.b", False),
        ("a\n", False),
        ("a\x00", False),
    ],
)
def test_what_a_slug_is(name: str, is_one: bool) -> None:
    assert is_slug(name) is is_one

"""How a wish is judged: whom it gets, and why not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from availability.domain.assignment import least_busy_first
from availability.domain.catalogue import Location
from availability.domain.errors import InvalidError
from availability.domain.offers import MOST_DAYS, Offer, asked_span
from availability.domain.reservations import Claim, Grant, Reason, judge

from .builders import MONDAY, NOW, a_calendar, a_wish, an_appointment_type, at, host_id

NINE = "2027-03-15T09:00Z"


def granted(offer: Offer, start: str = NINE, **wish: Any) -> Grant:
    verdict = judge(a_wish(start, **wish), offer, NOW)
    assert isinstance(verdict, Grant)
    return verdict


@pytest.mark.parametrize(
    ("start", "wish", "reason"),
    [
        ("2027-03-15T09:10Z", {}, "not_a_slot"),
        ("2027-03-15T09:00:01Z", {}, "not_a_slot"),
        ("2027-03-15T09:00:00.5Z", {}, "not_a_slot"),
        ("2027-03-15T17:00Z", {}, "not_a_slot"),
        ("2027-03-12T09:00Z", {}, "slot_taken"),
        ("2027-03-11T09:00Z", {}, "not_a_slot"),
        ("0001-01-01T00:00Z", {}, "not_a_slot"),
        ("9999-12-31T23:30Z", {}, "not_a_slot"),
        ("2027-03-15T10:00Z", {}, "slot_taken"),
        (NINE, {"duration_minutes": 45}, "duration_not_offered"),
        (NINE, {"location_kind": "in_person"}, "location_not_offered"),
        (NINE, {"host_id": host_id(7)}, "host_not_offered"),
    ],
)
def test_why_a_wish_is_refused(start: str, wish: dict[str, Any], reason: Reason) -> None:
    taken = [("2027-03-12T09:00Z", "2027-03-12T09:30Z"), ("2027-03-15T10:00Z", "2027-03-15T10:30Z")]
    offer = Offer(an_appointment_type(), (a_calendar(taken=taken),))

    assert judge(a_wish(start, **wish), offer, NOW) == reason


def test_an_unknown_type_is_refused() -> None:
    assert judge(a_wish(NINE), None, NOW) == "unknown_appointment_type"


def test_a_type_without_active_hosts_has_no_slots() -> None:
    assert judge(a_wish(NINE), Offer(an_appointment_type(), ()), NOW) == "not_a_slot"


def test_the_default_duration_and_the_first_location_fill_what_is_left_open() -> None:
    grant = granted(Offer(an_appointment_type(), (a_calendar(),)))

    assert (grant.minutes, grant.location) == (30, Location("video", video_provider="jitsi"))
    assert (grant.start, grant.end) == (at(NINE), at("2027-03-15T09:30Z"))


def test_a_location_is_chosen_by_its_kind() -> None:
    grant = granted(Offer(an_appointment_type(), (a_calendar(),)), location_kind="phone")

    assert grant.location == Location("phone", caller="host")


def test_the_claim_is_as_wide_as_the_buffers() -> None:
    offered = an_appointment_type(buffer_before_minutes=5, buffer_after_minutes=10)
    calendar = a_calendar(number=4)

    claims = granted(Offer(offered, (calendar,))).claims(calendar)

    assert claims == [Claim(4, at("2027-03-15T08:55Z"), at("2027-03-15T09:40Z"))]


def test_a_notice_counts_from_when_the_client_asked() -> None:
    offer = Offer(an_appointment_type(notice_minutes=60), (a_calendar(),))
    an_hour_before = MONDAY + timedelta(hours=8)
    late = a_wish(NINE, asked_at=an_hour_before)
    too_late = replace(late, asked_at=an_hour_before + timedelta(microseconds=1))

    assert isinstance(judge(late, offer, an_hour_before + timedelta(minutes=20)), Grant)
    assert judge(too_late, offer, an_hour_before) == "not_a_slot"


def test_what_has_begun_meanwhile_is_no_slot_any_more() -> None:
    offer = Offer(an_appointment_type(), (a_calendar(),))
    now = MONDAY + timedelta(hours=9, seconds=1)

    assert judge(a_wish(NINE), offer, now) == "not_a_slot"


@pytest.mark.parametrize(
    ("zone", "last", "beyond"),
    [
        # Asked at 11:00 UTC on the 12th: in Kiritimati, that is the 13th already.
        ("UTC", "2027-03-14T23:00Z", "2027-03-15T00:00Z"),
        ("Pacific/Kiritimati", "2027-03-15T23:00+14:00", "2027-03-16T00:00+14:00"),
        ("Pacific/Pago_Pago", "2027-03-14T23:00-11:00", "2027-03-15T00:00-11:00"),
    ],
)
def test_the_window_ends_with_a_date_of_the_hosts(zone: str, last: str, beyond: str) -> None:
    offered = an_appointment_type(window_days=2, default_duration_minutes=60)
    offer = Offer(offered, (a_calendar("00:00-00:00", zone=zone),))
    now = datetime(2027, 3, 12, 11, tzinfo=UTC)

    assert isinstance(judge(a_wish(last, asked_at=now), offer, now), Grant)
    assert judge(a_wish(beyond, asked_at=now), offer, now) == "not_a_slot"


def test_the_clients_choice_of_host_is_kept() -> None:
    offer = Offer(an_appointment_type(), (a_calendar(number=1), a_calendar(number=2)))

    grant = granted(offer, host_id=host_id(2))

    assert [host.host_id for host in grant.hosts] == [host_id(2)]


def test_a_taken_choice_of_host_is_not_replaced() -> None:
    taken = a_calendar(number=2, taken=[(NINE, "2027-03-15T09:30Z")])
    offer = Offer(an_appointment_type(), (a_calendar(number=1), taken))

    assert judge(a_wish(NINE, host_id=host_id(2)), offer, NOW) == "slot_taken"


def test_hosts_come_by_how_busy_the_week_around_is_and_then_by_id() -> None:
    wednesday = at("2027-03-17T12:00Z")
    busy = a_calendar(number=1, taken=[("2027-03-15T09:00Z", "2027-03-15T10:00Z")])
    busy_long_ago = a_calendar(number=2, taken=[("2027-03-13T09:00Z", "2027-03-13T10:00Z")])
    busy_later = a_calendar(number=3, taken=[("2027-03-21T09:00Z", "2027-03-21T10:00Z")])
    free = a_calendar(number=4)

    ordered = least_busy_first([free, busy, busy_later, busy_long_ago], wednesday)

    assert [calendar.resource_key for calendar in ordered] == [2, 3, 4, 1]


def test_only_hosts_who_work_then_and_are_free_are_granted() -> None:
    elsewhere = a_calendar("13:00-17:00", number=1)
    taken = a_calendar(number=2, taken=[(NINE, "2027-03-15T09:30Z")])
    free = a_calendar(number=3)

    grant = granted(Offer(an_appointment_type(), (elsewhere, taken, free)))

    assert [host.resource_key for host in grant.hosts] == [3]


@pytest.mark.parametrize(
    ("first", "last", "zone", "field"),
    [
        ("2027-03-15", "2027-03-15", "UTC", "to_date"),
        ("2027-03-15", "2027-03-14", "UTC", "to_date"),
        ("2027-03-15", "2027-06-16", "UTC", "to_date"),
        ("0001-01-01", "9999-12-31", "UTC", "to_date"),
        ("2027-03-15", "2027-03-16", "Europe/Nowhere", "time_zone"),
    ],
)
def test_a_question_that_cannot_be_answered_names_its_fault(
    first: str, last: str, zone: str, field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        asked_span(datetime.fromisoformat(first).date(), datetime.fromisoformat(last).date(), zone)

    assert refused.value.field == field


def test_a_whole_quarter_can_be_asked_for() -> None:
    first = MONDAY.date()

    span = asked_span(first, first + timedelta(days=MOST_DAYS), "UTC")

    assert span.latest - span.earliest == MOST_DAYS * 86_400

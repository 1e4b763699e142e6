"""What a body may hold: every field's limits, and how a refusal names the field."""

import json
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from gateway.api.bodies import BookingBody, CancelBody
from gateway.api.errors import problem_of_request
from gateway.api.fields import LocalDate, QueryInstant

from .builders import a_request


def a_json_request() -> Request:
    headers = [(b"content-type", b"application/json")]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers})


def refused(body: dict[str, Any]) -> list[str]:
    """The fields that are named, as a client reads them."""
    try:
        BookingBody.model_validate(body)
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        problem = problem_of_request(a_json_request(), RequestValidationError(found))
        return [each.field for each in problem.errors]
    return []


def with_attendee(**changes: Any) -> dict[str, Any]:
    return a_request(attendee={"name": "Ada", "email": "ada@example.com", **changes})


def nested(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (a_request(price=1), "price"),
        (with_attendee(role="admin"), "attendee.role"),
        (with_attendee(name="   "), "attendee.name"),
        (with_attendee(name="x" * 201), "attendee.name"),
        (with_attendee(name="Ada\r\nBcc: all@example.com"), "attendee.name"),
        (with_attendee(name="Ada\x00"), "attendee.name"),
        (with_attendee(name="Ada\u202egnp.exe"), "attendee.name"),
        (with_attendee(name="Ada\ud800"), "attendee.name"),
        (with_attendee(email="not-an-address"), "attendee.email"),
        (with_attendee(email="a@b"), "attendee.email"),
        (with_attendee(email="a..b@example.com"), "attendee.email"),
        (with_attendee(email="a@example.com\nBcc: b@example.com"), "attendee.email"),
        (with_attendee(email="a@example.com, b@example.com"), "attendee.email"),
        (with_attendee(email="Ada <a@example.com>"), "attendee.email"),
        (with_attendee(email="x" * 65 + "@example.com"), "attendee.email"),
        (with_attendee(email="a@" + "b" * 64 + ".com"), "attendee.email"),
        (with_attendee(email=None), "attendee.email"),
        (with_attendee(phone="030 123456"), "attendee.phone"),
        (with_attendee(phone="+0301234567"), "attendee.phone"),
        (with_attendee(phone="+4930CALLME"), "attendee.phone"),
        (with_attendee(phone="+1234567890123456"), "attendee.phone"),
        (a_request(attendee="Ada"), "attendee"),
        (a_request(appointment_type=""), "appointment_type"),
        (a_request(appointment_type=7), "appointment_type"),
        (a_request(start="2027-03-22T08:00:00"), "start"),
        (a_request(start="2027-03-22"), "start"),
        (a_request(start="1800000000"), "start"),
        (a_request(start=1800000000), "start"),
        (a_request(start="2027-02-30T08:00:00Z"), "start"),
        (a_request(start="9999-12-31T23:59:59-23:59"), "start"),
        (a_request(start="0001-01-01T00:00:00+23:59"), "start"),
        (a_request(duration_minutes=0), "duration_minutes"),
        (a_request(duration_minutes=-30), "duration_minutes"),
        (a_request(duration_minutes=1441), "duration_minutes"),
        (a_request(duration_minutes="30"), "duration_minutes"),
        (a_request(duration_minutes=True), "duration_minutes"),
        (a_request(time_zone="CEST"), "time_zone"),
        (a_request(time_zone="Mars/Olympus"), "time_zone"),
        (a_request(time_zone="../../etc/passwd"), "time_zone"),
        (a_request(time_zone="+02:00"), "time_zone"),
        (a_request(guests=[{"name": "B", "email": "b@example.com"}] * 21), "guests"),
        (a_request(guests=[{"name": "B", "email": "nobody"}]), "guests[0].email"),
        (a_request(location={"kind": "teleport"}), "location.kind"),
        (a_request(location={"kind": "video", "url": "https://x"}), "location.url"),
        (a_request(host_id="first"), "host_id"),
        (a_request(answers={"a": "x" * 4001}), "answers"),
        (a_request(answers={str(n): 1 for n in range(51)}), "answers"),
        (a_request(answers={str(n): "x" * 1000 for n in range(20)}), "answers"),
        (a_request(answers={"a": nested(4)}), "answers"),
        (a_request(answers={"a": float("nan")}), "answers"),
        (a_request(answers={"a": 2**80}), "answers"),
        (a_request(answers={"a": "bell\x07"}), "answers"),
        (a_request(answers=[]), "answers"),
        (a_request(notes="x" * 4001), "notes"),
        (a_request(notes="bell\x07"), "notes"),
        (a_request(documents=[{"url": "http://x.example/a", "title": "A"}]), "documents[0].url"),
        (a_request(documents=[{"url": "javascript:alert(1)", "title": "A"}]), "documents[0].url"),
        (
            a_request(documents=[{"url": "https://a:b@x.example/", "title": "A"}]),
            "documents[0].url",
        ),
        (a_request(documents=[{"url": "https://x.example/", "title": ""}]), "documents[0].title"),
        (a_request(documents=[{"url": "https://x.example", "title": "A"}] * 11), "documents"),
        (a_request(hold_id="01986f5e-5c00-7000-8000-000000000001"), "hold_id"),
        (a_request(recurrence={"rule": "FREQ=WEEKLY"}), "recurrence"),
        (a_request(reminders={"email": "yes"}), "reminders.email"),
        (a_request(reminders={"fax": True}), "reminders.fax"),
    ],
)
def test_what_a_field_may_not_hold_is_refused_by_its_name(body: dict[str, Any], field: str) -> None:
    assert refused(body) == [field]


@pytest.mark.parametrize(
    "body",
    [
        a_request(),
        a_request(location=None, duration_minutes=None, notes=None),
        with_attendee(name="Åsa Öberg-O'Neill 李"),
        with_attendee(email="first.last+tag@mail.sub.example.co"),
        with_attendee(phone="+1 (212) 555-0100"),
        a_request(notes="first line\nsecond line\ttabbed"),
        a_request(answers={"a": ["x", 1, 2.5, None, True], "b": {"c": "d"}}),
        a_request(documents=[{"url": "https://x.example:8443/a?b=c#d", "title": "A"}]),
        a_request(time_zone="Australia/Lord_Howe"),
        a_request(start="2027-03-22t09:00:00.000+01:00"),
    ],
)
def test_what_people_really_send_is_taken(body: dict[str, Any]) -> None:
    assert refused(body) == []


def test_every_missing_field_is_named_at_once() -> None:
    assert refused({}) == ["appointment_type", "start", "time_zone", "attendee"]


def test_phone_numbers_are_kept_in_one_spelling() -> None:
    body = BookingBody.model_validate(with_attendee(phone="+1 (212) 555-0100"))

    assert body.attendee.phone == "+12125550100"


def test_a_fingerprint_is_of_what_is_asked_and_not_of_its_spelling() -> None:
    one = BookingBody.model_validate(a_request(answers={"a": 1, "b": 2}))
    same = BookingBody.model_validate(
        a_request(answers={"b": 2, "a": 1}, start="2027-03-22T04:00:00-04:00")
    )
    other = BookingBody.model_validate(a_request(answers={"a": 1, "b": 3}))

    assert one.fingerprint() == same.fingerprint()
    assert one.fingerprint() != other.fingerprint()


def test_a_cancellation_of_another_booking_has_another_fingerprint() -> None:
    body = CancelBody(reason="ill")

    assert body.fingerprint(booking_id="1") != body.fingerprint(booking_id="2")


def test_an_example_in_the_documentation_is_a_valid_body() -> None:
    from gateway.api.examples import BOOKING_REQUEST  # noqa: PLC0415

    assert refused(json.loads(json.dumps(BOOKING_REQUEST))) == []


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        ("2027-03-22", "2027-03-22T00:00:00+00:00"),
        ("2027-03-22T09:00:00 01:00", "2027-03-22T08:00:00+00:00"),
        ("2027-03-22T08:00:00Z", "2027-03-22T08:00:00+00:00"),
    ],
)
def test_a_query_takes_a_date_or_an_instant_even_with_its_plus_lost(
    given: str, instant: str
) -> None:
    assert TypeAdapter(QueryInstant).validate_python(given).isoformat() == instant


@pytest.mark.parametrize("given", ["22.03.2027", "2027-3-22", "20270322", "1700000000", "", 5])
def test_a_date_is_written_as_iso_8601_has_it(given: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(LocalDate).validate_python(given)

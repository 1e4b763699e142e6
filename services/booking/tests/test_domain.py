from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.application import Bookings
from booking.domain import Booking, NoticePassedError, WrongStatusError

from .builders import (
    START,
    a_confirmed_booking,
    a_requested_booking,
    because,
    terms,
)


def kinds(booking: Booking) -> list[str]:
    return [type(event).__name__ for event in booking.pending_events]


def test_a_requested_booking_is_confirmed_once_however_often_it_is_told() -> None:
    booking = a_requested_booking()

    booking.confirm(terms(), because())
    booking.confirm(terms(), because())

    assert kinds(booking) == ["Requested", "Confirmed"]


def test_a_cancelled_booking_is_not_confirmed_by_a_fact_that_comes_late() -> None:
    booking = a_requested_booking()
    booking.cancel(because("host"))

    booking.confirm(terms(), because())

    assert booking.status == "cancelled"


def test_a_meeting_is_attached_once() -> None:
    booking, meeting = a_confirmed_booking(), uuid4()

    booking.attach_meeting(meeting, "jitsi", because())
    booking.attach_meeting(meeting, "jitsi", because())

    assert kinds(booking)[-1:] == ["MeetingAttached"]
    assert len(booking.pending_events) == 3


def test_cancelling_raises_the_sequence_of_the_invite() -> None:
    booking = a_confirmed_booking()

    booking.cancel(because("host"))

    assert booking.sequence == 1


def test_what_has_ended_is_not_cancelled_again() -> None:
    booking = a_confirmed_booking()
    booking.cancel(because("host"))

    with pytest.raises(WrongStatusError):
        booking.cancel(because("host"))


@pytest.mark.parametrize(("minutes_before", "allowed"), [(61, True), (60, True), (59, False)])
def test_an_attendee_cancels_until_the_notice(minutes_before: int, allowed: bool) -> None:
    booking = a_confirmed_booking(notice_minutes=60)
    why = because("attendee", START - timedelta(minutes=minutes_before))

    if allowed:
        booking.cancel(why)
        assert booking.status == "cancelled"
    else:
        with pytest.raises(NoticePassedError):
            booking.cancel(why)


def test_a_host_cancels_at_any_time() -> None:
    booking = a_confirmed_booking(notice_minutes=60)

    booking.cancel(because("host", START))

    assert booking.status == "cancelled"


COMMANDS = st.lists(
    st.sampled_from(["confirm", "reject", "attach", "cancel", "cancel by attendee"]), max_size=8
)


@given(COMMANDS)
def test_any_sequence_of_commands_replays_to_the_state_it_led_to(commands: list[str]) -> None:
    booking = a_requested_booking()
    for command in commands:
        _carry_out(booking, command)
    application = Bookings()

    application.save(booking)
    again: Booking = application.repository.get(booking.id)

    assert {**vars(again), "_pending_events": []} == {**vars(booking), "_pending_events": []}
    assert again.status in {"requested", "confirmed", "unavailable", "cancelled"}


def _carry_out(booking: Booking, command: str) -> None:
    try:
        match command:
            case "confirm":
                booking.confirm(terms(), because())
            case "reject":
                booking.mark_unavailable("slot_taken", None, [], because())
            case "attach":
                booking.attach_meeting(uuid4(), "jitsi", because())
            case "cancel":
                booking.cancel(because("host"))
            case _:
                booking.cancel(because("attendee"))
    except WrongStatusError:
        pass

"""The rules of writing."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from calendar_sync.domain import (
    ATTEMPTS,
    FIRST_DELAY,
    LONGEST_DELAY,
    delay,
    is_last,
    resource_name,
    uid,
)

BOOKING = UUID(int=5)


def test_the_uid_is_the_bookings_at_our_host_as_in_its_invitations():
    assert uid(BOOKING, "https://book.example:8443/x") == f"{BOOKING}@book.example"


def test_an_entrys_name_follows_from_the_booking():
    assert resource_name(BOOKING) == f"{BOOKING}.ics"


@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_delays_grow_up_to_an_hour_and_are_spread(attempts: int, jitter: float):
    found = delay(attempts, jitter)

    assert FIRST_DELAY / 2 <= found <= LONGEST_DELAY
    assert found <= delay(attempts + 1, jitter)


def test_attempts_come_to_an_end():
    assert [is_last(attempts) for attempts in (1, ATTEMPTS - 1, ATTEMPTS)] == [False, False, True]

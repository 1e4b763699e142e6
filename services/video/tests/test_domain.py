from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from video.domain import GRACE, Meeting, meeting_id_of, retry_delay

START = datetime(2027, 3, 22, 8, tzinfo=UTC)


def test_a_booking_has_the_same_meeting_id_for_ever():
    booking = UUID("01900000-0000-7000-8000-000000000001")

    assert meeting_id_of(booking) == UUID("f0791742-d563-5c33-ab0b-02d93ed79d01")


def test_a_room_is_given_out_until_an_hour_after_the_end():
    end = START + timedelta(minutes=30)
    meeting = Meeting("demo", uuid4(), uuid4(), "jitsi", "room", START, end)

    assert meeting.closes_at() == end + GRACE


@given(st.integers(1, 1000), st.floats(0, 0.999))
def test_the_wait_between_attempts_stays_within_its_bounds(attempt: int, jitter: float):
    delay = retry_delay(attempt, jitter)

    assert timedelta(seconds=1) <= delay <= timedelta(minutes=5)


def test_the_wait_between_attempts_grows():
    waits = [retry_delay(attempt, 0.0) for attempt in range(1, 9)]

    assert waits == [timedelta(seconds=s) for s in (2, 4, 8, 16, 32, 64, 128, 256)]


def test_meetings_that_failed_together_do_not_come_back_together():
    assert retry_delay(3, 0.9) < retry_delay(3, 0.1)

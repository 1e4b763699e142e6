from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain import planning
from notify.domain.appointments import Meeting, Place, Recipient
from notify.domain.notifications import Notification, identify, is_obsolete, retry_delay

from .builders import CONFIRMED_AT, GUEST, HOST, OFFICE, SARAH, START, an_appointment, with_terms

NOW = CONFIRMED_AT


def who(planned: list[Notification]) -> list[tuple[UUID, str]]:
    return [(each.recipient.id, each.recipient.role) for each in planned]


def test_everybody_who_takes_part_gets_a_confirmation():
    planned = planning.confirmations(an_appointment(OFFICE), NOW)

    assert who(planned) == [(SARAH.id, "attendee"), (GUEST.id, "guest"), (HOST.id, "host")]
    assert {each.due_at for each in planned} == {NOW}


def test_nobody_is_told_twice():
    twice = an_appointment(OFFICE, guests=(GUEST.id, SARAH.id, GUEST.id))

    assert len(planning.confirmations(twice, NOW)) == 3


def test_a_video_confirmation_waits_a_minute_for_the_link():
    planned = planning.confirmations(an_appointment(), NOW)

    assert {each.due_at for each in planned} == {NOW + timedelta(seconds=60)}


@pytest.mark.parametrize("meeting", ["ready", "failed"])
def test_it_waits_no_more_once_the_meeting_is_settled(meeting: Meeting):
    planned = planning.confirmations(an_appointment(meeting=meeting), NOW)

    assert {each.due_at for each in planned} == {NOW}


def test_reminders_come_as_long_before_the_start_as_the_terms_say():
    planned = planning.reminders(an_appointment(), CONFIRMED_AT)

    assert [(r.minutes_before, r.due_at) for r in planned] == [
        (1440, START - timedelta(hours=24)),
        (60, START - timedelta(hours=1)),
    ]


def test_a_reminder_that_was_past_when_the_booking_was_confirmed_is_not_planned():
    planned = planning.reminders(an_appointment(), START - timedelta(hours=24))

    assert [r.minutes_before for r in planned] == [60]


def test_who_wants_no_reminders_gets_none():
    assert planning.reminders(an_appointment(remind_by_email=False), CONFIRMED_AT) == []


def test_a_reminder_at_or_after_the_start_is_none():
    odd = with_terms(an_appointment(), reminders_minutes=(0, -5, 60, 60))

    assert [r.minutes_before for r in planning.reminders(odd, CONFIRMED_AT)] == [60]


def test_reminders_go_to_the_attendee_without_an_invite():
    appointment = an_appointment()
    due = planning.reminders(appointment, CONFIRMED_AT)
    mails = planning.reminder_mails(appointment, due)

    assert who(mails) == [(SARAH.id, "attendee")] * 2
    assert [m.reminder_id for m in mails] == [r.id for r in due]
    assert not any(m.calendar for m in mails)


def test_an_update_follows_the_invite_it_replaces():
    planned = planning.updates(an_appointment(), [(Recipient(SARAH.id, "attendee"), 4)], NOW)

    assert [(each.kind, each.sequence, each.due_at) for each in planned] == [("update", 5, NOW)]


def test_a_cancellation_goes_to_those_who_were_invited():
    cancelled = an_appointment(status="cancelled", sequence=2)
    planned = planning.cancellations(cancelled, {SARAH.id, HOST.id}, NOW)

    assert who(planned) == [(SARAH.id, "attendee"), (HOST.id, "host")]
    assert {(each.sequence, each.calendar) for each in planned} == {(2, True)}


def test_an_attendee_who_was_never_invited_hears_of_it_without_a_calendar_object():
    planned = planning.cancellations(an_appointment(status="cancelled"), set(), NOW)

    assert who(planned) == [(SARAH.id, "attendee")]
    assert [each.calendar for each in planned] == [False]


def test_what_is_planned_again_has_the_same_id():
    first = planning.confirmations(an_appointment(), NOW)
    later = planning.confirmations(an_appointment(), NOW + timedelta(hours=1))

    assert [each.id for each in first] == [each.id for each in later]


def test_ids_never_change():
    assert identify(UUID(int=5), "confirmation", "email", SARAH.id, 0) == UUID(
        "521a6ee9-c7a2-50bc-bb50-6f443d92a580"
    )


@given(st.lists(st.sampled_from([15, 60, 1440, 2880]), max_size=6), st.integers(0, 5))
def test_everything_planned_has_an_id_of_its_own(minutes: list[int], sequence: int):
    appointment = with_terms(an_appointment(sequence=sequence), reminders_minutes=tuple(minutes))
    due = planning.reminders(appointment, CONFIRMED_AT)
    told = [(recipient, sequence) for recipient in appointment.recipients()]
    everybody = {recipient.id for recipient in appointment.recipients()}
    planned = [
        *planning.confirmations(appointment, NOW),
        *planning.reminder_mails(appointment, due),
        *planning.updates(appointment, told, NOW),
        *planning.cancellations(appointment, everybody, NOW),
    ]

    assert len({each.id for each in planned}) == len(planned)


def test_a_reminder_is_obsolete_once_the_appointment_has_begun():
    appointment = an_appointment()
    [mail, _] = planning.reminder_mails(appointment, planning.reminders(appointment, CONFIRMED_AT))

    assert not is_obsolete(mail, appointment, START - timedelta(seconds=1))
    assert is_obsolete(mail, appointment, START)


def test_after_a_cancellation_only_the_cancellation_is_wanted():
    cancelled = an_appointment(Place("phone"), status="cancelled")
    [confirmation, *_] = planning.confirmations(cancelled, NOW)
    [cancellation] = planning.cancellations(cancelled, set(), NOW)

    assert is_obsolete(confirmation, cancelled, NOW)
    assert not is_obsolete(cancellation, cancelled, START + timedelta(days=1))


def test_a_confirmation_that_is_late_is_still_wanted():
    appointment = an_appointment()
    [confirmation, *_] = planning.confirmations(appointment, NOW)

    assert not is_obsolete(confirmation, appointment, START + timedelta(minutes=5))


@given(st.integers(1, 1000), st.floats(0, 0.999))
def test_the_wait_between_attempts_stays_within_its_bounds(attempt: int, jitter: float):
    delay = retry_delay(attempt, jitter)

    assert timedelta(seconds=1) <= delay <= timedelta(minutes=15)


def test_the_wait_between_attempts_grows():
    waits = [retry_delay(attempt, 0.0).total_seconds() for attempt in (1, 2, 3, 9, 10, 20)]

    assert waits == [2, 4, 8, 512, 900, 900]

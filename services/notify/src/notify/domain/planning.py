"""Who is told what, and when: pure rules from an appointment to planned notifications.

Everything planned has an id that follows from what it is for, so planning it twice is harmless.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from notify.domain.appointments import Appointment, Recipient
from notify.domain.notifications import LINK_PATIENCE, Kind, Notification, Reminder, identify


def confirmations(appointment: Appointment, now: datetime) -> list[Notification]:
    """One for everybody who takes part; by video they wait a while for the link."""
    waits = appointment.by_video and appointment.meeting == "awaited"
    due_at = now + LINK_PATIENCE if waits else now
    return [
        _mail(appointment, "confirmation", recipient, appointment.sequence, due_at)
        for recipient in appointment.recipients()
    ]


def reminders(appointment: Appointment, confirmed_at: datetime) -> list[Reminder]:
    """Those the terms ask for that were still ahead at `confirmed_at`, first to come first."""
    if not appointment.remind_by_email:
        return []
    return [
        Reminder(
            id=identify(appointment.booking_id, "due", minutes),
            tenant=appointment.tenant,
            booking_id=appointment.booking_id,
            minutes_before=minutes,
            due_at=due_at,
        )
        for minutes in sorted(set(appointment.terms.reminders_minutes), reverse=True)
        if (due_at := appointment.terms.starts_at - timedelta(minutes=minutes)) > confirmed_at
        and minutes > 0
    ]


def reminder_mails(appointment: Appointment, reminders: Iterable[Reminder]) -> list[Notification]:
    """One per reminder, for the attendee, whose choice reminders are."""
    recipient = Recipient(appointment.attendee, "attendee")
    return [
        Notification(
            id=identify(
                appointment.booking_id, "reminder", "email", recipient.id, r.minutes_before
            ),
            tenant=appointment.tenant,
            booking_id=appointment.booking_id,
            kind="reminder",
            recipient=recipient,
            sequence=appointment.sequence,
            due_at=r.due_at,
            calendar=False,
            reminder_id=r.id,
        )
        for r in reminders
    ]


def updates(
    appointment: Appointment, told: Iterable[tuple[Recipient, int]], now: datetime
) -> list[Notification]:
    """For those whose invite (of the given sequence) went out before there was a link."""
    return [
        _mail(appointment, "update", recipient, sequence + 1, now) for recipient, sequence in told
    ]


def cancellations(
    appointment: Appointment, invited: Collection[UUID], now: datetime
) -> list[Notification]:
    """For everybody in whose calendar it may stand; the attendee hears of it in any case.

    Whoever was never invited gets no iCalendar object: there is nothing to take out.
    """
    return [
        _mail(
            appointment,
            "cancellation",
            recipient,
            appointment.sequence,
            now,
            calendar=recipient.id in invited,
        )
        for recipient in appointment.recipients()
        if recipient.id in invited or recipient.role == "attendee"
    ]


def _mail(
    appointment: Appointment,
    kind: Kind,
    recipient: Recipient,
    sequence: int,
    due_at: datetime,
    *,
    calendar: bool = True,
) -> Notification:
    return Notification(
        id=identify(appointment.booking_id, kind, "email", recipient.id, sequence),
        tenant=appointment.tenant,
        booking_id=appointment.booking_id,
        kind=kind,
        recipient=recipient,
        sequence=sequence,
        due_at=due_at,
        calendar=calendar,
    )

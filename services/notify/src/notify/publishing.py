"""Notify's own facts as the events that others read."""

from datetime import datetime

from contracts.notify import NotificationFailed, NotificationSent, NotifyEvent, ReminderDue
from notify.domain.notifications import Delivered, Fact, ReminderCame
from service_kit import outbox
from service_kit.database import Connection


async def publish(connection: Connection, at: datetime, fact: Fact) -> None:
    """Says a fact, which occurred `at` (UTC), when the connection's transaction commits."""
    await outbox.append(connection, at, event_of(fact))


def event_of(fact: Fact) -> NotifyEvent:
    """The event that tells a fact."""
    if isinstance(fact, ReminderCame):
        reminder = fact.reminder
        return ReminderDue(
            tenant=reminder.tenant,
            booking_id=reminder.booking_id,
            reminder_id=reminder.id,
            minutes_before=reminder.minutes_before,
            due_at=reminder.due_at,
        )
    notification = fact.notification
    if isinstance(fact, Delivered):
        return NotificationSent(
            tenant=notification.tenant,
            booking_id=notification.booking_id,
            notification_id=notification.id,
            kind=notification.kind,
            channel=notification.channel,
            recipient=notification.recipient.id,
        )
    return NotificationFailed(
        tenant=notification.tenant,
        booking_id=notification.booking_id,
        notification_id=notification.id,
        kind=notification.kind,
        channel=notification.channel,
        recipient=notification.recipient.id,
        reason=fact.reason,
    )

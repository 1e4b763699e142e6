"""Takes back what a restored database has forgotten: mails that went out, reminders that fired.

A backup knows nothing of what happened after it. What was sent since then is told by the lost part
of notify's own stream; written down here, it is not sent again when its cause is heard once more.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from notify.domain.notifications import Kind, identify
from service_kit.database import Connection

_BOOKING = """
INSERT INTO appointments (booking_id, tenant) VALUES (%(booking_id)s, %(tenant)s)
ON CONFLICT (booking_id) DO NOTHING
"""

_FIRED = """
INSERT INTO reminders (reminder_id, tenant, booking_id, minutes_before, due_at, state,
                       correlation_id)
VALUES (%(reminder_id)s, %(tenant)s, %(booking_id)s, %(minutes_before)s, %(due_at)s, 'fired',
        %(correlation_id)s)
ON CONFLICT (reminder_id) DO UPDATE SET state = 'fired' WHERE reminders.state = 'planned'
"""

_MINUTES = "SELECT reminder_id, minutes_before FROM reminders WHERE booking_id = %(booking_id)s"

# In which role its recipient read it is not told, nor asked of a mail that is out; that it had the
# link is assumed, since an update would be a second mail.
_ENDED = """
INSERT INTO notifications (notification_id, tenant, booking_id, reminder_id, kind, channel,
                           recipient, role, sequence, calendar, due_at, next_attempt_at, state,
                           attempts, sent_at, with_link, last_error, correlation_id)
VALUES (%(notification_id)s, %(tenant)s, %(booking_id)s, %(reminder_id)s, %(kind)s, %(channel)s,
        %(recipient)s, 'attendee', 0, %(calendar)s, %(at)s, %(at)s, %(state)s, 1, %(sent_at)s,
        %(with_link)s, %(last_error)s, %(correlation_id)s)
ON CONFLICT (notification_id) DO UPDATE
    SET state = excluded.state, sent_at = excluded.sent_at, with_link = excluded.with_link,
        last_error = excluded.last_error, lease_until = NULL
    WHERE notifications.state IN ('planned', 'waiting')
"""


@dataclass(frozen=True, slots=True)
class FiredReminder:
    """A reminder that came due."""

    tenant: str
    booking_id: UUID
    reminder_id: UUID
    minutes_before: int
    due_at: datetime
    correlation_id: str


@dataclass(frozen=True, slots=True)
class EndedNotification:
    """A notification that was sent at an instant (UTC), or failed for good, for a `reason`."""

    tenant: str
    booking_id: UUID
    notification_id: UUID
    kind: Kind
    channel: str
    recipient: UUID
    at: datetime
    correlation_id: str
    reason: str | None = None

    @property
    def state(self) -> Literal["sent", "failed"]:
        """How it ended."""
        return "failed" if self.reason else "sent"


async def fired(connection: Connection, reminder: FiredReminder) -> bool:
    """Writes down that a reminder has fired; whether that was news."""
    values = {
        "tenant": reminder.tenant,
        "booking_id": reminder.booking_id,
        "reminder_id": reminder.reminder_id,
        "minutes_before": reminder.minutes_before,
        "due_at": reminder.due_at,
        "correlation_id": reminder.correlation_id,
    }
    await connection.execute(_BOOKING, values)
    return (await connection.execute(_FIRED, values)).rowcount == 1


async def ended(connection: Connection, notification: EndedNotification) -> bool:
    """Writes down how a notification has ended; whether that was news.

    A reminder's mail is known by its reminder, which must stand there before.
    """
    reminder_id = None
    if notification.kind == "reminder":
        reminder_id = await _reminder_of(connection, notification)
        if reminder_id is None:
            return False
    sent = notification.state == "sent"
    values = {
        "notification_id": notification.notification_id,
        "tenant": notification.tenant,
        "booking_id": notification.booking_id,
        "reminder_id": reminder_id,
        "kind": notification.kind,
        "channel": notification.channel,
        "recipient": notification.recipient,
        "calendar": notification.kind != "reminder",
        "at": notification.at,
        "state": notification.state,
        "sent_at": notification.at if sent else None,
        "with_link": True if sent else None,
        "last_error": notification.reason,
        "correlation_id": notification.correlation_id,
    }
    await connection.execute(_BOOKING, values)
    return (await connection.execute(_ENDED, values)).rowcount == 1


async def _reminder_of(connection: Connection, notification: EndedNotification) -> UUID | None:
    """The reminder of a reminder's mail, whose id follows from how long before it is due."""
    booking_id, recipient = notification.booking_id, notification.recipient
    cursor = await connection.execute(_MINUTES, {"booking_id": booking_id})
    for reminder_id, minutes in await cursor.fetchall():
        named = identify(booking_id, "reminder", notification.channel, recipient, minutes)
        if named == notification.notification_id:
            return reminder_id
    return None

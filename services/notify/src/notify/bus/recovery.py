"""What the lost part of notify's own stream tells, in notify's words."""

from collections.abc import Sequence

from contracts.notify import NotificationFailed, NotificationSent, NotifyEvent, ReminderDue
from notify.store.recovery import EndedNotification, FiredReminder, ended, fired
from service_kit.database import Connection
from service_kit.messages import Outgoing

_KINDS = {kind.ce_type(): kind for kind in (ReminderDue, NotificationSent, NotificationFailed)}


async def take_back(connection: Connection, lost: Sequence[Outgoing]) -> int:
    """Writes down what was sent and fired after a backup; answers how much of it was news.

    `lost` are events that the restored record does not have, in their order. In the caller's
    transaction.
    """
    events = [
        (kind.model_validate_json(message.body), message)
        for message in lost
        if (kind := _KINDS.get(message.envelope.type))
    ]
    # A reminder's mail is known by its reminder.
    events.sort(key=lambda told: not isinstance(told[0], ReminderDue))
    return sum([await _take_back(connection, event, told) for event, told in events])


async def _take_back(connection: Connection, event: NotifyEvent, told: Outgoing) -> bool:
    flow, at = told.envelope.correlation_id, told.envelope.time
    match event:
        case ReminderDue():
            return await fired(
                connection,
                FiredReminder(
                    event.tenant,
                    event.booking_id,
                    event.reminder_id,
                    event.minutes_before,
                    event.due_at,
                    flow,
                ),
            )
        case NotificationSent() | NotificationFailed():
            return await ended(
                connection,
                EndedNotification(
                    tenant=event.tenant,
                    booking_id=event.booking_id,
                    notification_id=event.notification_id,
                    kind=event.kind,
                    channel=event.channel,
                    recipient=event.recipient,
                    at=at,
                    correlation_id=flow,
                    reason=event.reason if isinstance(event, NotificationFailed) else None,
                ),
            )
        case _:
            return False

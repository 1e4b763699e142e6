"""What notify says: reminders come due, notifications are sent or fail for good."""

from typing import ClassVar, Literal
from uuid import UUID

from contracts.envelope import Contract, Event, Instant, ReplyT, TenantRequest

Channel = Literal["email", "sms", "whatsapp", "webhook"]
NotificationKind = Literal["confirmation", "update", "cancellation", "reminder"]


class NotifyEvent(Event):
    """Base of what notify publishes."""

    CONTEXT: ClassVar[str] = "notify"

    booking_id: UUID


class ReminderDue(NotifyEvent):
    """A reminder's time has come (perhaps late, after a restart)."""

    FACT: ClassVar[str] = "reminder-due"

    reminder_id: UUID
    minutes_before: int
    due_at: Instant


class NotificationSent(NotifyEvent):
    """The channel took the notification over."""

    FACT: ClassVar[str] = "notification-sent"

    notification_id: UUID
    kind: NotificationKind
    channel: Channel
    recipient: UUID


class NotificationFailed(NotifyEvent):
    """The notification could not be delivered after all attempts."""

    FACT: ClassVar[str] = "notification-failed"

    notification_id: UUID
    kind: NotificationKind
    channel: Channel
    recipient: UUID
    reason: str


class Notification(Contract):
    """One notification with its delivery's state."""

    id: UUID
    kind: NotificationKind
    channel: Channel
    recipient: UUID
    state: Literal["planned", "waiting", "sent", "failed", "dropped"]
    due_at: Instant
    sent_at: Instant | None
    attempts: int


class Notifications(Contract):
    """The notifications of one booking, by due time."""

    items: list[Notification]


class NotifyRequest(TenantRequest[ReplyT]):
    """Base of what notify answers."""

    SERVICE: ClassVar[str] = "notify"


class ListNotifications(NotifyRequest[Notifications]):
    """What was and will be sent for a booking."""

    booking_id: UUID

"""A notification from its plan to its end, and the facts of that way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid5

from notify.domain.appointments import Appointment, Recipient

Kind = Literal["confirmation", "update", "cancellation", "reminder"]
Channel = Literal["email"]
State = Literal["planned", "waiting", "sent", "failed", "dropped"]

LINK_PATIENCE: Final = timedelta(seconds=60)
"""How long a confirmation waits for its meeting's link."""

_NOTIFICATIONS: Final = UUID("0d4c1b3f-6b5e-5b0c-8c43-1f3c8f0a7d52")
_FIRST_DELAY: Final = timedelta(seconds=2)
_LONGEST_DELAY: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Flow:
    """What something planned follows from, kept so that its delivery still tells of it."""

    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder of an appointment, `minutes_before` its start."""

    id: UUID
    tenant: str
    booking_id: UUID
    minutes_before: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one recipient over one channel.

    `calendar` says whether an iCalendar object goes with it, `sequence` is that object's. Of a
    reminder, `reminder_id` names the reminder that must come due first.
    """

    id: UUID
    tenant: str
    booking_id: UUID
    kind: Kind
    recipient: Recipient
    sequence: int
    due_at: datetime
    calendar: bool = True
    reminder_id: UUID | None = None
    channel: Channel = "email"


@dataclass(frozen=True, slots=True)
class Listed:
    """A notification with the state of its delivery."""

    notification: Notification
    state: State
    attempts: int
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReminderCame:
    """A reminder's time has come."""

    reminder: Reminder


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel took the notification over."""

    notification: Notification


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """All attempts are over; `reason` is a code and carries nothing personal."""

    notification: Notification
    reason: str


Fact = ReminderCame | Delivered | Undeliverable


class DeliveryError(Exception):
    """A message did not get through. `reason` is a code and carries nothing personal.

    A `permanent` one is final; any other is worth another attempt.
    """

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


def identify(booking_id: UUID, kind: str, *parts: object) -> UUID:
    """The id of what is planned for a booking; the same whenever it is planned again."""
    return uuid5(_NOTIFICATIONS, "/".join(map(str, (booking_id, kind, *parts))))


def retry_delay(attempt: int, jitter: float) -> timedelta:
    """How long to wait after failed attempt number `attempt` (from 1); `jitter` is in [0, 1).

    The delay doubles up to a quarter of an hour; up to half of it is left to chance, so that mails
    that failed together do not come back together.
    """
    whole = min(_FIRST_DELAY * 2 ** min(attempt - 1, 20), _LONGEST_DELAY)
    return whole * (1 - jitter / 2)


def is_obsolete(notification: Notification, appointment: Appointment, now: datetime) -> bool:
    """Whether nobody wants to read it any more: cancelled, or reminded of what has begun."""
    if notification.kind == "cancellation":
        return False
    if appointment.status == "cancelled":
        return True
    return notification.kind == "reminder" and appointment.terms.starts_at <= now

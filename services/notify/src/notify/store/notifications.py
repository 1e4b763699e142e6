"""The notifications table: what is to be sent, to whom, and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import TupleRow

from notify.domain.appointments import Recipient
from notify.domain.notifications import Flow, Listed, Notification
from service_kit.database import Connection

_PLAN = """
INSERT INTO notifications (notification_id, tenant, booking_id, kind, recipient, role, sequence,
                           due_at, next_attempt_at, calendar, reminder_id, channel,
                           correlation_id, causation_id, traceparent)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (notification_id) DO NOTHING
"""

_COLUMNS = """n.notification_id, n.tenant, n.booking_id, n.kind, n.recipient, n.role, n.sequence,
    n.due_at, n.calendar, n.reminder_id, n.channel"""

_IS_DUE = """n.state IN ('planned', 'waiting') AND n.next_attempt_at <= %(now)s
      AND (n.state = 'waiting' OR n.reminder_id IS NULL)
      AND (n.lease_until IS NULL OR n.lease_until < now())"""

# A reminder's mail waits for its reminder; two mails to one person about one booking are never
# on their way at once, so that a cancellation cannot overtake the invite it calls off. The second
# rule is asked of the next few only: asked of a whole backlog it costs the square of it.
_CLAIM = f"""
WITH next AS MATERIALIZED (
    SELECT n.notification_id FROM notifications n WHERE {_IS_DUE}
    ORDER BY n.next_attempt_at LIMIT %(limit)s * 20
), due AS (
    SELECT n.notification_id FROM next JOIN notifications n USING (notification_id)
    WHERE {_IS_DUE}
      AND NOT EXISTS (SELECT FROM notifications other
                      WHERE other.booking_id = n.booking_id AND other.recipient = n.recipient
                        AND other.notification_id <> n.notification_id
                        AND other.state = 'waiting' AND other.lease_until > now())
    ORDER BY n.next_attempt_at LIMIT %(limit)s FOR UPDATE OF n SKIP LOCKED
)
UPDATE notifications n
SET state = 'waiting', attempts = attempts + 1, fencing = fencing + 1,
    lease_until = now() + %(lease)s
FROM due WHERE n.notification_id = due.notification_id
RETURNING {_COLUMNS}, n.attempts, n.fencing, n.correlation_id, n.causation_id, n.traceparent
"""  # noqa: S608 - the columns are ours

_HASTEN = """
UPDATE notifications SET due_at = %(now)s, next_attempt_at = %(now)s
WHERE booking_id = %(booking_id)s AND kind = 'confirmation' AND state = 'planned'
  AND due_at > %(now)s
"""

_WITHOUT_LINK = """
SELECT recipient, role, sequence FROM notifications
WHERE booking_id = %(booking_id)s AND kind = 'confirmation' AND state = 'sent' AND NOT with_link
"""

_INVITED = """
SELECT recipient FROM notifications
WHERE booking_id = %(booking_id)s AND kind IN ('confirmation', 'update')
  AND (state = 'sent' OR (state IN ('waiting', 'dropped') AND attempts > 0))
"""

_DROP_UNSENT = """
UPDATE notifications SET state = 'dropped', lease_until = NULL
WHERE booking_id = %(booking_id)s AND kind <> 'cancellation' AND state IN ('planned', 'waiting')
  AND (lease_until IS NULL OR lease_until < now())
"""

_RELEASE = """
UPDATE notifications SET state = 'waiting' WHERE reminder_id = ANY(%(ids)s) AND state = 'planned'
"""

_DROP_OF_REMINDERS = """
UPDATE notifications SET state = 'dropped' WHERE reminder_id = ANY(%(ids)s) AND state = 'planned'
"""

_OURS = "notification_id = %(id)s AND state = 'waiting' AND fencing = %(fencing)s"

_MARK_SENT = f"""
UPDATE notifications SET state = 'sent', sent_at = %(now)s, with_link = %(with_link)s,
                         lease_until = NULL, last_error = NULL WHERE {_OURS}
"""  # noqa: S608 - the condition is ours

_MARK_FAILED = f"""
UPDATE notifications SET state = 'failed', last_error = %(error)s, lease_until = NULL WHERE {_OURS}
"""  # noqa: S608 - the condition is ours

_RETRY = f"""
UPDATE notifications SET next_attempt_at = %(until)s, last_error = %(error)s, lease_until = NULL
WHERE {_OURS}
"""  # noqa: S608 - the condition is ours

_POSTPONE = f"""
UPDATE notifications SET next_attempt_at = %(until)s, attempts = attempts - 1, lease_until = NULL
WHERE {_OURS}
"""  # noqa: S608 - the condition is ours

_DROP = f"""
UPDATE notifications SET state = 'dropped', attempts = attempts - 1, lease_until = NULL
WHERE {_OURS}
"""  # noqa: S608 - the condition is ours

_LIST = f"""
SELECT {_COLUMNS}, n.state, n.attempts, n.sent_at FROM notifications n
WHERE n.booking_id = %(booking_id)s AND n.tenant = %(tenant)s
ORDER BY n.due_at, n.kind, n.notification_id
"""  # noqa: S608 - the columns are ours


@dataclass(frozen=True, slots=True)
class Claim:
    """A notification that is ours to deliver until its lease ends."""

    notification: Notification
    attempts: int
    fencing: int
    flow: Flow


async def plan(connection: Connection, planned: Sequence[Notification], flow: Flow) -> None:
    """Writes down notifications; those that stand there already are left alone."""
    why = (flow.correlation_id, flow.causation_id, flow.traceparent)
    async with connection.cursor() as cursor:
        await cursor.executemany(_PLAN, [(*_values(n), *why) for n in planned])


async def claim(connection: Connection, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
    """Takes notifications that are due for the length of a lease."""
    cursor = await connection.execute(_CLAIM, {"now": now, "lease": lease, "limit": limit})
    return [
        Claim(_notification(row[:11]), row[11], row[12], Flow(*row[13:]))
        for row in await cursor.fetchall()
    ]


async def hasten(connection: Connection, booking_id: UUID, now: datetime) -> None:
    """Lets the confirmations of a booking go now, where they wait for something."""
    await connection.execute(_HASTEN, {"booking_id": booking_id, "now": now})


async def sent_without_link(
    connection: Connection, booking_id: UUID
) -> list[tuple[Recipient, int]]:
    """Whose confirmation went out without a link, with the sequence it had."""
    cursor = await connection.execute(_WITHOUT_LINK, {"booking_id": booking_id})
    return [(Recipient(row[0], row[1]), row[2]) for row in await cursor.fetchall()]


async def invited(connection: Connection, booking_id: UUID) -> set[UUID]:
    """Who has been sent an invite, or may have been: an attempt counts, whatever came of it."""
    cursor = await connection.execute(_INVITED, {"booking_id": booking_id})
    return {row[0] for row in await cursor.fetchall()}


async def drop_unsent(connection: Connection, booking_id: UUID) -> None:
    """Drops what is planned for a booking, save what a worker has in hand at this moment."""
    await connection.execute(_DROP_UNSENT, {"booking_id": booking_id})


async def release(connection: Connection, reminder_ids: Sequence[UUID]) -> None:
    """Lets the mails of reminders that came due be delivered."""
    await connection.execute(_RELEASE, {"ids": list(reminder_ids)})


async def drop_of_reminders(connection: Connection, reminder_ids: Sequence[UUID]) -> None:
    """Drops the mails of reminders that nobody needs any more."""
    await connection.execute(_DROP_OF_REMINDERS, {"ids": list(reminder_ids)})


async def mark_sent(
    connection: Connection, claim: Claim, now: datetime, *, with_link: bool
) -> bool:
    """Writes down the delivery; false where the claim is no longer ours."""
    return await _guarded(connection, _MARK_SENT, claim, now=now, with_link=with_link)


async def mark_failed(connection: Connection, claim: Claim, error: str) -> bool:
    """Gives the notification up; false where the claim is no longer ours."""
    return await _guarded(connection, _MARK_FAILED, claim, error=error)


async def retry(connection: Connection, claim: Claim, until: datetime, error: str) -> bool:
    """Lets it wait for its next attempt; false where the claim is no longer ours."""
    return await _guarded(connection, _RETRY, claim, until=until, error=error)


async def postpone(connection: Connection, claim: Claim, until: datetime) -> bool:
    """Gives the claim back as if it had not been tried; false where it is no longer ours."""
    return await _guarded(connection, _POSTPONE, claim, until=until)


async def drop(connection: Connection, claim: Claim) -> bool:
    """Drops a claimed notification untried; false where the claim is no longer ours."""
    return await _guarded(connection, _DROP, claim)


async def of_booking(connection: Connection, tenant: str, booking_id: UUID) -> list[Listed]:
    """Everything that was and will be sent for a booking, by due time."""
    cursor = await connection.execute(_LIST, {"tenant": tenant, "booking_id": booking_id})
    return [
        Listed(_notification(row[:11]), row[11], row[12], row[13])
        for row in await cursor.fetchall()
    ]


async def _guarded(
    connection: Connection, statement: LiteralString, claim: Claim, **values: Any
) -> bool:
    keys = {"id": claim.notification.id, "fencing": claim.fencing}
    return (await connection.execute(statement, {**keys, **values})).rowcount == 1


def _values(n: Notification) -> tuple[Any, ...]:
    who = (n.recipient.id, n.recipient.role)
    when = (n.due_at, n.due_at)
    return (
        *(n.id, n.tenant, n.booking_id, n.kind, *who, n.sequence, *when),
        *(n.calendar, n.reminder_id, n.channel),
    )


def _notification(row: TupleRow) -> Notification:
    return Notification(
        id=row[0],
        tenant=row[1],
        booking_id=row[2],
        kind=row[3],
        recipient=Recipient(row[4], row[5]),
        sequence=row[6],
        due_at=row[7],
        calendar=row[8],
        reminder_id=row[9],
        channel=row[10],
    )

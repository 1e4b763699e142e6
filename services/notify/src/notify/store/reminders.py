"""The reminders table: when each comes due, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from notify.domain.notifications import Flow, Reminder
from service_kit.database import Connection

_PLAN = """
INSERT INTO reminders (reminder_id, tenant, booking_id, minutes_before, due_at,
                       correlation_id, causation_id, traceparent)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (reminder_id) DO NOTHING
"""

_DROP = """
UPDATE reminders SET state = 'dropped' WHERE booking_id = %(booking_id)s AND state = 'planned'
"""

_CLAIM = """
WITH due AS (
    SELECT reminder_id FROM reminders WHERE state = 'planned' AND due_at <= %(now)s
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE reminders r
SET state = CASE WHEN a.status = 'confirmed' AND a.starts_at > %(now)s
                 THEN 'fired' ELSE 'dropped' END
FROM due, appointments a
WHERE r.reminder_id = due.reminder_id AND a.booking_id = r.booking_id
RETURNING r.reminder_id, r.tenant, r.booking_id, r.minutes_before, r.due_at, r.state,
          r.correlation_id, r.causation_id, r.traceparent
"""


@dataclass(frozen=True, slots=True)
class DueReminder:
    """A reminder whose time has come; it `fires` unless its appointment is off or has begun."""

    reminder: Reminder
    flow: Flow
    fires: bool


async def plan(connection: Connection, reminders: Sequence[Reminder], flow: Flow) -> None:
    """Writes down reminders; those that stand there already are left alone."""
    why = (flow.correlation_id, flow.causation_id, flow.traceparent)
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _PLAN,
            [(r.id, r.tenant, r.booking_id, r.minutes_before, r.due_at, *why) for r in reminders],
        )


async def drop(connection: Connection, booking_id: UUID) -> None:
    """Drops the reminders of a booking that have not come due."""
    await connection.execute(_DROP, {"booking_id": booking_id})


async def claim_due(connection: Connection, now: datetime, limit: int) -> list[DueReminder]:
    """Takes reminders that are due, locked until the transaction ends; others skip them."""
    cursor = await connection.execute(_CLAIM, {"now": now, "limit": limit})
    return [
        DueReminder(Reminder(*row[:5]), Flow(*row[6:]), fires=row[5] == "fired")
        for row in sorted(await cursor.fetchall(), key=lambda row: row[4])
    ]

"""The meetings table. `now` is the injected clock's; leases run on the database's own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg.rows import TupleRow

from service_kit.database import Connection
from video.domain import Flow, Meeting

_INSERT = """
INSERT INTO meetings (booking_id, tenant, meeting_id, state, provider, room, reference,
                      starts_at, ends_at, ready_at, next_attempt_at, last_error,
                      correlation_id, causation_id, traceparent)
VALUES (%(booking_id)s, %(tenant)s, %(meeting_id)s, %(state)s, %(provider)s, %(room)s,
        %(reference)s, %(starts_at)s, %(ends_at)s,
        CASE WHEN %(state)s = 'ready' THEN %(now)s::timestamptz END, %(now)s, %(error)s,
        %(correlation_id)s, %(causation_id)s, %(traceparent)s)
ON CONFLICT (booking_id) DO NOTHING
"""

_CLOSE = """
INSERT INTO meetings (booking_id, tenant, meeting_id, state)
VALUES (%(booking_id)s, %(tenant)s, %(meeting_id)s, 'closed')
ON CONFLICT (booking_id) DO UPDATE SET state = 'closed', lease_until = NULL
WHERE meetings.state <> 'closed'
RETURNING ready_at IS NOT NULL
"""

_CLAIM = """
WITH due AS (
    SELECT booking_id FROM meetings
    WHERE state = 'wanted' AND next_attempt_at <= %(now)s
      AND (lease_until IS NULL OR lease_until < now())
    ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE meetings SET attempts = attempts + 1, fencing = fencing + 1, lease_until = now() + %(lease)s
FROM due WHERE meetings.booking_id = due.booking_id
RETURNING tenant, meetings.booking_id, meeting_id, provider, room, starts_at, ends_at, state,
          reference, attempts, fencing, correlation_id, causation_id, traceparent
"""

_MARK_READY = """
UPDATE meetings SET state = 'ready', reference = %(reference)s, ready_at = %(now)s,
                    lease_until = NULL, last_error = NULL
WHERE booking_id = %(booking_id)s AND state = 'wanted' AND fencing = %(fencing)s
"""

_MARK_FAILED = """
UPDATE meetings SET state = 'failed', last_error = %(error)s, lease_until = NULL
WHERE booking_id = %(booking_id)s AND state = 'wanted' AND fencing = %(fencing)s
"""

_POSTPONE = """
UPDATE meetings SET next_attempt_at = %(until)s, last_error = %(error)s, lease_until = NULL
WHERE booking_id = %(booking_id)s AND state = 'wanted' AND fencing = %(fencing)s
"""

_READ = """
SELECT tenant, booking_id, meeting_id, provider, room, starts_at, ends_at, state, reference,
       attempts, fencing
FROM meetings WHERE booking_id = %(booking_id)s AND tenant = %(tenant)s
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A meeting that is ours to provision until its lease ends."""

    meeting: Meeting
    flow: Flow


async def insert(
    connection: Connection, meeting: Meeting, flow: Flow, now: datetime, error: str | None = None
) -> bool:
    """Writes a new meeting; false where the booking has a row already."""
    values = {
        "booking_id": meeting.booking_id,
        "tenant": meeting.tenant,
        "meeting_id": meeting.meeting_id,
        "state": meeting.state,
        "provider": meeting.provider,
        "room": meeting.room,
        "reference": meeting.reference,
        "starts_at": meeting.starts_at,
        "ends_at": meeting.ends_at,
        "now": now,
        "error": error,
        "correlation_id": flow.correlation_id,
        "causation_id": flow.causation_id,
        "traceparent": flow.traceparent,
    }
    return (await connection.execute(_INSERT, values)).rowcount == 1


async def close(connection: Connection, tenant: str, booking_id: UUID, meeting_id: UUID) -> bool:
    """Closes the booking's meeting for good; true where it had stood ready until now."""
    keys = {"tenant": tenant, "booking_id": booking_id, "meeting_id": meeting_id}
    row = await (await connection.execute(_CLOSE, keys)).fetchone()
    return row is not None and bool(row[0])


async def claim(connection: Connection, now: datetime, lease: timedelta) -> Claim | None:
    """Takes the longest waiting meeting for the length of a lease."""
    row = await (await connection.execute(_CLAIM, {"now": now, "lease": lease})).fetchone()
    return Claim(_meeting(row[:11]), Flow(*row[11:])) if row else None


async def mark_ready(
    connection: Connection, meeting: Meeting, reference: str, now: datetime
) -> bool:
    """Writes down the room; false where the claim is no longer ours."""
    return await _guarded(connection, _MARK_READY, meeting, reference=reference, now=now)


async def mark_failed(connection: Connection, meeting: Meeting, error: str) -> bool:
    """Gives the meeting up; false where the claim is no longer ours."""
    return await _guarded(connection, _MARK_FAILED, meeting, error=error)


async def postpone(connection: Connection, meeting: Meeting, until: datetime, error: str) -> bool:
    """Lets the meeting wait for its next attempt; false where the claim is no longer ours."""
    return await _guarded(connection, _POSTPONE, meeting, until=until, error=error)


async def read(
    connection: Connection, tenant: str, booking_id: UUID
) -> Meeting | Literal["closed"] | None:
    """The booking's meeting; nothing where none was ever wanted."""
    keys = {"tenant": tenant, "booking_id": booking_id}
    row = await (await connection.execute(_READ, keys)).fetchone()
    if row is None:
        return None
    return "closed" if row[7] == "closed" else _meeting(row)


async def _guarded(
    connection: Connection, statement: LiteralString, meeting: Meeting, **values: Any
) -> bool:
    keys = {"booking_id": meeting.booking_id, "fencing": meeting.fencing}
    return (await connection.execute(statement, {**keys, **values})).rowcount == 1


def _meeting(row: TupleRow) -> Meeting:
    return Meeting(*row)

"""Bookings in outside calendars: what should be there, who works on it, how it ended."""

from dataclasses import asdict
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from calendar_sync.domain import Claim, Flow
from calendar_sync.store import appointments
from service_kit.database import Connection

LEASE_SECONDS = 60

# A booking is wanted in every calendar of its host. A calendar that has an entry already is
# brought up to date in any case, though it be to take the booking out.
_WANT = """
INSERT INTO entries AS known (booking_id, connection_id, wanted_revision, next_attempt_at,
                              correlation_id, causation_id, traceparent)
SELECT a.booking_id, c.id, a.revision, %(now)s,
       %(correlation_id)s, %(causation_id)s, %(traceparent)s
FROM appointments a JOIN connections c ON c.tenant = a.tenant
WHERE a.booking_id = %(booking_id)s AND a.details_version > 0
  AND (a.host_id = c.host_id AND NOT a.cancelled
       OR EXISTS (SELECT FROM entries e
                  WHERE e.booking_id = a.booking_id AND e.connection_id = c.id))
ON CONFLICT (booking_id, connection_id) DO UPDATE
SET wanted_revision = excluded.wanted_revision, next_attempt_at = excluded.next_attempt_at,
    attempts = 0, failed_at = NULL, correlation_id = excluded.correlation_id,
    causation_id = excluded.causation_id, traceparent = excluded.traceparent
WHERE known.wanted_revision < excluded.wanted_revision
"""

_BACKFILL = """
INSERT INTO entries AS known (booking_id, connection_id, wanted_revision, next_attempt_at,
                              correlation_id, causation_id, traceparent)
SELECT a.booking_id, c.id, a.revision, %(now)s,
       %(correlation_id)s, %(causation_id)s, %(traceparent)s
FROM connections c JOIN appointments a ON a.tenant = c.tenant AND a.host_id = c.host_id
WHERE c.id = %(connection_id)s AND NOT a.cancelled AND a.ends_at > %(now)s
ON CONFLICT (booking_id, connection_id) DO NOTHING
"""

# One server is asked by one worker at a time; the rest turn to the others. Leases run by the
# database's clock, which no worker's clock can be ahead of.
_CLAIM: LiteralString = f"""
WITH due AS (
    SELECT e.booking_id, e.connection_id
    FROM entries e JOIN connections c ON c.id = e.connection_id
    WHERE e.written_revision < e.wanted_revision AND e.failed_at IS NULL
      AND e.next_attempt_at <= %(now)s AND c.quiet_until <= %(now)s
      AND NOT EXISTS (SELECT FROM entries busy
                      WHERE busy.connection_id = e.connection_id
                        AND busy.lease_until >= clock_timestamp())
    ORDER BY e.next_attempt_at
    LIMIT 1
    FOR NO KEY UPDATE OF e, c SKIP LOCKED
)
UPDATE entries e
SET fencing = e.fencing + 1, attempts = e.attempts + 1,
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM due, connections c, appointments a
WHERE e.booking_id = due.booking_id AND e.connection_id = due.connection_id
  AND c.id = e.connection_id AND a.booking_id = e.booking_id
RETURNING e.fencing, e.attempts, NOT a.cancelled AND a.host_id = c.host_id, e.stands,
          c.id, c.url, c.username, c.password,
          e.correlation_id, e.causation_id, e.traceparent, {appointments.COLUMNS}
"""  # noqa: S608 - nothing but our own column names


async def want(connection: Connection, booking_id: UUID, now: datetime, flow: Flow) -> None:
    """Makes due whatever the booking's newest revision changes in its host's calendars."""
    await connection.execute(_WANT, {"booking_id": booking_id, "now": now, **asdict(flow)})


async def backfill(connection: Connection, connection_id: UUID, now: datetime, flow: Flow) -> None:
    """Makes due the host's bookings that have not ended yet."""
    await connection.execute(
        _BACKFILL, {"connection_id": connection_id, "now": now, **asdict(flow)}
    )


async def revive(connection: Connection, connection_id: UUID, now: datetime) -> None:
    """Makes due what could not be written to a calendar so far."""
    await connection.execute(
        """
        UPDATE entries SET next_attempt_at = %s, attempts = 0, failed_at = NULL
        WHERE connection_id = %s AND written_revision < wanted_revision
        """,
        (now, connection_id),
    )


async def claim(connection: Connection, now: datetime) -> Claim | None:
    """Claims the entry that has been due longest, for `LEASE_SECONDS`."""
    cursor = await connection.execute(_CLAIM, {"now": now, "lease": LEASE_SECONDS})
    row = await cursor.fetchone()
    if row is None:
        return None
    fencing, attempts, wanted, stands, connection_id, url, username, password, *rest = row
    correlation_id, causation_id, traceparent, *columns = rest
    return Claim(
        connection_id=connection_id,
        fencing=fencing,
        attempts=attempts,
        wanted=wanted,
        stands=stands,
        appointment=appointments.appointment(columns),
        url=url,
        username=username,
        sealed_password=bytes(password),
        flow=Flow(correlation_id, causation_id, traceparent),
    )


async def mark_done(connection: Connection, claim: Claim) -> bool:
    """Says that the calendar is as wanted; False where the claim has been taken over."""
    return await _end(
        connection,
        claim,
        """
        UPDATE entries
        SET written_revision = %(revision)s, stands = %(wanted)s, attempts = 0, failure = NULL,
            lease_until = '-infinity'
        WHERE booking_id = %(booking_id)s AND connection_id = %(connection_id)s
          AND fencing = %(fencing)s
        """,
        revision=claim.appointment.revision,
        wanted=claim.wanted,
    )


async def mark_failed(
    connection: Connection, claim: Claim, reason: str, again_at: datetime
) -> bool:
    """Says that it did not work, and when to try again; False where it has been taken over."""
    return await _end(
        connection,
        claim,
        """
        UPDATE entries
        SET failure = %(reason)s, next_attempt_at = %(again_at)s, lease_until = '-infinity'
        WHERE booking_id = %(booking_id)s AND connection_id = %(connection_id)s
          AND fencing = %(fencing)s
        """,
        reason=reason,
        again_at=again_at,
    )


async def give_up(connection: Connection, claim: Claim, reason: str, at: datetime) -> bool:
    """Says that it will not work; False where it has been taken over, or has changed since."""
    return await _end(
        connection,
        claim,
        """
        UPDATE entries
        SET failure = %(reason)s, failed_at = %(at)s, lease_until = '-infinity'
        WHERE booking_id = %(booking_id)s AND connection_id = %(connection_id)s
          AND fencing = %(fencing)s AND wanted_revision = %(revision)s
        """,
        reason=reason,
        at=at,
        revision=claim.appointment.revision,
    )


async def put_off(connection: Connection, claim: Claim, again_at: datetime) -> None:
    """Gives the claim back untried: it does not count as an attempt."""
    await _end(
        connection,
        claim,
        """
        UPDATE entries
        SET attempts = greatest(attempts - 1, 0), next_attempt_at = %(again_at)s,
            lease_until = '-infinity'
        WHERE booking_id = %(booking_id)s AND connection_id = %(connection_id)s
          AND fencing = %(fencing)s
        """,
        again_at=again_at,
    )


async def redo(connection: Connection, claim: Claim, now: datetime) -> None:
    """Makes an entry due again that was written to by a claim that had been taken over.

    The new holder's claim ends by it too, since which of the two wrote last is not known.
    """
    await _end(
        connection,
        claim,
        """
        UPDATE entries
        SET written_revision = 0, stands = true, fencing = fencing + 1, attempts = 0,
            failed_at = NULL, next_attempt_at = %(now)s
        WHERE booking_id = %(booking_id)s AND connection_id = %(connection_id)s
          AND fencing > %(fencing)s
        """,
        now=now,
    )


async def _end(
    connection: Connection, claim: Claim, statement: LiteralString, **values: object
) -> bool:
    cursor = await connection.execute(
        statement,
        {
            "booking_id": claim.appointment.booking_id,
            "connection_id": claim.connection_id,
            "fencing": claim.fencing,
            **values,
        },
    )
    return cursor.rowcount == 1

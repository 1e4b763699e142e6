"""What is known of each booking."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from calendar_sync.domain import Appointment, Details, Notice, Place
from service_kit.database import Connection

COLUMNS: LiteralString = """
    a.tenant, a.booking_id, a.revision, a.sequence, a.changed_at,
    a.number, a.title, a.host_id, a.host_time_zone, a.attendee_id, a.starts_at, a.ends_at, a.place
"""


async def note(connection: Connection, notice: Notice) -> None:
    """Takes in a notice's version, sequence and cancellation, whatever was heard before."""
    await connection.execute(
        """
        INSERT INTO appointments AS known
            (booking_id, tenant, version, cancelled, sequence, changed_at)
        VALUES (%(booking_id)s, %(tenant)s, %(version)s, %(cancelled)s, %(sequence)s, %(at)s)
        ON CONFLICT (booking_id) DO UPDATE
        SET version = greatest(known.version, excluded.version),
            cancelled = known.cancelled OR excluded.cancelled,
            sequence = greatest(known.sequence, excluded.sequence),
            changed_at = greatest(known.changed_at, excluded.changed_at),
            revision = known.revision + 1
        WHERE known.version < excluded.version
           OR known.sequence < excluded.sequence
           OR known.cancelled < excluded.cancelled
        """,
        {
            "booking_id": notice.booking_id,
            "tenant": notice.tenant,
            "version": notice.version,
            "cancelled": notice.cancelled,
            "sequence": notice.sequence,
            "at": notice.at,
        },
    )


async def describe(
    connection: Connection, booking_id: UUID, version: int, details: Details
) -> None:
    """Takes in the details that held at a version, unless those of a newer one are known."""
    await connection.execute(
        """
        UPDATE appointments
        SET details_version = %(version)s, revision = revision + 1,
            number = %(number)s, title = %(title)s, host_id = %(host_id)s,
            host_time_zone = %(host_time_zone)s, attendee_id = %(attendee_id)s,
            starts_at = %(starts_at)s, ends_at = %(ends_at)s, place = %(place)s
        WHERE booking_id = %(booking_id)s AND details_version < %(version)s
        """,
        {
            **asdict(details),
            "booking_id": booking_id,
            "version": version,
            "place": Jsonb(asdict(details.place)),
        },
    )


async def of_host(
    connection: Connection, tenant: str, host_id: UUID, start: datetime, until: datetime, most: int
) -> list[Appointment]:
    """A host's appointments that touch the time from `start` to `until`, the earliest first."""
    cursor = await connection.execute(
        f"""
        SELECT {COLUMNS} FROM appointments a
        WHERE a.tenant = %(tenant)s AND a.host_id = %(host_id)s AND NOT a.cancelled
          AND a.ends_at >= %(start)s AND a.starts_at < %(until)s
        ORDER BY a.starts_at, a.booking_id
        LIMIT %(most)s
        """,  # noqa: S608 - nothing but our own column names
        {"tenant": tenant, "host_id": host_id, "start": start, "until": until, "most": most},
    )
    return [appointment(row) for row in await cursor.fetchall()]


def appointment(row: Sequence[Any]) -> Appointment:
    """The appointment in a row of `COLUMNS`."""
    tenant, booking_id, revision, sequence, changed_at, *details = row
    *plain, place = details
    return Appointment(
        tenant, booking_id, revision, sequence, changed_at, Details(*plain, place=Place(**place))
    )

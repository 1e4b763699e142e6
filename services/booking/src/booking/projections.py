"""The list, kept up to date from the events: rows and position in one transaction.

Replicas take turns by the position's row lock; whoever comes second finds nothing left to do.
A rebuild is: rows deleted, position 0.
"""

from functools import singledispatch
from typing import Any

from booking.domain import Booking
from booking.event_log import EventLog
from service_kit.database import Connection, Database

BATCH = 500


class BookingListProjection:
    """Writes `booking_list` from the event log."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    async def catch_up(self) -> int:
        """Takes the next events into the list; answers how many there were."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """SELECT position FROM projection_positions
                   WHERE projection = 'booking_list' FOR UPDATE"""
            )
            row = await cursor.fetchone()
            logged = await self._log.after(connection, int(row[0]) if row else 0, BATCH)
            if not logged:
                return 0
            async with connection.pipeline():
                for _, event in logged:
                    await project(event, connection)
                await connection.execute(
                    """UPDATE projection_positions SET position = %s
                       WHERE projection = 'booking_list'""",
                    (logged[-1][0],),
                )
        return len(logged)


@singledispatch
async def project(event: Any, connection: Connection) -> None:
    """Takes one event into the list; an event that the list does not show changes its version."""
    await connection.execute(
        "UPDATE booking_list SET version = %s WHERE booking_id = %s",
        (event.originator_version, event.originator_id),
    )


@project.register
async def _(event: Booking.Requested, connection: Connection) -> None:
    wish, attendee = event.wish, event.attendance.attendee
    await connection.execute(
        """INSERT INTO booking_list
               (booking_id, tenant, number, status, appointment_type, title, starts_at, time_zone,
                host_id, location_kind, attendee_id, attendee_version, version, created_at)
           VALUES (%s, %s, %s, 'requested', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            event.originator_id,
            event.tenant,
            event.number,
            wish.appointment_type,
            wish.appointment_type,
            wish.start,
            wish.time_zone,
            wish.host_id,
            wish.location_kind,
            attendee.person_id,
            attendee.version,
            event.originator_version,
            event.timestamp,
        ),
    )


@project.register
async def _(event: Booking.Confirmed, connection: Connection) -> None:
    terms = event.terms
    await connection.execute(
        """UPDATE booking_list
           SET status = 'confirmed', version = %s, title = %s, starts_at = %s, ends_at = %s,
               host_id = %s, location_kind = %s
           WHERE booking_id = %s""",
        (
            event.originator_version,
            terms.title,
            terms.start,
            terms.end,
            terms.host_id,
            terms.location.kind,
            event.originator_id,
        ),
    )


@project.register
async def _(event: Booking.MarkedUnavailable, connection: Connection) -> None:
    await _set_status(connection, event, "unavailable")


@project.register
async def _(event: Booking.Cancelled, connection: Connection) -> None:
    await _set_status(connection, event, "cancelled")


async def _set_status(connection: Connection, event: Booking.Event, status: str) -> None:
    await connection.execute(
        "UPDATE booking_list SET status = %s, version = %s WHERE booking_id = %s",
        (status, event.originator_version, event.originator_id),
    )

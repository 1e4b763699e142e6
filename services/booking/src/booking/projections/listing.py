"""The list, kept up to date from the events: rows and position in one transaction.

A row is what its booking's events make of it, by `listed` alone; the live list and its rebuild
differ in nothing but the table. Replicas take turns by the position's row lock; whoever comes
second finds nothing left to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import singledispatch
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from booking.domain import Booking
from booking.event_log import EventLog, LoggedEvent
from service_kit.database import Connection, Database

NAME = "booking_list"
BATCH = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """A booking as the list shows it: one row, in the order of its columns."""

    booking_id: UUID
    tenant: str
    number: str
    status: str
    appointment_type: str
    title: str
    starts_at: datetime
    ends_at: datetime | None
    time_zone: str
    host_id: UUID | None
    location_kind: str | None
    attendee_id: UUID
    attendee_version: int
    version: int
    created_at: datetime


COLUMNS = tuple(field.name for field in fields(Listed))

_TYPES: tuple[LiteralString, ...] = (
    *("uuid", "text", "text", "text", "text", "text", "timestamptz", "timestamptz", "text"),
    *("uuid", "text", "uuid", "integer", "bigint", "timestamptz"),
)
_ARRAYS = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(kind)) for kind in _TYPES)

NAMES = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
"""The columns, for SQL."""

TAKE_OVER = sql.SQL("ON CONFLICT (booking_id) DO UPDATE SET {}").format(
    sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in COLUMNS[1:]
    )
)
"""The end of an INSERT whose rows take the place of what stands there."""


class BookingListProjection:
    """Writes `booking_list` from the event log."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    async def catch_up(self) -> int:
        """Takes the next events into the list; answers how many there were."""
        async with self._database.transaction() as connection:
            reached = await lock_position(connection)
            logged = await self._log.after(connection, reached, BATCH)
            if not logged:
                return 0
            await take_in(connection, logged)
            await set_position(connection, logged[-1][0])
        return len(logged)


async def position(connection: Connection) -> int:
    """How far the list has come."""
    cursor = await connection.execute(
        "SELECT position FROM projection_positions WHERE projection = %s", (NAME,)
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def lock_position(connection: Connection) -> int:
    """How far the list has come; nobody else moves it before the transaction ends."""
    cursor = await connection.execute(
        "SELECT position FROM projection_positions WHERE projection = %s FOR UPDATE", (NAME,)
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def set_position(connection: Connection, reached: int) -> None:
    """Says how far the list has come."""
    await connection.execute(
        """INSERT INTO projection_positions (projection, position) VALUES (%s, %s)
           ON CONFLICT (projection) DO UPDATE SET position = excluded.position""",
        (NAME, reached),
    )


async def take_in(connection: Connection, logged: Sequence[LoggedEvent], table: str = NAME) -> None:
    """Takes events, in their order, into the list or into another table of its shape."""
    rows = await _known(connection, logged, table)
    for _, event in logged:
        if row := listed(event, rows.get(event.originator_id)):
            rows[event.originator_id] = row
    await _put(connection, list(rows.values()), table)


async def _known(
    connection: Connection, logged: Sequence[LoggedEvent], table: str
) -> dict[UUID, Listed]:
    """The rows that the events are about; who is only just asked for has none."""
    new = {event.originator_id for _, event in logged if isinstance(event, Booking.Requested)}
    old = {event.originator_id for _, event in logged} - new
    if not old:
        return {}
    query = sql.SQL("SELECT {} FROM {} WHERE booking_id = ANY(%s)")
    async with connection.cursor(row_factory=class_row(Listed)) as cursor:
        await cursor.execute(query.format(NAMES, sql.Identifier(table)), (list(old),))
        return {row.booking_id: row for row in await cursor.fetchall()}


async def _put(connection: Connection, rows: Sequence[Listed], table: str) -> None:
    query = sql.SQL("INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {take_over}")
    query = query.format(
        table=sql.Identifier(table), names=NAMES, arrays=_ARRAYS, take_over=TAKE_OVER
    )
    if rows:
        await connection.execute(query, [[getattr(row, name) for row in rows] for name in COLUMNS])


@singledispatch
def listed(event: Any, row: Listed | None) -> Listed | None:
    """The row after an event; one that the list does not show changes its version alone."""
    return row and replace(row, version=event.originator_version)


@listed.register
def _(event: Booking.Requested, row: Listed | None) -> Listed | None:
    _ = row
    wish, attendee = event.wish, event.attendance.attendee
    return Listed(
        booking_id=event.originator_id,
        tenant=event.tenant,
        number=event.number,
        status="requested",
        appointment_type=wish.appointment_type,
        title=wish.appointment_type,
        starts_at=wish.start,
        ends_at=None,
        time_zone=wish.time_zone,
        host_id=wish.host_id,
        location_kind=wish.location_kind,
        attendee_id=attendee.person_id,
        attendee_version=attendee.version,
        version=event.originator_version,
        created_at=event.timestamp,
    )


@listed.register
def _(event: Booking.Confirmed, row: Listed | None) -> Listed | None:
    terms = event.terms
    return row and replace(
        row,
        status="confirmed",
        version=event.originator_version,
        title=terms.title,
        starts_at=terms.start,
        ends_at=terms.end,
        host_id=terms.host_id,
        location_kind=terms.location.kind,
    )


@listed.register
def _(event: Booking.MarkedUnavailable, row: Listed | None) -> Listed | None:
    return row and replace(row, status="unavailable", version=event.originator_version)


@listed.register
def _(event: Booking.Cancelled, row: Listed | None) -> Listed | None:
    return row and replace(row, status="cancelled", version=event.originator_version)

"""The event store as it is read: by the relay in commit order, by queries one booking at a time.

The relay and the projections read on connections of their own; the library maps what they find.
"""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from eventsourcing.application import project_aggregate
from eventsourcing.persistence import Mapper, StoredEvent
from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from booking import publishing
from booking.application import Bookings
from booking.domain import Booking
from service_kit.database import Connection
from service_kit.messages import START, Outgoing, Position

_COLUMNS = "notification_id, originator_id, originator_version, topic, state"

_AFTER = f"""SELECT {_COLUMNS} FROM bookings_events WHERE notification_id > %s
             ORDER BY notification_id LIMIT %s"""  # noqa: S608

_OF_ONE = f"""SELECT {_COLUMNS} FROM bookings_events WHERE originator_id = %s
              ORDER BY originator_version"""  # noqa: S608

_BY_BOOKING = f"""SELECT {_COLUMNS} FROM bookings_events WHERE notification_id <= %s
                  ORDER BY originator_id, originator_version"""  # noqa: S608

_RAISE_REACH = """
SELECT setval(sequence, greatest(%s, coalesce(pg_sequence_last_value(sequence), 0)))
FROM CAST(pg_get_serial_sequence('bookings_events', 'notification_id') AS regclass) AS sequence
"""

# A projection that has taken in an event has taken it in wherever it stands now.
_MOVE_PROJECTIONS = """
UPDATE projection_positions AS p
SET position = moved.now
FROM unnest(%s::bigint[], %s::bigint[]) AS moved (was, now)
WHERE moved.was = (SELECT max(was) FROM unnest(%s::bigint[]) AS was WHERE was <= p.position)
"""

LoggedEvent = tuple[int, Booking.Event]
"""A stored event with its notification id."""


class EventLog:
    """Reads stored events; also the relay's source, as the event store is its own outbox."""

    name = publishing.SOURCE

    def __init__(self, mapper: Mapper[UUID]) -> None:
        self._mapper = mapper

    async def after(self, connection: Connection, position: int, limit: int) -> list[LoggedEvent]:
        """Stored events after a notification id, in commit order."""
        cursor = await connection.execute(_AFTER, (position, limit))
        return [self._logged(row) for row in await cursor.fetchall()]

    async def by_booking(
        self, connection: Connection, until: int, at_once: int
    ) -> AsyncGenerator[list[LoggedEvent]]:
        """Every stored event up to a notification id, one booking after the other, each in order.

        `at_once` at a time, within the caller's transaction: what is not asked for yet is neither
        here nor with the server.
        """
        async with connection.cursor(name="by_booking") as cursor:
            await cursor.execute(_BY_BOOKING, (until,))
            while rows := await cursor.fetchmany(at_once):
                yield [self._logged(row) for row in rows]

    async def of(self, connection: Connection, booking_id: UUID) -> list[LoggedEvent]:
        """Every stored event of one booking, first to last."""
        return await self.answered(await self.ask(connection, booking_id))

    async def ask(self, connection: Connection, booking_id: UUID) -> AsyncCursor[TupleRow]:
        """The question for one booking's events, which may stand in a pipeline with others."""
        return await connection.execute(_OF_ONE, (booking_id,))

    async def answered(self, asked: AsyncCursor[TupleRow]) -> list[LoggedEvent]:
        """The events that `ask` asked for, first to last."""
        return [self._logged(row) for row in await asked.fetchall()]

    # ------------------------------------------------------------------ the relay's source

    async def fetch(
        self, connection: Connection, after: Position, limit: int
    ) -> tuple[Sequence[Outgoing], Position]:
        """Messages after a position; stored events that map to none count as published."""
        logged = await self.after(connection, after.sequence, limit)
        found = [publishing.outgoing(event, number) for number, event in logged]
        looked = Position(logged[-1][0]) if logged else after
        return [message for message in found if message], looked

    async def first(self, connection: Connection) -> Position | None:
        """The position of the first event that is published."""
        position = 0
        while logged := await self.after(connection, position, 100):
            for position, event in logged:
                if publishing.contract_event(event):
                    return Position(position)
        return None

    async def event_id(self, connection: Connection, position: Position) -> str | None:
        """The id under which the event at a position is published."""
        if position == START:
            return None
        logged = await self.after(connection, position.sequence - 1, 1)
        if not logged or logged[0][0] != position.sequence:
            return None
        message = publishing.outgoing(logged[0][1], position.sequence)
        return str(message.envelope.id) if message else None

    async def backlog(self, connection: Connection, after: Position) -> int:
        """How many stored events stand after a position."""
        cursor = await connection.execute(
            "SELECT count(*) FROM bookings_events WHERE notification_id > %s", (after.sequence,)
        )
        row = await cursor.fetchone()
        return int(row[0]) if row else 0

    # ------------------------------------------------------------------ the record, for repairs

    async def read(
        self, connection: Connection, after: Position, limit: int
    ) -> tuple[Sequence[Outgoing], Position]:
        """Messages after a position; reading stored events changes nothing."""
        return await self.fetch(connection, after, limit)

    async def head(self, connection: Connection) -> Position:
        """The position of the newest stored event."""
        cursor = await connection.execute(
            "SELECT coalesce(max(notification_id), 0) FROM bookings_events"
        )
        row = await cursor.fetchone()
        return Position(row[0]) if row else START

    async def reach(self, connection: Connection) -> Position:
        """The highest notification id that was ever given, or will never be."""
        cursor = await connection.execute(
            """SELECT coalesce(pg_sequence_last_value(CAST(
                   pg_get_serial_sequence('bookings_events', 'notification_id') AS regclass)), 0)"""
        )
        row = await cursor.fetchone()
        return max(Position(row[0]) if row else START, await self.head(connection))

    async def move_beyond(self, connection: Connection, after: Position, beyond: int) -> int:
        """Gives what comes after a position new ids above `beyond`; answers how many moved.

        What the projections have taken in stays taken in.
        """
        await connection.execute("SELECT FROM projection_positions FOR UPDATE")
        await connection.execute("LOCK TABLE bookings_events IN EXCLUSIVE MODE")
        await connection.execute(_RAISE_REACH, (beyond,))
        cursor = await connection.execute(
            """SELECT notification_id FROM bookings_events WHERE notification_id > %s
               ORDER BY notification_id""",
            (after.sequence,),
        )
        moving = [int(row[0]) for row in await cursor.fetchall()]
        if not moving:
            return 0
        async with connection.cursor() as renumbering:
            # One by one: no UPDATE of many rows promises an order.
            await renumbering.executemany(
                "UPDATE bookings_events SET notification_id = DEFAULT WHERE notification_id = %s",
                [(number,) for number in moving],
            )
        cursor = await connection.execute(
            """SELECT notification_id FROM bookings_events WHERE notification_id > %s
               ORDER BY notification_id""",
            (beyond,),
        )
        moved = [int(row[0]) for row in await cursor.fetchall()]
        await connection.execute(_MOVE_PROJECTIONS, (moving, moved, moving))
        return len(moving)

    def _logged(self, row: tuple[Any, ...]) -> LoggedEvent:
        number, booking_id, version, topic, state = row
        stored = StoredEvent(booking_id, version, topic, bytes(state))
        return number, cast("Booking.Event", self._mapper.to_domain_event(stored))


def stored_events() -> EventLog:
    """The log for whoever has a connection to the database, and runs no application."""
    return EventLog(Bookings(env={"PERSISTENCE_MODULE": "eventsourcing.popo"}).mapper)


def replay(
    logged: Sequence[LoggedEvent],
    *,
    until_version: int | None = None,
    until: datetime | None = None,
) -> Booking | None:
    """The booking as its events made it, up to a version or an instant (UTC), both included."""
    events = [
        event
        for _, event in logged
        if (until_version is None or event.originator_version <= until_version)
        and (until is None or event.timestamp <= until)
    ]
    return project_aggregate(None, events) if events else None

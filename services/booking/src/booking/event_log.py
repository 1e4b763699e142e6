"""The event store as it is read: by the relay in commit order, by queries one booking at a time.

The relay and the projections read on connections of their own; the library maps what they find.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from eventsourcing.application import project_aggregate
from eventsourcing.persistence import Mapper, StoredEvent
from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from booking import publishing
from booking.domain import Booking
from service_kit.database import Connection
from service_kit.messages import START, Outgoing, Position

_COLUMNS = "notification_id, originator_id, originator_version, topic, state"

_AFTER = f"""SELECT {_COLUMNS} FROM bookings_events WHERE notification_id > %s
             ORDER BY notification_id LIMIT %s"""  # noqa: S608

_OF_ONE = f"""SELECT {_COLUMNS} FROM bookings_events WHERE originator_id = %s
              ORDER BY originator_version"""  # noqa: S608

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

    def _logged(self, row: tuple[Any, ...]) -> LoggedEvent:
        number, booking_id, version, topic, state = row
        stored = StoredEvent(booking_id, version, topic, bytes(state))
        return number, cast("Booking.Event", self._mapper.to_domain_event(stored))


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

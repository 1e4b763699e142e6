"""A projection made anew from the first event, while the service goes on serving it.

The rows are made beside the list, in a table that only this session sees, one booking after the
other. What differs is then put right in one transaction, at one position, while the live
projection waits: a reader sees the list before it or after it, never half of either, and no table
changes its name.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import LiteralString
from uuid import UUID

from psycopg import IsolationLevel, sql

from booking.event_log import EventLog
from booking.projections import listing
from booking.projections.listing import COLUMNS, NAME, NAMES, TAKE_OVER, Listed, listed
from service_kit.database import Connection
from service_kit.messages import Position

SHADOW = "rebuilt_booking_list"
EVENTS_AT_ONCE = 2000
SMALL_GAP = 500
SAMPLES = 10

Advance = Callable[[int], None]
"""Told how many more events were taken in."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found and mended, at a position of the event log."""

    rows: int
    put_right: int
    removed: int
    position: int


@dataclass(frozen=True, slots=True)
class Differences:
    """How the live rows differ from their rebuild at the same position.

    `behind` counts the stored events that the live list had still to take in.
    """

    rows: int
    position: int
    behind: int
    missing: int
    surplus: int
    different: int
    samples: list[UUID] = field(default_factory=list[UUID])

    @property
    def none(self) -> bool:
        """Whether the live rows equal their rebuild, row for row."""
        return not (self.missing or self.surplus or self.different)


_values = attrgetter(*COLUMNS)


def _row(table: LiteralString) -> sql.Composed:
    columns = (sql.SQL("{}.{}").format(sql.SQL(table), sql.Identifier(name)) for name in COLUMNS)
    return sql.SQL("ROW({})").format(sql.SQL(", ").join(columns))


_TABLES = {"live": sql.Identifier(NAME), "rebuilt": sql.Identifier(SHADOW)}
_PAIRS = sql.SQL("{live} AS l FULL JOIN {rebuilt} AS r USING (booking_id)").format(**_TABLES)
_UNEQUAL = sql.SQL("{} IS DISTINCT FROM {}").format(_row("l"), _row("r"))

_CREATE = sql.SQL("CREATE TEMPORARY TABLE {rebuilt} (LIKE {live})").format(**_TABLES)
_COPY = sql.SQL("COPY {rebuilt} ({names}) FROM STDIN").format(**_TABLES, names=NAMES)
_INDEX = sql.SQL("ALTER TABLE {rebuilt} ADD PRIMARY KEY (booking_id)").format(**_TABLES)
_ANALYZE = sql.SQL("ANALYZE {rebuilt}").format(**_TABLES)
_COUNT = sql.SQL("SELECT count(*) FROM {rebuilt}").format(**_TABLES)
_DROP = sql.SQL("DROP TABLE {rebuilt}").format(**_TABLES)

_REMOVE = sql.SQL(
    """DELETE FROM {live} AS l
       WHERE NOT EXISTS (SELECT FROM {rebuilt} AS r WHERE r.booking_id = l.booking_id)"""
).format(**_TABLES)

_PUT_RIGHT = sql.SQL(
    """INSERT INTO {live} ({names})
       SELECT r.* FROM {rebuilt} AS r LEFT JOIN {live} AS l USING (booking_id) WHERE {unequal}
       {take_over}"""
).format(**_TABLES, names=NAMES, unequal=_UNEQUAL, take_over=TAKE_OVER)

_COUNT_DIFFERENCES = sql.SQL(
    """SELECT count(r.booking_id), count(*) FILTER (WHERE l.booking_id IS NULL),
              count(*) FILTER (WHERE r.booking_id IS NULL),
              count(*) FILTER (WHERE l.booking_id IS NOT NULL AND r.booking_id IS NOT NULL
                                     AND {unequal})
       FROM {pairs}"""
).format(pairs=_PAIRS, unequal=_UNEQUAL)

_SAMPLE_DIFFERENCES = sql.SQL(
    "SELECT booking_id FROM {pairs} WHERE {unequal} ORDER BY booking_id LIMIT {limit}"
).format(pairs=_PAIRS, unequal=_UNEQUAL, limit=sql.Literal(SAMPLES))


class Rebuilding:
    """Makes the list anew, on a connection of its own in autocommit."""

    def __init__(self, connection: Connection, log: EventLog) -> None:
        self._connection = connection
        self._log = log

    async def events(self) -> int:
        """How many stored events there are to take in."""
        return await self._log.backlog(self._connection, Position(0))

    async def rebuild(self, advance: Advance = lambda _: None) -> Rebuilt:
        """Puts the live list right, whatever it held; the service may go on all the while."""
        connection = self._connection
        async with self._snapshot():
            reached = (await self._log.head(connection)).sequence
            await self._make(reached, advance)
        while await self._log.backlog(connection, Position(reached)) > SMALL_GAP:
            reached = await self._catch_up(reached, advance)
        async with connection.transaction():
            await listing.lock_position(connection)
            while (further := await self._catch_up(reached, advance)) > reached:
                reached = further
            removed = (await connection.execute(_REMOVE)).rowcount
            put_right = (await connection.execute(_PUT_RIGHT)).rowcount
            await listing.set_position(connection, reached)
            cursor = await connection.execute(_COUNT)
            row = await cursor.fetchone()
            await connection.execute(_DROP)
        return Rebuilt(int(row[0]) if row else 0, put_right, removed, reached)

    async def verify(self, advance: Advance = lambda _: None) -> Differences:
        """Compares the live rows with their rebuild, both as of one moment; changes nothing."""
        connection = self._connection
        async with self._snapshot():
            reached = await listing.position(connection)
            behind = await self._log.backlog(connection, Position(reached))
            await self._make(reached, advance)
            cursor = await connection.execute(_COUNT_DIFFERENCES)
            rows, missing, surplus, different = await cursor.fetchone() or (0, 0, 0, 0)
            cursor = await connection.execute(_SAMPLE_DIFFERENCES)
            samples = [row[0] for row in await cursor.fetchall()]
            await connection.execute(_DROP)
        return Differences(rows, reached, behind, missing, surplus, different, samples)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncGenerator[None]:
        """A transaction that sees one moment, however long it takes."""
        await self._connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        try:
            async with self._connection.transaction():
                yield
        finally:
            await self._connection.set_isolation_level(None)

    async def _make(self, until: int, advance: Advance) -> None:
        """Makes the rows of all bookings from their events up to a position."""
        await self._connection.execute(_CREATE)
        row: Listed | None = None
        rows: list[Listed] = []
        async for logged in self._log.by_booking(self._connection, until, EVENTS_AT_ONCE):
            for _, event in logged:
                if row is not None and row.booking_id != event.originator_id:
                    rows.append(row)
                    row = None
                row = listed(event, row)
            await self._copy(rows)
            rows.clear()
            advance(len(logged))
        await self._copy([row] if row else [])
        await self._connection.execute(_INDEX)
        await self._connection.execute(_ANALYZE)

    async def _copy(self, rows: list[Listed]) -> None:
        async with self._connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for row in rows:
                await copy.write_row(_values(row))

    async def _catch_up(self, reached: int, advance: Advance) -> int:
        logged = await self._log.after(self._connection, reached, EVENTS_AT_ONCE)
        if not logged:
            return reached
        await listing.take_in(self._connection, logged, SHADOW)
        advance(len(logged))
        return logged[-1][0]

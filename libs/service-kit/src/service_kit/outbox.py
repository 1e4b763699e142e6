"""The outbox: events written in the transaction of what they tell, published by the relay.

A serial number alone is no commit order (a transaction that commits later may hold the lower
number), so rows are written without a position, and the relay stamps them under its lock.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from uuid_utils.compat import uuid7

from contracts.envelope import Event
from service_kit import causation, telemetry
from service_kit.database import Connection
from service_kit.messages import START, Envelope, Outgoing, Position

_INSERT = """
INSERT INTO outbox (id, type, subject, tenant, entity_id, occurred_at,
                    correlation_id, causation_id, traceparent, body)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_COLUMNS = """position, id, type, subject, tenant, entity_id, occurred_at,
    correlation_id, causation_id, traceparent, body"""

_HEAD = """
SELECT greatest((SELECT coalesce(max(position), 0) FROM outbox),
                (SELECT coalesce(max(floor), 0) FROM position_floor)) AS position
"""

_STAMP = f"""
WITH head AS ({_HEAD}), unstamped AS (
    SELECT seq, (SELECT position FROM head) + row_number() OVER (ORDER BY seq) AS next
    FROM outbox WHERE position IS NULL ORDER BY seq LIMIT 1000
)
UPDATE outbox SET position = unstamped.next FROM unstamped WHERE outbox.seq = unstamped.seq
"""  # noqa: S608 - only literals of this module

_AFTER = f"SELECT {_COLUMNS} FROM outbox WHERE position > %s ORDER BY position LIMIT %s"  # noqa: S608

_STAMP_RETURNING = f"{_STAMP} RETURNING {_COLUMNS}"

_RAISE_FLOOR = """
INSERT INTO position_floor (floor) VALUES (%s)
ON CONFLICT (one) DO UPDATE SET floor = greatest(position_floor.floor, excluded.floor)
"""

_MOVE = """
WITH moving AS (
    SELECT seq, row_number() OVER (ORDER BY position) AS nth FROM outbox WHERE position > %s
)
UPDATE outbox SET position = %s + moving.nth FROM moving WHERE outbox.seq = moving.seq
"""


async def append(connection: Connection, at: datetime, *events: Event) -> None:
    """Says `events`, which occurred `at` (UTC), when the caller's transaction commits."""
    why = causation.current()
    trace = telemetry.traceparent()
    rows = [
        (
            uuid7(),
            event.ce_type(),
            event.subject,
            event.tenant,
            event.entity_id,
            at,
            why.correlation_id,
            why.causation_id,
            trace,
            event.model_dump_json().encode(),
        )
        for event in events
    ]
    if len(rows) == 1:
        await connection.execute(_INSERT, rows[0])
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(_INSERT, rows)


class OutboxSource:
    """The outbox as the relay reads it. Its position is the stamped commit order."""

    def __init__(self, service: str) -> None:
        self.name = f"/rendezvous/{service}"

    async def fetch(
        self, connection: AsyncConnection[TupleRow], after: Position, limit: int
    ) -> tuple[Sequence[Outgoing], Position]:
        """Stamps what is new, and answers with what comes after a position, in order."""
        cursor = await connection.execute(_STAMP_RETURNING)
        rows = sorted(await cursor.fetchall(), key=lambda row: row[0])
        if not rows or rows[0][0] != after.sequence + 1 or len(rows) > limit:
            cursor = await connection.execute(_AFTER, (after.sequence, limit))
            rows = await cursor.fetchall()
        found = [self._outgoing(row) for row in rows]
        return found, found[-1].envelope.position if found else after

    async def read(
        self, connection: AsyncConnection[TupleRow], after: Position, limit: int
    ) -> tuple[Sequence[Outgoing], Position]:
        """What comes after a position, in order; what is not stamped yet is left as it is."""
        cursor = await connection.execute(_AFTER, (after.sequence, limit))
        found = [self._outgoing(row) for row in await cursor.fetchall()]
        return found, found[-1].envelope.position if found else after

    async def head(self, connection: AsyncConnection[TupleRow]) -> Position:
        """The position of the newest event."""
        cursor = await connection.execute("SELECT coalesce(max(position), 0) FROM outbox")
        row = await cursor.fetchone()
        return Position(row[0]) if row else START

    async def reach(self, connection: AsyncConnection[TupleRow]) -> Position:
        """The highest position that was ever given, or will never be."""
        cursor = await connection.execute(_HEAD)
        row = await cursor.fetchone()
        return Position(row[0]) if row else START

    async def move_beyond(
        self, connection: AsyncConnection[TupleRow], after: Position, beyond: int
    ) -> int:
        """Gives what comes after a position new ones above `beyond`; answers how many moved."""
        await connection.execute("LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE")
        await connection.execute(_RAISE_FLOOR, (beyond,))
        base = await self.reach(connection)
        return (await connection.execute(_MOVE, (after.sequence, base.sequence))).rowcount

    async def first(self, connection: AsyncConnection[TupleRow]) -> Position | None:
        """The position of the first event ever said, or nothing."""
        cursor = await connection.execute("SELECT min(position) FROM outbox")
        row = await cursor.fetchone()
        return Position(row[0]) if row and row[0] is not None else None

    async def event_id(
        self, connection: AsyncConnection[TupleRow], position: Position
    ) -> str | None:
        """The id of the event at a position, or nothing where there is none."""
        if position == START:
            return None
        cursor = await connection.execute(
            "SELECT id FROM outbox WHERE position = %s", (position.sequence,)
        )
        row = await cursor.fetchone()
        return str(row[0]) if row else None

    async def backlog(self, connection: AsyncConnection[TupleRow], after: Position) -> int:
        """How many events wait to be published."""
        cursor = await connection.execute(
            "SELECT count(*) FROM outbox WHERE position IS NULL OR position > %s",
            (after.sequence,),
        )
        row = await cursor.fetchone()
        return int(row[0]) if row else 0

    def _outgoing(self, row: tuple[Any, ...]) -> Outgoing:
        position, event_id, kind, subject, tenant, entity, at, flow, cause, trace, body = row
        envelope = Envelope(
            id=event_id,
            source=self.name,
            type=kind,
            subject=subject,
            tenant=tenant,
            entity_id=entity,
            time=at,
            position=Position(position),
            correlation_id=flow,
            causation_id=cause,
            traceparent=trace,
        )
        return Outgoing(envelope, bytes(body))

"""The inbox: which events a consumer has handled, in the transaction of their effects.

Everything up to a consumer's mark has been handled; rows below it are dropped. The mark comes
from the broker's acknowledgement floor, so it never runs ahead of a commit.
"""

from collections.abc import Sequence
from uuid import UUID

from service_kit import home
from service_kit.database import Connection
from service_kit.messages import START, Envelope, Position


class AmbiguousIdError(Exception):
    """One id at two positions in one batch: its messages must be taken one by one."""


async def claim(connection: Connection, consumer: str, envelopes: Sequence[Envelope]) -> set[UUID]:
    """Writes the events into the inbox and answers with the ids that were not there yet.

    An id that comes back at another position is another event: a record that was restored from a
    backup has given it again. Raises `AmbiguousIdError` where both are in one batch.
    """
    known = {envelope.id: envelope for envelope in envelopes}
    if any(known[envelope.id].position != envelope.position for envelope in envelopes):
        raise AmbiguousIdError
    ordered = [known[event_id] for event_id in sorted(known)]
    cursor = await connection.execute(
        """INSERT INTO inbox (consumer, event_id, position, ordinal)
           SELECT %s, id, position, ordinal
           FROM unnest(%s::uuid[], %s::bigint[], %s::int[]) AS event (id, position, ordinal)
           ON CONFLICT (consumer, event_id) DO UPDATE
               SET position = excluded.position, ordinal = excluded.ordinal
               WHERE (inbox.position, inbox.ordinal) <> (excluded.position, excluded.ordinal)
           RETURNING event_id""",
        (
            consumer,
            [envelope.id for envelope in ordered],
            [envelope.position.sequence for envelope in ordered],
            [envelope.position.ordinal for envelope in ordered],
        ),
    )
    return {row[0] for row in await cursor.fetchall()}


async def mark(connection: Connection, consumer: str) -> Position:
    """The position up to which a consumer has handled everything."""
    cursor = await connection.execute(
        "SELECT position, ordinal FROM consumer_marks WHERE consumer = %s", (consumer,)
    )
    row = await cursor.fetchone()
    return Position(*row) if row else START


async def highest(connection: Connection, consumer: str) -> Position:
    """The highest position that a consumer has handled anything at."""
    cursor = await connection.execute(
        """SELECT position, ordinal FROM (
               SELECT position, ordinal FROM inbox WHERE consumer = %(consumer)s
               UNION ALL
               SELECT position, ordinal FROM consumer_marks WHERE consumer = %(consumer)s
           ) AS handled ORDER BY position DESC, ordinal DESC LIMIT 1""",
        {"consumer": consumer},
    )
    row = await cursor.fetchone()
    return Position(*row) if row else START


async def ids_above_mark(connection: Connection, consumer: str) -> set[UUID]:
    """The events above its mark that a consumer has handled or put aside."""
    cursor = await connection.execute(
        """SELECT event_id FROM inbox WHERE consumer = %(consumer)s
           UNION
           SELECT CASE WHEN headers->>'ce-id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                       THEN (headers->>'ce-id')::uuid END
           FROM dead_letters WHERE consumer = %(consumer)s""",
        {"consumer": consumer},
    )
    return {row[0] for row in await cursor.fetchall()} - {None}


async def raise_mark(connection: Connection, consumer: str, reached: Position) -> None:
    """Moves the mark up, never down, and drops the inbox rows that it makes needless.

    In the caller's transaction. Raises `RestoredDatabaseError` where the database was restored:
    what the broker has counted was handled in another.
    """
    await connection.execute(
        """INSERT INTO consumer_marks (consumer, position, ordinal) VALUES (%s, %s, %s)
           ON CONFLICT (consumer) DO UPDATE
               SET position = excluded.position, ordinal = excluded.ordinal
           WHERE (consumer_marks.position, consumer_marks.ordinal)
                 < (excluded.position, excluded.ordinal)""",
        (consumer, *reached),
    )
    await connection.execute(
        """DELETE FROM inbox USING consumer_marks AS mark
           WHERE inbox.consumer = %s AND mark.consumer = inbox.consumer
             AND (inbox.position, inbox.ordinal) <= (mark.position, mark.ordinal)""",
        (consumer,),
    )
    await home.check_tables(connection)

"""The inbox: which events a consumer has handled, in the transaction of their effects.

Everything up to a consumer's mark has been handled; rows below it are dropped. The mark comes
from the broker's acknowledgement floor, so it never runs ahead of a commit.
"""

from collections.abc import Sequence
from uuid import UUID

from service_kit.database import Connection
from service_kit.messages import START, Envelope, Position


async def claim(connection: Connection, consumer: str, envelopes: Sequence[Envelope]) -> set[UUID]:
    """Writes the events into the inbox and answers with the ids that were not there yet."""
    ordered = sorted(envelopes, key=lambda envelope: envelope.id)
    cursor = await connection.execute(
        """INSERT INTO inbox (consumer, event_id, position, ordinal)
           SELECT %s, id, position, ordinal
           FROM unnest(%s::uuid[], %s::bigint[], %s::int[]) AS event (id, position, ordinal)
           ON CONFLICT DO NOTHING RETURNING event_id""",
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


async def raise_mark(connection: Connection, consumer: str, reached: Position) -> None:
    """Moves the mark up, never down, and drops the inbox rows that it makes needless."""
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

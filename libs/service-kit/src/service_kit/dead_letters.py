"""Dead letters: messages that could not be handled after the last try, or not be read at all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from service_kit.database import Connection


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was put aside, with the error of its last try."""

    id: UUID
    consumer: str
    subject: str
    headers: Mapping[str, str]
    body: bytes
    error: str
    deliveries: int
    died_at: datetime
    replay_wanted: bool = False


_COLUMNS: LiteralString = (
    "id, consumer, subject, headers, body, error, deliveries, died_at, replay_wanted"
)


async def keep(connection: Connection, letter: DeadLetter) -> None:
    """Puts a message aside; the same message twice is one letter."""
    await connection.execute(
        """INSERT INTO dead_letters
               (id, consumer, subject, headers, body, error, deliveries, died_at)
           VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s, %s)
           ON CONFLICT (id) DO UPDATE SET error = excluded.error, died_at = excluded.died_at""",
        (
            letter.id,
            letter.consumer,
            letter.subject,
            json.dumps(dict(letter.headers)),
            letter.body,
            letter.error,
            letter.deliveries,
            letter.died_at,
        ),
    )


async def count(connection: Connection) -> int:
    """How many messages are put aside."""
    cursor = await connection.execute("SELECT count(*) FROM dead_letters")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def listed(connection: Connection, consumer: str | None = None) -> list[DeadLetter]:
    """Every letter, or those of one consumer, the newest first."""
    async with connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        await cursor.execute(
            f"""SELECT {_COLUMNS} FROM dead_letters
                WHERE consumer = %(consumer)s OR %(consumer)s::text IS NULL
                ORDER BY died_at DESC, id""",  # noqa: S608 - the columns are ours
            {"consumer": consumer},
        )
        return await cursor.fetchall()


async def want_back(connection: Connection, letter_ids: Sequence[UUID]) -> None:
    """Asks for letters to be handled again; their consumer does so at its next beat."""
    await connection.execute(
        "UPDATE dead_letters SET replay_wanted = true WHERE id = ANY(%s)", (list(letter_ids),)
    )


async def still_there(connection: Connection, letter_ids: Sequence[UUID]) -> list[DeadLetter]:
    """Those of some letters that have not been handled since."""
    async with connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        await cursor.execute(
            f"SELECT {_COLUMNS} FROM dead_letters WHERE id = ANY(%s)",  # noqa: S608
            (list(letter_ids),),
        )
        return await cursor.fetchall()


async def wanted_back(connection: Connection, consumer: str) -> list[DeadLetter]:
    """The letters of a consumer that somebody asked to have handled again."""
    async with connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        await cursor.execute(
            f"""SELECT {_COLUMNS} FROM dead_letters
                WHERE consumer = %s AND replay_wanted ORDER BY died_at""",  # noqa: S608
            (consumer,),
        )
        return await cursor.fetchall()


async def drop(connection: Connection, letter_id: UUID) -> None:
    """Forgets a letter."""
    await connection.execute("DELETE FROM dead_letters WHERE id = %s", (letter_id,))


async def refuse(connection: Connection, letter_id: UUID, error: str) -> None:
    """Keeps a letter that failed once more when it was replayed."""
    await connection.execute(
        "UPDATE dead_letters SET replay_wanted = false, error = %s WHERE id = %s",
        (error, letter_id),
    )

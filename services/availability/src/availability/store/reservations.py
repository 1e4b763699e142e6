"""Reservations and their claims. The exclusion constraint decides, not what was read before."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from psycopg.types.range import TimestamptzRange

from availability.domain.reservations import Claim, Grant
from service_kit.database import Connection

Outcome = Literal["claimed", "taken", "known"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A booking's row in the making: its id, whose it is, and when that was decided."""

    id: UUID
    tenant: str
    booking_id: UUID
    at: datetime


# An attempt that follows a failed one finds its own row and moves it to the next host; a row of
# anybody else means that this booking has had its answer.
_RESERVE = """
WITH entry AS (
    INSERT INTO reservations AS r
        (id, tenant, booking_id, status, appointment_type, host_id, starts_at, ends_at, decided_at)
    VALUES (%(id)s, %(tenant)s, %(booking_id)s, 'reserved', %(type)s, %(host_id)s,
            to_timestamp(%(start)s), to_timestamp(%(end)s), %(at)s)
    ON CONFLICT (tenant, booking_id) DO UPDATE SET host_id = excluded.host_id
        WHERE r.id = excluded.id
    RETURNING id
), claimed AS (
    INSERT INTO claims (reservation_id, resource_key, period)
    SELECT entry.id, wanted.key, wanted.period
    FROM entry, unnest(%(keys)s::bigint[], %(periods)s::tstzrange[]) AS wanted (key, period)
    ON CONFLICT ON CONSTRAINT claims_never_overlap DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM claimed)
"""


async def reserve(
    connection: Connection, entry: Entry, grant: Grant, host_id: UUID, claims: Sequence[Claim]
) -> Outcome:
    """Makes all of these claims for a booking with a host, or none of them.

    Waits for other transactions that are about to claim the same. Whoever gives the claims gives
    them by resource key, so that nobody waits for each other in a circle.
    """
    cursor = await connection.execute(
        _RESERVE,
        {
            **asdict(entry),
            "type": grant.appointment_type.slug,
            "host_id": host_id,
            "start": grant.start,
            "end": grant.end,
            "keys": [claim.resource_key for claim in claims],
            "periods": _periods(claims),
        },
    )
    row = await cursor.fetchone()
    entered, claimed = row or (0, 0)
    if not entered:
        return "known"
    if claimed == len(claims):
        return "claimed"
    if claimed:
        await _give_up(connection, entry.id)
    return "taken"


async def reject(connection: Connection, entry: Entry) -> bool:
    """Writes that the booking got nothing; false if it has had its answer before."""
    cursor = await connection.execute(
        """
        INSERT INTO reservations AS r (id, tenant, booking_id, status, decided_at)
        VALUES (%(id)s, %(tenant)s, %(booking_id)s, 'rejected', %(at)s)
        ON CONFLICT (tenant, booking_id) DO UPDATE
            SET status = 'rejected', appointment_type = NULL, host_id = NULL,
                starts_at = NULL, ends_at = NULL
            WHERE r.id = excluded.id
        RETURNING id
        """,
        asdict(entry),
    )
    return await cursor.fetchone() is not None


async def release(connection: Connection, entry: Entry) -> UUID | None:
    """Ends what the booking had; the id of its reservation, nothing where there was none.

    A booking that was never heard of gets a row, so that a request that comes late finds it.
    """
    cursor = await connection.execute(
        """
        INSERT INTO reservations AS r (id, tenant, booking_id, status, decided_at, released_at)
        VALUES (%(id)s, %(tenant)s, %(booking_id)s, 'released', %(at)s, %(at)s)
        ON CONFLICT (tenant, booking_id) DO UPDATE
            SET status = 'released', released_at = excluded.released_at
            WHERE r.status = 'reserved'
        RETURNING r.id
        """,
        asdict(entry),
    )
    row = await cursor.fetchone()
    if row is None or row[0] == entry.id:
        return None
    # A statement of its own: it sees claims that were committed while the last one waited.
    await connection.execute(
        "UPDATE claims SET active = false WHERE reservation_id = %s AND active", (row[0],)
    )
    return row[0]


async def _give_up(connection: Connection, reservation_id: UUID) -> None:
    await connection.execute("DELETE FROM claims WHERE reservation_id = %s", (reservation_id,))


def _periods(claims: Sequence[Claim]) -> list[TimestamptzRange]:
    return [TimestamptzRange(_moment(claim.begin), _moment(claim.end)) for claim in claims]


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

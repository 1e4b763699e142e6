"""Links to outside calendars."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from calendar_sync.domain import Connection as Link
from service_kit.database import Connection

_COLUMNS: LiteralString = "id, tenant, host_id, provider, url, username, created_at"


async def hold_still(connection: Connection, tenant: str, *, alone: bool) -> None:
    """Makes who links a calendar (`alone`) and who hears of bookings wait for one another.

    It holds until the transaction ends. Neither could see the rows that the other is about to
    commit, and an entry would be missed.
    """
    lock: LiteralString = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    await connection.execute(
        f"SELECT {lock}(hashtextextended('calendar-sync ' || %s, 0))", (tenant,)
    )


async def link(connection: Connection, new: Link, sealed_password: bytes) -> tuple[Link, bool]:
    """Links a calendar, or gives a known link its new password; and whether it is new."""
    async with connection.cursor() as cursor:
        await cursor.execute(
            """
            INSERT INTO connections
                (id, tenant, host_id, provider, url, username, password, created_at, quiet_until)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (tenant, host_id, url, username) DO UPDATE
            SET password = excluded.password, quiet_until = excluded.quiet_until
            RETURNING id, created_at
            """,
            (
                new.id,
                new.tenant,
                new.host_id,
                new.provider,
                new.url,
                new.username,
                sealed_password,
                new.created_at,
                new.created_at,
            ),
        )
        row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("an upsert returned no row")
    known = Link(
        row[0], new.tenant, new.host_id, new.provider, new.url, new.username, created_at=row[1]
    )
    return known, known.id == new.id


async def listed(connection: Connection, tenant: str, host_id: UUID | None) -> list[Link]:
    """A tenant's links, or one host's, the oldest first."""
    async with connection.cursor(row_factory=class_row(Link)) as cursor:
        await cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM connections
            WHERE tenant = %(tenant)s AND (%(host_id)s::uuid IS NULL OR host_id = %(host_id)s)
            ORDER BY created_at, id
            """,  # noqa: S608 - nothing but our own column names
            {"tenant": tenant, "host_id": host_id},
        )
        return await cursor.fetchall()


async def unlink(connection: Connection, tenant: str, connection_id: UUID) -> Link | None:
    """Forgets a link with its password and its entries; what it was, or nothing."""
    async with connection.cursor(row_factory=class_row(Link)) as cursor:
        await cursor.execute(
            f"DELETE FROM connections WHERE tenant = %s AND id = %s RETURNING {_COLUMNS}",  # noqa: S608
            (tenant, connection_id),
        )
        return await cursor.fetchone()


async def quiet(connection: Connection, connection_id: UUID, until: datetime) -> None:
    """Leaves a calendar that could not be reached alone until then."""
    await connection.execute(
        "UPDATE connections SET quiet_until = greatest(quiet_until, %s) WHERE id = %s",
        (until, connection_id),
    )

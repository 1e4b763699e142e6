"""Hosts and their weekly hours."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from availability.domain.catalogue import Host
from availability.domain.schedules import WeeklyInterval
from service_kit.database import Connection

_COLUMNS = """
    h.id, h.name, h.email, h.time_zone, h.active,
    (SELECT array_agg(ARRAY[w.weekday, w.start_minute, w.until_minute]
                      ORDER BY w.weekday, w.start_minute)
     FROM host_hours w WHERE w.tenant = h.tenant AND w.host_id = h.id)
"""


async def find(connection: Connection, tenant: str, ids: Sequence[UUID] | None) -> list[Host]:
    """The hosts with these ids, all where none are named, by name."""
    cursor = await connection.execute(
        f"""
        SELECT {_COLUMNS} FROM hosts h
        WHERE h.tenant = %(tenant)s AND (%(ids)s::uuid[] IS NULL OR h.id = ANY (%(ids)s))
        ORDER BY h.name, h.id
        """,  # noqa: S608
        {"tenant": tenant, "ids": None if ids is None else list(ids)},
    )
    return [_host(row) for row in await cursor.fetchall()]


async def lock(connection: Connection, tenant: str, host_id: UUID) -> Host | None:
    """The host, held against other writers until the transaction ends."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM hosts h WHERE h.tenant = %s AND h.id = %s FOR UPDATE",  # noqa: S608
        (tenant, host_id),
    )
    row = await cursor.fetchone()
    return _host(row) if row else None


async def known(connection: Connection, tenant: str, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these hosts there are."""
    cursor = await connection.execute(
        "SELECT id FROM hosts WHERE tenant = %s AND id = ANY (%s)", (tenant, list(ids))
    )
    return {row[0] for row in await cursor.fetchall()}


async def put(connection: Connection, tenant: str, host: Host, at: datetime) -> int:
    """Adds or replaces a host with their hours; the new version."""
    await _put_resource(connection, tenant, host.id)
    version = await _put_host(connection, tenant, host, at)
    await connection.execute(
        "DELETE FROM host_hours WHERE tenant = %s AND host_id = %s", (tenant, host.id)
    )
    await connection.execute(
        """
        INSERT INTO host_hours (tenant, host_id, weekday, start_minute, until_minute)
        SELECT %s, %s, * FROM unnest(%s::smallint[], %s::smallint[], %s::smallint[])
        """,
        (tenant, host.id, *columns_of(host.schedule)),
    )
    return version


def columns_of(hours: Sequence[WeeklyInterval]) -> tuple[list[int], list[int], list[int]]:
    """The hours as three columns: weekdays, start minutes, until minutes."""
    return (
        [interval.weekday for interval in hours],
        [interval.start_minute for interval in hours],
        [interval.until_minute for interval in hours],
    )


def hours_of(rows: Sequence[Sequence[int]] | None) -> tuple[WeeklyInterval, ...]:
    """The hours out of an aggregate of rows (weekday, start minute, until minute)."""
    return tuple(WeeklyInterval(*row) for row in rows or ())


async def _put_resource(connection: Connection, tenant: str, host_id: UUID) -> None:
    await connection.execute(
        """
        INSERT INTO resources (tenant, kind, id) VALUES (%s, 'host', %s)
        ON CONFLICT (tenant, id) DO NOTHING
        """,
        (tenant, host_id),
    )


async def _put_host(connection: Connection, tenant: str, host: Host, at: datetime) -> int:
    cursor = await connection.execute(
        """
        INSERT INTO hosts AS h
            (tenant, id, resource_key, name, email, time_zone, active, version, updated_at)
        SELECT tenant, id, key, %(name)s, %(email)s, %(zone)s, %(active)s, 1, %(at)s
        FROM resources WHERE tenant = %(tenant)s AND id = %(id)s
        ON CONFLICT (tenant, id) DO UPDATE SET
            name = excluded.name, email = excluded.email, time_zone = excluded.time_zone,
            active = excluded.active, version = h.version + 1, updated_at = excluded.updated_at
        RETURNING version
        """,
        {
            "tenant": tenant,
            "id": host.id,
            "name": host.name,
            "email": host.email,
            "zone": host.time_zone,
            "active": host.active,
            "at": at,
        },
    )
    row = await cursor.fetchone()
    assert row is not None, "an upsert returns its row"  # noqa: S101
    return int(row[0])


def _host(row: tuple[Any, ...]) -> Host:
    host_id, name, email, time_zone, active, hours = row
    return Host(host_id, name, email, time_zone, active, hours_of(hours))

"""Appointment types: who gives them, at which hours of their own."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from availability.domain.catalogue import AppointmentType, Location, Price
from availability.store.hosts import columns_of, hours_of
from service_kit.database import Connection

COLUMNS = """
    t.slug, t.title, t.description, t.durations_minutes, t.default_duration_minutes, t.locations,
    ARRAY(SELECT o.host_id FROM appointment_type_hosts o
          WHERE o.tenant = t.tenant AND o.slug = t.slug ORDER BY o.position),
    t.price_minor, t.price_currency, t.approval, t.buffer_before_minutes, t.buffer_after_minutes,
    t.notice_minutes, t.window_days, t.slot_interval_minutes, t.cancellation_notice_minutes,
    t.reminders_minutes, t.own_hours,
    CASE WHEN t.own_hours THEN
        (SELECT array_agg(ARRAY[w.weekday, w.start_minute, w.until_minute]
                          ORDER BY w.weekday, w.start_minute)
         FROM appointment_type_hours w WHERE w.tenant = t.tenant AND w.slug = t.slug) END,
    t.active
"""
"""What `appointment_type` reads, of `appointment_types t`."""

WIDTH = 20
"""How many columns that is."""

_PUT = """
INSERT INTO appointment_types AS t
    (tenant, slug, title, description, durations_minutes, default_duration_minutes, locations,
     price_minor, price_currency, approval, buffer_before_minutes, buffer_after_minutes,
     notice_minutes, window_days, slot_interval_minutes, cancellation_notice_minutes,
     reminders_minutes, own_hours, active, version, updated_at)
VALUES
    (%(tenant)s, %(slug)s, %(title)s, %(description)s, %(durations_minutes)s,
     %(default_duration_minutes)s, %(locations)s, %(price_minor)s, %(price_currency)s,
     %(approval)s, %(buffer_before_minutes)s, %(buffer_after_minutes)s, %(notice_minutes)s,
     %(window_days)s, %(slot_interval_minutes)s, %(cancellation_notice_minutes)s,
     %(reminders_minutes)s, %(own_hours)s, %(active)s, 1, %(at)s)
ON CONFLICT (tenant, slug) DO UPDATE SET
    title = excluded.title, description = excluded.description,
    durations_minutes = excluded.durations_minutes,
    default_duration_minutes = excluded.default_duration_minutes,
    locations = excluded.locations, price_minor = excluded.price_minor,
    price_currency = excluded.price_currency, approval = excluded.approval,
    buffer_before_minutes = excluded.buffer_before_minutes,
    buffer_after_minutes = excluded.buffer_after_minutes,
    notice_minutes = excluded.notice_minutes, window_days = excluded.window_days,
    slot_interval_minutes = excluded.slot_interval_minutes,
    cancellation_notice_minutes = excluded.cancellation_notice_minutes,
    reminders_minutes = excluded.reminders_minutes, own_hours = excluded.own_hours,
    active = excluded.active, version = t.version + 1, updated_at = excluded.updated_at
RETURNING version
"""


async def active(connection: Connection, tenant: str) -> list[AppointmentType]:
    """The active appointment types of a tenant, by title."""
    cursor = await connection.execute(
        f"""
        SELECT {COLUMNS} FROM appointment_types t
        WHERE t.tenant = %s AND t.active ORDER BY t.title, t.slug
        """,  # noqa: S608
        (tenant,),
    )
    return [appointment_type(row) for row in await cursor.fetchall()]


async def find(connection: Connection, tenant: str, slug: str) -> AppointmentType | None:
    """An active appointment type."""
    cursor = await connection.execute(
        f"""
        SELECT {COLUMNS} FROM appointment_types t
        WHERE t.tenant = %s AND t.slug = %s AND t.active
        """,  # noqa: S608
        (tenant, slug),
    )
    row = await cursor.fetchone()
    return appointment_type(row) if row else None


async def lock(connection: Connection, tenant: str, slug: str) -> AppointmentType | None:
    """The appointment type, active or not, held against other writers."""
    cursor = await connection.execute(
        f"""
        SELECT {COLUMNS} FROM appointment_types t
        WHERE t.tenant = %s AND t.slug = %s FOR UPDATE OF t
        """,  # noqa: S608
        (tenant, slug),
    )
    row = await cursor.fetchone()
    return appointment_type(row) if row else None


async def put(connection: Connection, tenant: str, offered: AppointmentType, at: datetime) -> int:
    """Adds or replaces an appointment type; the new version."""
    cursor = await connection.execute(_PUT, _parameters(tenant, offered, at))
    row = await cursor.fetchone()
    assert row is not None, "an upsert returns its row"  # noqa: S101
    await _put_hosts(connection, tenant, offered)
    await _put_hours(connection, tenant, offered)
    return int(row[0])


def appointment_type(row: tuple[Any, ...]) -> AppointmentType:
    """The appointment type out of `COLUMNS`."""
    return AppointmentType(
        slug=row[0],
        title=row[1],
        description=row[2],
        durations_minutes=tuple(row[3]),
        default_duration_minutes=row[4],
        locations=tuple(Location(**location) for location in row[5]),
        hosts=tuple(row[6]),
        price=None if row[7] is None else Price(row[7], row[8]),
        approval=row[9],
        buffer_before_minutes=row[10],
        buffer_after_minutes=row[11],
        notice_minutes=row[12],
        window_days=row[13],
        slot_interval_minutes=row[14],
        cancellation_notice_minutes=row[15],
        reminders_minutes=tuple(row[16]),
        hours=hours_of(row[18]) if row[17] else None,
        active=row[19],
    )


async def _put_hosts(connection: Connection, tenant: str, offered: AppointmentType) -> None:
    await connection.execute(
        "DELETE FROM appointment_type_hosts WHERE tenant = %s AND slug = %s",
        (tenant, offered.slug),
    )
    await connection.execute(
        """
        INSERT INTO appointment_type_hosts (tenant, slug, host_id, position)
        SELECT %s, %s, * FROM unnest(%s::uuid[]) WITH ORDINALITY
        """,
        (tenant, offered.slug, list(offered.hosts)),
    )


async def _put_hours(connection: Connection, tenant: str, offered: AppointmentType) -> None:
    await connection.execute(
        "DELETE FROM appointment_type_hours WHERE tenant = %s AND slug = %s",
        (tenant, offered.slug),
    )
    await connection.execute(
        """
        INSERT INTO appointment_type_hours (tenant, slug, weekday, start_minute, until_minute)
        SELECT %s, %s, * FROM unnest(%s::smallint[], %s::smallint[], %s::smallint[])
        """,
        (tenant, offered.slug, *columns_of(offered.hours or ())),
    )


def _parameters(tenant: str, offered: AppointmentType, at: datetime) -> dict[str, Any]:
    price = offered.price
    details = [asdict(location) for location in offered.locations]
    filled = [{k: v for k, v in detail.items() if v is not None} for detail in details]
    return {
        **asdict(offered),
        "tenant": tenant,
        "durations_minutes": list(offered.durations_minutes),
        "reminders_minutes": list(offered.reminders_minutes),
        "locations": Jsonb(filled),
        "price_minor": price.amount_minor if price else None,
        "price_currency": price.currency if price else None,
        "own_hours": offered.hours is not None,
        "at": at,
    }

"""An offer as it stands: type, hosts, hours and what is taken, in one question to Postgres."""

from typing import Any
from uuid import UUID

from availability.domain.catalogue import LONGEST_MINUTES
from availability.domain.offers import Offer
from availability.domain.schedules import MINUTE, week_of
from availability.domain.slots import Calendar, Span
from availability.store import catalogue
from availability.store.hosts import hours_of
from service_kit.database import Connection

_MARGIN = 2 * LONGEST_MINUTES * MINUTE
"""A slot in the span, with its buffers, reaches no further than this beyond it."""

_OFFER = f"""
SELECT {catalogue.COLUMNS}, h.id, h.resource_key, h.time_zone, hours.week, taken.begins, taken.ends
FROM appointment_types t
LEFT JOIN (
    appointment_type_hosts o JOIN hosts h ON h.tenant = o.tenant AND h.id = o.host_id AND h.active
) ON o.tenant = t.tenant AND o.slug = t.slug
    AND (%(host)s::uuid IS NULL OR o.host_id = %(host)s)
LEFT JOIN LATERAL (
    SELECT array_agg(ARRAY[w.weekday, w.start_minute, w.until_minute]) AS week
    FROM host_hours w
    WHERE NOT t.own_hours AND w.tenant = h.tenant AND w.host_id = h.id
) hours ON true
LEFT JOIN LATERAL (
    SELECT array_agg(c.begin) AS begins, array_agg(c.finish) AS ends
    FROM (
        SELECT date_part('epoch', lower(period))::bigint AS begin,
               date_part('epoch', upper(period))::bigint AS finish
        FROM claims
        WHERE active
            AND int8range(resource_key, resource_key, '[]')
                && int8range(h.resource_key, h.resource_key, '[]')
            AND period && tstzrange(to_timestamp(%(from)s::float8), to_timestamp(%(until)s::float8))
        ORDER BY 1
    ) c
) taken ON true
WHERE t.tenant = %(tenant)s AND t.slug = %(slug)s AND t.active
"""  # noqa: S608


async def read(
    connection: Connection, tenant: str, slug: str, span: Span, host_id: UUID | None = None
) -> Offer | None:
    """The active type with the calendars of its active hosts (or of one), as far as `span` asks.

    One range query a host, whatever the number of days and however old the tables are.
    """
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        _OFFER,
        {
            "tenant": tenant,
            "slug": slug,
            "host": host_id,
            "from": span.earliest - _MARGIN,
            "until": span.latest + _MARGIN,
        },
    )
    rows = await cursor.fetchall()
    if not rows:
        return None
    offered = catalogue.appointment_type(rows[0])
    own_week = week_of(offered.hours) if offered.hours is not None else None
    found = [row[catalogue.WIDTH :] for row in rows if row[catalogue.WIDTH] is not None]
    calendars = (_calendar(row, own_week) for row in found)
    return Offer(offered, tuple(sorted(calendars, key=lambda one: one.host_id)))


def _calendar(row: tuple[Any, ...], own_week: Any) -> Calendar:
    host_id, resource_key, zone, hours, begins, ends = row
    week = own_week if own_week is not None else week_of(hours_of(hours))
    return Calendar(host_id, resource_key, zone, week, begins or (), ends or ())

"""The list of bookings as it is read: filters, and pages by the last row seen."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import dict_row

from contracts.booking import BookingListItem, BookingPage, ListBookings, Person
from service_kit.database import Connection
from service_kit.errors import ProblemError
from service_kit.signing import InvalidTokenError, Signer


@dataclass(frozen=True, slots=True)
class After:
    """The last row of a page: the next one begins behind it."""

    starts_at: datetime
    booking_id: UUID


class Cursors:
    """Opaque, signed cursors: nobody can make one up, or carry one to another tenant."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def make(self, tenant: str, sort: str, after: After) -> str:
        """A cursor behind a row, for one tenant and one order."""
        body = json.dumps([after.starts_at.isoformat(), str(after.booking_id)])
        return self._signer.sign(body.encode(), f"cursor/{tenant}/{sort}")

    def read(self, tenant: str, sort: str, cursor: str) -> After:
        """The row behind which a cursor stands; raises `ProblemError` where it is not ours."""
        try:
            body = self._signer.open(cursor, f"cursor/{tenant}/{sort}")
        except InvalidTokenError as error:
            raise ProblemError("invalid", "This cursor is not valid.", field="cursor") from error
        starts_at, booking_id = json.loads(body)
        return After(datetime.fromisoformat(starts_at), UUID(booking_id))


async def position(connection: Connection) -> int:
    """The notification id up to which the list knows everything."""
    cursor = await connection.execute(
        "SELECT position FROM projection_positions WHERE projection = 'booking_list'"
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def page(
    connection: Connection, query: ListBookings, reached: int, cursors: Cursors
) -> BookingPage:
    """One page by start, then id; raises `ProblemError` on a cursor that is not ours."""
    conditions, values = _conditions(query)
    if query.cursor:
        after = cursors.read(query.tenant, query.sort, query.cursor)
        beyond = ">" if query.sort == "start" else "<"
        conditions.append(f"(b.starts_at, b.booking_id) {beyond} (%(at)s, %(id)s)")
        values |= {"at": after.starts_at, "id": after.booking_id}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_select(conditions, query.sort), values)
        rows = await cursor.fetchall()
    shown = rows[: query.limit]
    last = shown[-1] if len(rows) > query.limit else None
    return BookingPage(
        items=[_item(row) for row in shown],
        next_cursor=cursors.make(
            query.tenant, query.sort, After(last["starts_at"], last["booking_id"])
        )
        if last
        else None,
        position=reached,
    )


def _select(conditions: list[LiteralString], sort: str) -> LiteralString:
    direction: LiteralString = "ASC" if sort == "start" else "DESC"
    where: LiteralString = " AND ".join(conditions)
    return f"""
        SELECT b.*, p.name, p.email, p.phone
        FROM booking_list b
        LEFT JOIN people p
               ON p.person_id = b.attendee_id AND p.version = b.attendee_version
        WHERE {where}
        ORDER BY b.starts_at {direction}, b.booking_id {direction}
        LIMIT %(limit)s"""  # noqa: S608 - only literals of this module


def _conditions(query: ListBookings) -> tuple[list[LiteralString], dict[str, Any]]:
    optional: list[tuple[object, LiteralString]] = [
        (query.host_id, "b.host_id = %(host)s"),
        (query.status, "b.status = ANY(%(status)s)"),
        (query.appointment_type, "b.appointment_type = %(type)s"),
        (query.starts_from, "b.starts_at >= %(from)s"),
        (query.starts_before, "b.starts_at < %(before)s"),
        (
            query.q,
            "(b.number ILIKE %(q)s OR p.name ILIKE %(q)s OR p.email ILIKE %(q)s)",
        ),
    ]
    conditions: list[LiteralString] = ["b.tenant = %(tenant)s"]
    conditions.extend(condition for value, condition in optional if value)
    return conditions, {
        "tenant": query.tenant,
        "host": query.host_id,
        "status": list(query.status),
        "type": query.appointment_type,
        "from": query.starts_from,
        "before": query.starts_before,
        "q": f"%{_literal(query.q or '')}%",
        "limit": query.limit + 1,
    }


def _literal(text: str) -> str:
    """Text that ILIKE takes by the letter."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _item(row: dict[str, Any]) -> BookingListItem:
    attendee = None
    if row["name"] is not None:
        attendee = Person(
            person_id=row["attendee_id"],
            version=row["attendee_version"],
            name=row["name"],
            email=row["email"],
            phone=row["phone"],
        )
    return BookingListItem(
        id=row["booking_id"],
        number=row["number"],
        status=row["status"],
        appointment_type=row["appointment_type"],
        title=row["title"],
        start=row["starts_at"],
        end=row["ends_at"],
        time_zone=row["time_zone"],
        host_id=row["host_id"],
        location_kind=row["location_kind"],
        attendee=attendee,
        version=row["version"],
        created_at=row["created_at"],
    )

"""What is known of each booking.

Whoever changes it locks its row first, so that events of two streams and the end of a delivery are
seen one after the other.
"""

from dataclasses import asdict
from uuid import UUID

from psycopg.rows import TupleRow, class_row
from psycopg.types.json import Jsonb

from notify.domain.appointments import Appointment, Meeting, Place, Standing, Terms
from service_kit.database import Connection

_ADD = """
INSERT INTO appointments (booking_id, tenant) VALUES (%(booking_id)s, %(tenant)s)
ON CONFLICT (booking_id) DO NOTHING
"""

_LOCK = """
SELECT status, meeting, sequence FROM appointments WHERE booking_id = %(booking_id)s FOR UPDATE
"""

_WRITE = """
UPDATE appointments
SET status = %(status)s, sequence = %(sequence)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s,
    time_zone = %(time_zone)s, host_id = %(host_id)s, attendee_id = %(attendee_id)s,
    guest_ids = %(guest_ids)s, remind_by_email = %(remind_by_email)s, terms = %(terms)s
WHERE booking_id = %(booking_id)s
"""

_CANCEL = """
UPDATE appointments SET status = 'cancelled', sequence = %(sequence)s
WHERE booking_id = %(booking_id)s
"""

_SET_MEETING = "UPDATE appointments SET meeting = %(meeting)s WHERE booking_id = %(booking_id)s"

_RAISE_SEQUENCE = """
UPDATE appointments SET sequence = greatest(sequence, %(sequence)s)
WHERE booking_id = %(booking_id)s
"""

_READ = """
SELECT tenant, booking_id, time_zone, attendee_id, guest_ids, remind_by_email, host_id, starts_at,
       ends_at, terms, sequence, status, meeting
FROM appointments WHERE booking_id = %(booking_id)s AND terms IS NOT NULL
"""

_READ_LOCKED = f"{_READ} FOR UPDATE"


async def open_booking(connection: Connection, tenant: str, booking_id: UUID) -> Standing:
    """Where notify stands with a booking, locked; a booking not heard of before is added."""
    keys = {"tenant": tenant, "booking_id": booking_id}
    await connection.execute(_ADD, keys)
    async with connection.cursor(row_factory=class_row(Standing)) as cursor:
        await cursor.execute(_LOCK, keys)
        row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"appointment {booking_id} vanished")
    return row


async def write(connection: Connection, appointment: Appointment) -> None:
    """Writes everything about an appointment but the state of its meeting."""
    terms = appointment.terms
    values = {
        "booking_id": appointment.booking_id,
        "status": appointment.status,
        "sequence": appointment.sequence,
        "starts_at": terms.starts_at,
        "ends_at": terms.ends_at,
        "time_zone": appointment.time_zone,
        "host_id": terms.host_id,
        "attendee_id": appointment.attendee,
        "guest_ids": list(appointment.guests),
        "remind_by_email": appointment.remind_by_email,
        "terms": Jsonb(
            {
                "title": terms.title,
                "place": asdict(terms.place),
                "notice_minutes": terms.notice_minutes,
                "reminders_minutes": list(terms.reminders_minutes),
            }
        ),
    }
    await connection.execute(_WRITE, values)


async def cancel(connection: Connection, booking_id: UUID, sequence: int) -> None:
    """Marks a booking as called off, for good."""
    await connection.execute(_CANCEL, {"booking_id": booking_id, "sequence": sequence})


async def set_meeting(connection: Connection, booking_id: UUID, meeting: Meeting) -> None:
    """Writes down what became of the booking's meeting."""
    await connection.execute(_SET_MEETING, {"booking_id": booking_id, "meeting": meeting})


async def raise_sequence(connection: Connection, booking_id: UUID, sequence: int) -> None:
    """Remembers the highest iCalendar sequence that went out."""
    await connection.execute(_RAISE_SEQUENCE, {"booking_id": booking_id, "sequence": sequence})


async def read(connection: Connection, booking_id: UUID) -> Appointment | None:
    """The appointment; nothing where its terms never came."""
    cursor = await connection.execute(_READ, {"booking_id": booking_id})
    row = await cursor.fetchone()
    return _appointment(row) if row else None


async def read_locked(connection: Connection, booking_id: UUID) -> Appointment | None:
    """The appointment, locked until the transaction ends."""
    cursor = await connection.execute(_READ_LOCKED, {"booking_id": booking_id})
    row = await cursor.fetchone()
    return _appointment(row) if row else None


def _appointment(row: TupleRow) -> Appointment:
    tenant, booking_id, zone, attendee, guests, by_email, host_id, starts_at, ends_at = row[:9]
    terms, sequence, status, meeting = row[9:]
    return Appointment(
        tenant=tenant,
        booking_id=booking_id,
        time_zone=zone,
        attendee=attendee,
        guests=tuple(guests),
        remind_by_email=by_email,
        terms=Terms(
            title=terms["title"],
            host_id=host_id,
            starts_at=starts_at,
            ends_at=ends_at,
            place=Place(**terms["place"]),
            notice_minutes=terms["notice_minutes"],
            reminders_minutes=tuple(terms["reminders_minutes"]),
        ),
        sequence=sequence,
        status=status,
        meeting=meeting,
    )

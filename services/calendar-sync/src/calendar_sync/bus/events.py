"""What is heard of bookings."""

from collections.abc import Sequence

from calendar_sync.application import Entries
from calendar_sync.domain import Details, Notice, Place
from contracts.availability import Terms
from contracts.booking import (
    Attendance,
    BookingCancelled,
    BookingConfirmed,
    BookingMeetingAttached,
)
from contracts.envelope import Event
from service_kit.bus import EventHandler, handles
from service_kit.database import Connection
from service_kit.messages import Envelope

CONSUMES: tuple[type[Event], ...] = (BookingConfirmed, BookingCancelled, BookingMeetingAttached)


def handlers(entries: Entries) -> Sequence[EventHandler]:
    """The handlers, bound to the application."""

    async def on_booking_confirmed(
        connection: Connection, event: BookingConfirmed, envelope: Envelope
    ) -> None:
        await entries.hear(
            connection,
            Notice(
                tenant=event.tenant,
                booking_id=event.booking_id,
                version=event.version,
                at=envelope.time,
                sequence=event.sequence,
                details=_details(event.number, event.terms, event.attendance),
            ),
        )

    async def on_booking_cancelled(
        connection: Connection, event: BookingCancelled, envelope: Envelope
    ) -> None:
        terms = event.terms
        await entries.hear(
            connection,
            Notice(
                tenant=event.tenant,
                booking_id=event.booking_id,
                version=event.version,
                at=envelope.time,
                cancelled=True,
                sequence=event.sequence,
                details=_details(event.number, terms, event.attendance) if terms else None,
            ),
        )

    async def on_booking_meeting_attached(
        connection: Connection, event: BookingMeetingAttached, envelope: Envelope
    ) -> None:
        # The entry is written anew, and asks for the link when it is.
        await entries.hear(
            connection, Notice(event.tenant, event.booking_id, event.version, envelope.time)
        )

    return (
        handles(BookingConfirmed, on_booking_confirmed),
        handles(BookingCancelled, on_booking_cancelled),
        handles(BookingMeetingAttached, on_booking_meeting_attached),
    )


def _details(number: str, terms: Terms, attendance: Attendance) -> Details:
    location = terms.location
    return Details(
        number=number,
        title=terms.title,
        host_id=terms.host_id,
        host_time_zone=terms.host_time_zone,
        attendee_id=attendance.attendee.person_id,
        starts_at=terms.start,
        ends_at=terms.end,
        place=Place(
            kind=location.kind,
            address=location.address,
            directions_url=location.directions_url,
            parking_note=location.parking_note,
            phone_number=location.phone_number,
            caller=location.caller,
        ),
    )

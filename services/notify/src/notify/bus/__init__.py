"""What notify listens to and answers, and what it asks of others."""

from contracts.booking import BookingCancelled, BookingConfirmed
from contracts.envelope import Event
from contracts.notify import ListNotifications, Notifications
from contracts.video import MeetingFailed, MeetingProvisioned
from notify.application import Appointments
from notify.bus import translation
from notify.bus.directory import BookingDirectory
from service_kit.bus import Bus, answers, handles
from service_kit.database import Connection
from service_kit.messages import Envelope

__all__ = ["CONSUMES", "BookingDirectory", "bus"]

CONSUMES: tuple[type[Event], ...] = (
    BookingConfirmed,
    BookingCancelled,
    MeetingProvisioned,
    MeetingFailed,
)


def bus(appointments: Appointments) -> Bus:
    """Notify's handlers, bound to its application."""

    async def on_booking_confirmed(
        connection: Connection, event: BookingConfirmed, envelope: Envelope
    ) -> None:
        await appointments.confirm(connection, translation.confirmed(event), envelope.time)

    async def on_booking_cancelled(
        connection: Connection, event: BookingCancelled, _: Envelope
    ) -> None:
        await appointments.cancel(connection, translation.cancelled(event))

    async def on_meeting_provisioned(
        connection: Connection, event: MeetingProvisioned, _: Envelope
    ) -> None:
        await appointments.settle_meeting(connection, event.tenant, event.booking_id, "ready")

    async def on_meeting_failed(connection: Connection, event: MeetingFailed, _: Envelope) -> None:
        await appointments.settle_meeting(connection, event.tenant, event.booking_id, "failed")

    async def list_notifications(query: ListNotifications) -> Notifications:
        found = await appointments.notifications(query.tenant, query.booking_id)
        return Notifications(items=[translation.listed(each) for each in found])

    return Bus(
        service="notify",
        events=(
            handles(BookingConfirmed, on_booking_confirmed),
            handles(BookingCancelled, on_booking_cancelled),
            handles(MeetingProvisioned, on_meeting_provisioned),
            handles(MeetingFailed, on_meeting_failed),
        ),
        requests=(answers(ListNotifications, list_notifications),),
    )

"""What events change: a booking is confirmed or called off, its meeting is ready or is not."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from notify.application.flows import this_flow
from notify.domain import planning
from notify.domain.appointments import Appointment, Recipient
from notify.domain.notifications import Listed
from notify.store import appointments, notifications, reminders
from service_kit.clock import Clock
from service_kit.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A booking was called off; `appointment` is absent where it never had terms."""

    tenant: str
    booking_id: UUID
    sequence: int
    appointment: Appointment | None


@dataclass(frozen=True)
class Appointments:
    """Plans what to tell about each booking. Every method is harmless when called again."""

    database: Database
    clock: Clock

    async def confirm(
        self, connection: Connection, appointment: Appointment, confirmed_at: datetime
    ) -> None:
        """Plans the confirmations and the reminders of a booking that is new to us.

        One that was cancelled meanwhile is left alone. The confirmations wait for the meeting from
        now on, not from `confirmed_at`: after an outage the link is as late as the confirmation.
        """
        known = await appointments.open_booking(
            connection, appointment.tenant, appointment.booking_id
        )
        if known.status != "unknown":
            return
        appointment = replace(appointment, meeting=known.meeting)
        await appointments.write(connection, appointment)
        flow = this_flow()
        due = planning.reminders(appointment, confirmed_at)
        await reminders.plan(connection, due, flow)
        mails = planning.confirmations(appointment, self.clock())
        mails += planning.reminder_mails(appointment, due)
        await notifications.plan(connection, mails, flow)

    async def cancel(self, connection: Connection, cancelled: Cancelled) -> None:
        """Drops what has not gone out, and tells whoever may have heard of the appointment."""
        booking_id = cancelled.booking_id
        known = await appointments.open_booking(connection, cancelled.tenant, booking_id)
        if known.status == "cancelled":
            return
        if known.status == "unknown" and cancelled.appointment is not None:
            await appointments.write(connection, cancelled.appointment)
        sequence = max(cancelled.sequence, known.sequence + 1)
        await appointments.cancel(connection, booking_id, sequence)
        await reminders.drop(connection, booking_id)
        await notifications.drop_unsent(connection, booking_id)
        appointment = await appointments.read(connection, booking_id)
        if appointment is not None:
            invited = await notifications.invited(connection, booking_id)
            mails = planning.cancellations(appointment, invited, self.clock())
            await notifications.plan(connection, mails, this_flow())

    async def settle_meeting(
        self,
        connection: Connection,
        tenant: str,
        booking_id: UUID,
        meeting: Literal["ready", "failed"],
    ) -> None:
        """Lets the confirmations go that waited; who got one without the link gets an update."""
        known = await appointments.open_booking(connection, tenant, booking_id)
        if known.meeting in (meeting, "ready"):
            return
        await appointments.set_meeting(connection, booking_id, meeting)
        appointment = await appointments.read(connection, booking_id)
        if appointment is None or appointment.status != "confirmed":
            return
        now = self.clock()
        await notifications.hasten(connection, booking_id, now)
        if meeting == "ready":
            told = await notifications.sent_without_link(connection, booking_id)
            await plan_updates(connection, appointment, told, now)

    async def notifications(self, tenant: str, booking_id: UUID) -> list[Listed]:
        """What was and will be sent for a booking; nothing for another tenant's."""
        async with self.database.reading() as connection:
            return await notifications.of_booking(connection, tenant, booking_id)


async def plan_updates(
    connection: Connection,
    appointment: Appointment,
    told: Iterable[tuple[Recipient, int]],
    now: datetime,
) -> None:
    """Plans updates for people whose invite (of the given sequence) lacked the link."""
    mails = planning.updates(appointment, told, now)
    if mails:
        highest = max(mail.sequence for mail in mails)
        await appointments.raise_sequence(connection, appointment.booking_id, highest)
        await notifications.plan(connection, mails, this_flow())

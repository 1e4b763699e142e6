"""Contracts in notify's own words, and back."""

from uuid import UUID

from contracts import availability
from contracts.booking import Attendance, BookingCancelled, BookingConfirmed
from contracts.notify import Notification
from notify.application import Cancelled
from notify.domain.appointments import Appointment, Place, Terms
from notify.domain.notifications import Listed


def confirmed(event: BookingConfirmed) -> Appointment:
    """The appointment that a confirmation tells of."""
    return Appointment(
        tenant=event.tenant,
        booking_id=event.booking_id,
        time_zone=event.time_zone,
        attendee=event.attendance.attendee.person_id,
        guests=_guests(event.attendance),
        remind_by_email=event.reminders.email,
        terms=_terms(event.terms),
        sequence=event.sequence,
    )


def cancelled(event: BookingCancelled) -> Cancelled:
    """The cancellation, with the appointment as it would have been."""
    appointment = event.terms and Appointment(
        tenant=event.tenant,
        booking_id=event.booking_id,
        time_zone=event.time_zone,
        attendee=event.attendance.attendee.person_id,
        guests=_guests(event.attendance),
        remind_by_email=False,
        terms=_terms(event.terms),
        sequence=event.sequence,
        status="cancelled",
    )
    return Cancelled(event.tenant, event.booking_id, event.sequence, appointment)


def listed(each: Listed) -> Notification:
    """A notification as others see it."""
    return Notification(
        id=each.notification.id,
        kind=each.notification.kind,
        channel=each.notification.channel,
        recipient=each.notification.recipient.id,
        state=each.state,
        due_at=each.notification.due_at,
        sent_at=each.sent_at,
        attempts=each.attempts,
    )


def _guests(attendance: Attendance) -> tuple[UUID, ...]:
    return tuple(guest.person_id for guest in attendance.guests)


def _terms(terms: availability.Terms) -> Terms:
    location = terms.location
    return Terms(
        title=terms.title,
        host_id=terms.host_id,
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
        notice_minutes=terms.cancellation.notice_minutes,
        reminders_minutes=tuple(terms.reminders_minutes),
    )

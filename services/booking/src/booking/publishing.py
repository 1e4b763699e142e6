"""What leaves the service: own events as contract events, and nothing else."""

from typing import Any, cast
from uuid import UUID, uuid5

from eventsourcing.domain import DomainEventProtocol

from booking.domain import Alternative, Attendance, Booking, PersonRef, Terms
from contracts import availability, booking, envelope
from contracts.booking import BookingEvent
from service_kit.messages import Envelope, Outgoing, Position

SOURCE = "/rendezvous/booking"

EVENT_IDS = UUID("a1d4a1f7-0c8a-4c5c-8f0e-7f3f0a6f2b6d")
"""Namespace of the ids of published events: the same stored event always gets the same id."""


def contract_event(event: DomainEventProtocol[UUID]) -> BookingEvent | None:
    """The contract event for a stored one; nothing where it is the service's own business."""
    match event:
        case Booking.Requested():
            return _requested(event)
        case Booking.Confirmed():
            return _confirmed(event)
        case Booking.MarkedUnavailable():
            return booking.BookingMarkedUnavailable(
                **_common(event),
                reason=cast("availability.RejectionReason", event.reason),
                field=event.field,
                alternatives=[slot(found) for found in event.alternatives],
            )
        case Booking.MeetingAttached():
            return booking.BookingMeetingAttached(
                **_common(event), meeting_id=event.meeting_id, provider=event.provider
            )
        case Booking.Cancelled():
            return _cancelled(event)
        case _:
            return None


def outgoing(event: Booking.Event, notification_id: int) -> Outgoing | None:
    """A stored event as a message, under an id that is made of what is stored."""
    said = contract_event(event)
    if said is None:
        return None
    name = f"{event.originator_id}/{event.originator_version}/0"
    about = Envelope(
        id=uuid5(EVENT_IDS, name),
        source=SOURCE,
        type=said.ce_type(),
        subject=said.subject,
        tenant=said.tenant,
        entity_id=said.entity_id,
        time=event.timestamp,
        position=Position(notification_id),
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        traceparent=event.traceparent,
    )
    return Outgoing(about, said.model_dump_json().encode())


def terms(known: Terms) -> availability.Terms:
    """The terms as the contract has them."""
    place, price = known.location, known.price
    return availability.Terms(
        appointment_type=known.appointment_type,
        title=known.title,
        host_id=known.host_id,
        host_time_zone=known.host_time_zone,
        start=known.start,
        end=known.end,
        duration_minutes=known.duration_minutes,
        location=availability.Location.model_validate(place, from_attributes=True),
        price=envelope.Money.model_validate(price, from_attributes=True) if price else None,
        approval=known.approval,
        cancellation=availability.CancellationPolicy(
            notice_minutes=known.cancellation_notice_minutes
        ),
        reminders_minutes=known.reminders_minutes,
    )


def slot(known: Alternative) -> availability.Slot:
    """A free slot as the contract has it."""
    return availability.Slot(
        start=known.start, end=known.end, hosts=known.hosts, seats_left=known.seats_left
    )


def attendance(known: Attendance) -> booking.Attendance:
    """Who takes part, as the contract has it."""
    return booking.Attendance(
        attendee=_person(known.attendee), guests=[_person(guest) for guest in known.guests]
    )


def _person(known: PersonRef) -> envelope.PersonRef:
    return envelope.PersonRef(person_id=known.person_id, version=known.version)


def _requested(event: Booking.Requested) -> BookingEvent:
    wish = event.wish
    return booking.BookingRequested.model_validate(
        {
            **_common(event),
            "number": event.number,
            "appointment_type": wish.appointment_type,
            "start": wish.start,
            "duration_minutes": wish.duration_minutes,
            "time_zone": wish.time_zone,
            "location_kind": wish.location_kind,
            "host_id": wish.host_id,
            "hold_id": wish.hold_id,
            "attendance": attendance(event.attendance),
            "reminders": {"email": wish.remind_by_email, "sms": wish.remind_by_sms},
        }
    )


def _confirmed(event: Booking.Confirmed) -> BookingEvent:
    return booking.BookingConfirmed(
        **_common(event),
        number=event.number,
        time_zone=event.time_zone,
        attendance=attendance(event.attendance),
        reminders=booking.ReminderChoice(email=event.remind_by_email, sms=event.remind_by_sms),
        terms=terms(event.terms),
        sequence=event.sequence,
    )


def _cancelled(event: Booking.Cancelled) -> BookingEvent:
    return booking.BookingCancelled(
        **_common(event),
        number=event.number,
        actor=envelope.Actor(kind=event.actor.kind, id=event.actor.id),
        time_zone=event.time_zone,
        attendance=attendance(event.attendance),
        terms=terms(event.terms) if event.terms else None,
        sequence=event.sequence,
    )


def _common(event: Booking.Event) -> dict[str, Any]:
    return {
        "tenant": event.tenant,
        "booking_id": event.originator_id,
        "version": event.originator_version,
    }

"""The booking's confirmation as a process: a fact from elsewhere becomes a command here."""

from functools import singledispatch

from booking.application import Command
from booking.domain import Alternative, Because, Location, Money, Terms
from contracts.availability import Slot, SlotRejected, SlotReserved
from contracts.availability import Terms as GrantedTerms
from contracts.envelope import Event
from contracts.video import MeetingProvisioned


@singledispatch
def command_for(event: Event, because: Because) -> Command | None:
    """The command that follows from a fact; nothing where none does."""
    _ = event, because


@command_for.register
def _(event: SlotReserved, because: Because) -> Command:
    terms = _terms(event.terms)
    return Command(event.booking_id, lambda b: b.confirm(event.booking_id, terms, because))


@command_for.register
def _(event: SlotRejected, because: Because) -> Command:
    alternatives = [_alternative(slot) for slot in event.alternatives]
    return Command(
        event.booking_id,
        lambda b: b.mark_unavailable(
            event.booking_id, event.reason, event.field, alternatives, because
        ),
    )


@command_for.register
def _(event: MeetingProvisioned, because: Because) -> Command:
    return Command(
        event.booking_id,
        lambda b: b.attach_meeting(event.booking_id, event.meeting_id, event.provider, because),
    )


def _terms(granted: GrantedTerms) -> Terms:
    place = granted.location
    return Terms(
        appointment_type=granted.appointment_type,
        title=granted.title,
        host_id=granted.host_id,
        host_time_zone=granted.host_time_zone,
        start=granted.start,
        end=granted.end,
        duration_minutes=granted.duration_minutes,
        location=Location(
            kind=place.kind,
            video_provider=place.video_provider,
            address=place.address,
            directions_url=place.directions_url,
            parking_note=place.parking_note,
            phone_number=place.phone_number,
            caller=place.caller,
        ),
        price=Money(granted.price.amount_minor, granted.price.currency) if granted.price else None,
        approval=granted.approval,
        cancellation_notice_minutes=granted.cancellation.notice_minutes,
        reminders_minutes=list(granted.reminders_minutes),
    )


def _alternative(slot: Slot) -> Alternative:
    return Alternative(slot.start, slot.end, list(slot.hosts), slot.seats_left)

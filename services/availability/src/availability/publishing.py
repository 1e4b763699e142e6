"""Own facts and slots, in the words of the contracts."""

from dataclasses import asdict
from datetime import UTC, datetime

from availability.domain.reservations import (
    FAULTS,
    AppointmentTypeChanged,
    Fact,
    HostChanged,
    Rejected,
    Released,
    Reserved,
)
from availability.domain.slots import FreeSlot
from contracts import availability as contracts
from contracts.envelope import Event, Money
from service_kit import outbox
from service_kit.database import Connection


async def publish(connection: Connection, at: datetime, *facts: Fact) -> None:
    """Says facts, which came about `at` (UTC), when the transaction commits."""
    await outbox.append(connection, at, *(event_of(fact) for fact in facts))


def event_of(fact: Fact) -> Event:
    """The event that tells a fact."""
    match fact:
        case Reserved():
            return contracts.SlotReserved(
                tenant=fact.tenant,
                booking_id=fact.booking_id,
                reservation_id=fact.reservation_id,
                terms=terms_of(fact),
            )
        case Rejected():
            return contracts.SlotRejected(
                tenant=fact.tenant,
                booking_id=fact.booking_id,
                reason=fact.reason,
                field=FAULTS[fact.reason],
                alternatives=[slot_of(slot) for slot in fact.alternatives],
            )
        case Released():
            return contracts.ReservationReleased(
                tenant=fact.tenant, booking_id=fact.booking_id, reservation_id=fact.reservation_id
            )
        case HostChanged():
            return contracts.HostChanged(
                tenant=fact.tenant, host_id=fact.host_id, version=fact.version
            )
        case AppointmentTypeChanged():
            return contracts.AppointmentTypeChanged(
                tenant=fact.tenant, slug=fact.slug, version=fact.version
            )


def terms_of(fact: Reserved) -> contracts.Terms:
    """What binds the booking."""
    grant, offered = fact.grant, fact.grant.appointment_type
    price = offered.price
    return contracts.Terms(
        appointment_type=offered.slug,
        title=offered.title,
        host_id=fact.host.host_id,
        host_time_zone=fact.host.zone,
        start=instant(grant.start),
        end=instant(grant.end),
        duration_minutes=grant.minutes,
        location=contracts.Location.model_validate(asdict(grant.location)),
        price=Money(**asdict(price)) if price else None,
        approval=offered.approval,
        cancellation=contracts.CancellationPolicy(
            notice_minutes=offered.cancellation_notice_minutes
        ),
        reminders_minutes=list(offered.reminders_minutes),
    )


def slot_of(slot: FreeSlot) -> contracts.Slot:
    """A slot as others see it."""
    return contracts.Slot(start=instant(slot.start), end=instant(slot.end), hosts=list(slot.hosts))


def instant(seconds: int) -> datetime:
    """Unix seconds as a UTC datetime."""
    return datetime.fromtimestamp(seconds, UTC)

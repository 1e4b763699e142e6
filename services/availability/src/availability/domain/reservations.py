"""What is asked for, how it is judged, and the facts that come of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from availability.domain.assignment import least_busy_first
from availability.domain.catalogue import AppointmentType, Location, LocationKind
from availability.domain.offers import Offer
from availability.domain.schedules import MINUTE
from availability.domain.slots import Calendar, FreeSlot, SlotRules, is_free, is_start

MOST_ALTERNATIVES = 5

Reason = Literal[
    "slot_taken",
    "not_a_slot",
    "unknown_appointment_type",
    "duration_not_offered",
    "location_not_offered",
    "host_not_offered",
]

FAULTS: dict[Reason, str] = {
    "slot_taken": "start",
    "not_a_slot": "start",
    "unknown_appointment_type": "appointment_type",
    "duration_not_offered": "duration_minutes",
    "location_not_offered": "location",
    "host_not_offered": "host_id",
}
"""Which part of the request each reason finds at fault."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a booking asks for. `asked_at` is when the client did."""

    tenant: str
    booking_id: UUID
    appointment_type: str
    start: datetime
    duration_minutes: int | None
    location_kind: LocationKind | None
    host_id: UUID | None
    asked_at: datetime

    @property
    def start_second(self) -> int:
        """The start in Unix seconds, cut to whole ones."""
        return int(self.start.timestamp())


@dataclass(frozen=True, slots=True)
class Claim:
    """One resource, occupied from `begin` to before `end` (Unix seconds, buffers included)."""

    resource_key: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A wish that can be had from any of `hosts`, the best choice first."""

    appointment_type: AppointmentType
    minutes: int
    location: Location
    start: int
    hosts: Sequence[Calendar]

    @property
    def end(self) -> int:
        """When the appointment is over, in Unix seconds; buffers come after."""
        return self.start + self.minutes * MINUTE

    def claims(self, host: Calendar) -> list[Claim]:
        """What must be free for it, in the order in which everybody takes resources."""
        rules = self.appointment_type.slot_rules(self.minutes)
        begin, end = self.start - rules.buffer_before, self.end + rules.buffer_after
        return sorted([Claim(host.resource_key, begin, end)], key=lambda one: one.resource_key)


@dataclass(frozen=True, slots=True)
class Reserved:
    """The resources are claimed for a booking."""

    tenant: str
    booking_id: UUID
    reservation_id: UUID
    grant: Grant
    host: Calendar


@dataclass(frozen=True, slots=True)
class Rejected:
    """A booking cannot have what it asks for; these could be had instead, the nearest first."""

    tenant: str
    booking_id: UUID
    reason: Reason
    alternatives: Sequence[FreeSlot] = ()


@dataclass(frozen=True, slots=True)
class Released:
    """The resources of a booking are free again."""

    tenant: str
    booking_id: UUID
    reservation_id: UUID


@dataclass(frozen=True, slots=True)
class HostChanged:
    """A host was added or edited."""

    tenant: str
    host_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class AppointmentTypeChanged:
    """An appointment type was added or edited."""

    tenant: str
    slug: str
    version: int


Fact = Reserved | Rejected | Released | HostChanged | AppointmentTypeChanged


def judge(wish: Wish, offer: Offer | None, now: datetime) -> Grant | Reason:
    """Who could be claimed for the wish, or why nobody can."""
    if offer is None:
        return "unknown_appointment_type"
    minutes = offer.appointment_type.duration(wish.duration_minutes)
    if minutes is None:
        return "duration_not_offered"
    location = offer.appointment_type.location(wish.location_kind)
    if location is None:
        return "location_not_offered"
    hosts = _hosts_for(wish, offer, minutes, now)
    if isinstance(hosts, str):
        return hosts
    return Grant(offer.appointment_type, minutes, location, wish.start_second, hosts)


def _hosts_for(wish: Wish, offer: Offer, minutes: int, now: datetime) -> list[Calendar] | Reason:
    calendars = offer.by(wish.host_id)
    if wish.host_id is not None and not calendars:
        return "host_not_offered"
    start, rules = wish.start_second, offer.appointment_type.slot_rules(minutes)
    at_work = [one for one in calendars if _begins(wish, offer, rules, one, now)]
    if not at_work:
        return "not_a_slot"
    free = [one for one in at_work if is_free(one, rules, start)]
    return least_busy_first(free, start) if free else "slot_taken"


def _begins(wish: Wish, offer: Offer, rules: SlotRules, calendar: Calendar, now: datetime) -> bool:
    """Whether it is one of the host's slots, if nothing were taken."""
    if wish.start.microsecond:
        return False
    span = offer.appointment_type.bookable(calendar.zone, wish.asked_at, now)
    start = wish.start_second
    return span.earliest <= start < span.latest and is_start(calendar, rules, start)

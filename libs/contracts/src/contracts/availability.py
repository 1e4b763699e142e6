"""What availability says: slots are reserved, rejected and released; what can be booked."""

from datetime import date, time
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import Contract, Done, Event, Instant, Money, ReplyT, TenantRequest

LocationKind = Literal["video", "in_person", "phone"]


class Location(Contract):
    """Where an appointment takes place; only the fields of its `kind` are set."""

    kind: LocationKind
    video_provider: str | None = None
    address: str | None = None
    directions_url: str | None = None
    parking_note: str | None = None
    phone_number: str | None = None
    caller: Literal["host", "attendee"] | None = None


class CancellationPolicy(Contract):
    """Until how many minutes before the start an attendee may cancel."""

    notice_minutes: int = 0


class Terms(Contract):
    """What binds a booking. It comes from the catalogue, never from a client."""

    appointment_type: str
    title: str
    host_id: UUID
    host_time_zone: str
    start: Instant
    end: Instant
    duration_minutes: int
    location: Location
    price: Money | None
    approval: bool
    cancellation: CancellationPolicy
    reminders_minutes: list[int]


class Slot(Contract):
    """A start and a duration that can be booked now, with the hosts that are free for it."""

    start: Instant
    end: Instant
    hosts: list[UUID]
    seats_left: int = 1


RejectionReason = Literal[
    "slot_taken",
    "not_a_slot",
    "unknown_appointment_type",
    "duration_not_offered",
    "location_not_offered",
    "host_not_offered",
]


class AvailabilityEvent(Event):
    """Base of what availability publishes."""

    CONTEXT: ClassVar[str] = "availability"


class SlotReserved(AvailabilityEvent):
    """The resources of a booking are claimed; these terms bind it."""

    FACT: ClassVar[str] = "slot-reserved"

    booking_id: UUID
    reservation_id: UUID
    terms: Terms


class SlotRejected(AvailabilityEvent):
    """The slot could not be had. `field` names the part of the request that was at fault."""

    FACT: ClassVar[str] = "slot-rejected"

    booking_id: UUID
    reason: RejectionReason
    field: str | None = None
    alternatives: list[Slot]


class ReservationReleased(AvailabilityEvent):
    """The resources of a booking are free again."""

    FACT: ClassVar[str] = "reservation-released"

    booking_id: UUID
    reservation_id: UUID


class HostChanged(AvailabilityEvent):
    """A host or their schedules were added or edited; details are asked for by id."""

    FACT: ClassVar[str] = "host-changed"
    ENTITY: ClassVar[str] = "host_id"

    host_id: UUID
    version: int


class AppointmentTypeChanged(AvailabilityEvent):
    """An appointment type was added or edited."""

    FACT: ClassVar[str] = "appointment-type-changed"
    ENTITY: ClassVar[str] = "slug"

    slug: str
    version: int


class WeeklyInterval(Contract):
    """Working hours of one ISO weekday (1 Monday to 7 Sunday), wall-clock, `until` excluded."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    start: time
    until: time


class HostDetails(Contract):
    """A host as the other services may see them."""

    id: UUID
    name: str
    email: str
    time_zone: str
    active: bool = True


class AppointmentTypeDetails(Contract):
    """What can be booked. Minutes throughout; `hours` replaces the hosts' schedules if given."""

    slug: Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
    title: str
    description: str = ""
    durations_minutes: Annotated[list[int], Field(min_length=1)]
    default_duration_minutes: int
    locations: Annotated[list[Location], Field(min_length=1)]
    hosts: Annotated[list[UUID], Field(min_length=1)]
    price: Money | None = None
    approval: bool = False
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    notice_minutes: int = 0
    window_days: int = 365
    slot_interval_minutes: int | None = None
    cancellation: CancellationPolicy = CancellationPolicy()
    reminders_minutes: tuple[int, ...] = (1440, 60)
    hours: list[WeeklyInterval] | None = None
    active: bool = True


class AppointmentTypes(Contract):
    """The active appointment types of a tenant, by title."""

    items: list[AppointmentTypeDetails]


class AvailabilityRequest(TenantRequest[ReplyT]):
    """Base of what availability answers."""

    SERVICE: ClassVar[str] = "availability"


class ListAppointmentTypes(AvailabilityRequest[AppointmentTypes]):
    """All active appointment types of a tenant."""


class GetAppointmentType(AvailabilityRequest[AppointmentTypeDetails]):
    """One active appointment type, or the problem `not_found`."""

    slug: str


class Slots(Contract):
    """The free slots of one appointment type for one duration, by start."""

    duration_minutes: int
    slots: list[Slot]


class FindSlots(AvailabilityRequest[Slots]):
    """Free slots from `from_date` to `to_date` (excluded), local dates in `time_zone`.

    Problems: `not_found` (appointment type), `invalid` with the field that is at fault.
    """

    slug: str
    from_date: date
    to_date: date
    time_zone: str
    duration_minutes: int | None = None
    host_id: UUID | None = None


class Hosts(Contract):
    """Hosts by id."""

    items: list[HostDetails]


class GetHosts(AvailabilityRequest[Hosts]):
    """The hosts with these ids (all where `ids` is null); unknown ones are absent."""

    ids: list[UUID] | None = None


class PutHost(AvailabilityRequest[Done]):
    """Adds or replaces a host with their weekly schedule."""

    host: HostDetails
    schedule: list[WeeklyInterval]


class PutAppointmentType(AvailabilityRequest[Done]):
    """Adds or replaces an appointment type."""

    appointment_type: AppointmentTypeDetails

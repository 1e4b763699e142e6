"""What booking says: a booking's life as facts, and the commands and queries on it."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.availability import LocationKind, RejectionReason, Slot, Terms
from contracts.envelope import (
    Actor,
    Contract,
    Event,
    Instant,
    PersonRef,
    ReplyT,
    Request,
    TenantRequest,
)

BookingStatus = Literal[
    "requested",
    "awaiting_approval",
    "awaiting_payment",
    "confirmed",
    "completed",
    "no_show",
    "declined",
    "unavailable",
    "expired",
    "cancelled",
]

SETTLED_FACTS = ("awaiting-approval", "awaiting-payment", "confirmed", "unavailable", "cancelled")
"""The facts after which a request for a booking has its answer."""


class BookingEvent(Event):
    """Base of what booking publishes. `version` is the aggregate's after the fact."""

    CONTEXT: ClassVar[str] = "booking"

    booking_id: UUID
    version: int


class Attendance(Contract):
    """Who takes part: the attendee and the guests."""

    attendee: PersonRef
    guests: list[PersonRef]


class ReminderChoice(Contract):
    """Over which channels the attendee wants to be reminded."""

    email: bool = True
    sms: bool = False


class BookingRequested(BookingEvent):
    """Somebody asks for a slot; nothing is claimed yet."""

    FACT: ClassVar[str] = "requested"

    number: str
    appointment_type: str
    start: Instant
    duration_minutes: int | None
    time_zone: str
    location_kind: LocationKind | None
    host_id: UUID | None
    hold_id: UUID | None
    attendance: Attendance
    reminders: ReminderChoice


class BookingConfirmed(BookingEvent):
    """The slot is theirs, on these terms."""

    FACT: ClassVar[str] = "confirmed"

    number: str
    time_zone: str
    attendance: Attendance
    reminders: ReminderChoice
    terms: Terms
    sequence: int


class BookingMarkedUnavailable(BookingEvent):
    """The slot could not be had; the booking ends here."""

    FACT: ClassVar[str] = "unavailable"

    reason: RejectionReason
    field: str | None
    alternatives: list[Slot]


class BookingMeetingAttached(BookingEvent):
    """The booking has its meeting."""

    FACT: ClassVar[str] = "meeting-attached"

    meeting_id: UUID
    provider: str


class BookingCancelled(BookingEvent):
    """The booking is called off; its slot is free again. `sequence` is iCalendar's."""

    FACT: ClassVar[str] = "cancelled"

    number: str
    actor: Actor
    time_zone: str
    attendance: Attendance
    terms: Terms | None
    sequence: int


# ------------------------------------------------------------------ commands and queries


class PersonDetails(Contract):
    """A person's details. `phone` is E.164 where given."""

    name: str
    email: str
    phone: str | None = None


class Person(PersonDetails):
    """A person's details with their id and version."""

    person_id: UUID
    version: int


class Document(Contract):
    """A link to a document; the file itself stays where it is."""

    url: str
    title: str
    kind: str | None = None


class Idempotency(Contract):
    """The client's key for a command and the SHA-256 of what was asked with it."""

    route: str
    key: Annotated[str, Field(min_length=1, max_length=255)]
    body_hash: str


class CommandAccepted(Contract):
    """A command's answer. `position` is the source's, for reads that must see the write.

    `settled_version` is set when the booking had settled already (a repeat of an old key).
    """

    booking_id: UUID
    version: int
    position: int
    settled_version: int | None = None


class BookingRequest(TenantRequest[ReplyT]):
    """Base of what booking answers."""

    SERVICE: ClassVar[str] = "booking"


class RequestBooking(BookingRequest[CommandAccepted]):
    """Asks for a booking under the id that the gateway chose.

    A repeat of the same idempotency key answers for the first booking. Problems:
    `idempotency_key_reused`, `invalid`.
    """

    booking_id: UUID
    appointment_type: str
    start: Instant
    duration_minutes: int | None
    time_zone: str
    attendee: PersonDetails
    guests: list[PersonDetails]
    location_kind: LocationKind | None
    host_id: UUID | None
    hold_id: UUID | None
    answers: dict[str, Any]
    notes: str | None
    documents: list[Document]
    reminders: ReminderChoice
    actor: Actor
    idempotency: Idempotency


class CancelBooking(BookingRequest[CommandAccepted]):
    """Calls a booking off. `reason` is free text and stays in the personal rows.

    Problems: `not_found`, `conflict` (its status forbids it), `too_late` (the attendee's notice
    has passed), `version_mismatch`, `idempotency_key_reused`.
    """

    booking_id: UUID
    actor: Actor
    reason: str | None
    expected_version: int | None
    idempotency: Idempotency


class BookingView(Contract):
    """One booking as the aggregate has it, with the details of its people."""

    id: UUID
    tenant: str
    number: str
    status: BookingStatus
    version: int
    position: int
    appointment_type: str
    start: Instant
    end: Instant | None
    duration_minutes: int | None
    time_zone: str
    host_id: UUID | None
    terms: Terms | None
    attendee: Person | None
    guests: list[Person]
    answers: dict[str, Any]
    notes: str | None
    documents: list[Document]
    meeting_id: UUID | None
    meeting_provider: str | None
    rejection_reason: RejectionReason | None
    rejection_field: str | None
    alternatives: list[Slot]
    sequence: int
    created_at: Instant
    manage_url: str
    join_url: str | None
    host_join_url: str | None


class GetBooking(BookingRequest[BookingView]):
    """One booking, now, or as of a version or an instant. Problem: `not_found`."""

    booking_id: UUID
    as_of_version: int | None = None
    as_of: Instant | None = None


class HistoryEntry(Contract):
    """One stored event as told to people: what, when, by whom, and its data."""

    version: int
    type: str
    occurred_at: Instant
    actor: Actor | None
    correlation_id: str | None
    data: dict[str, Any]


class History(Contract):
    """Every event of one booking, first to last."""

    events: list[HistoryEntry]


class GetHistory(BookingRequest[History]):
    """The history of one booking. Problem: `not_found`."""

    booking_id: UUID


class BookingListItem(Contract):
    """One line of the list, from the projection."""

    id: UUID
    number: str
    status: BookingStatus
    appointment_type: str
    title: str
    start: Instant
    end: Instant | None
    time_zone: str
    host_id: UUID | None
    location_kind: LocationKind | None
    attendee: Person | None
    version: int
    created_at: Instant


class BookingPage(Contract):
    """A page of the list; `next_cursor` is null on the last."""

    items: list[BookingListItem]
    next_cursor: str | None
    position: int


class ListBookings(BookingRequest[BookingPage]):
    """A page of bookings by start. Problems: `invalid` (cursor), `projection_behind`."""

    host_id: UUID | None = None
    status: tuple[BookingStatus, ...] = ()
    appointment_type: str | None = None
    starts_from: Instant | None = None
    starts_before: Instant | None = None
    q: str | None = None
    sort: Literal["start", "-start"] = "start"
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    min_position: int | None = None


class FoundPeople(Contract):
    """Details of people; erased ones are absent."""

    items: list[Person]


class People(BookingRequest[FoundPeople]):
    """The newest details of these people, asked for at the moment of use."""

    person_ids: list[UUID]


LinkAction = Literal["manage", "call"]


class LinkGrant(Contract):
    """What a signed link stands for: `role` is attendee or host."""

    tenant: str
    booking_id: UUID
    action: LinkAction
    role: Literal["attendee", "host"]
    expires_at: datetime


class OpenLink(Request[LinkGrant]):
    """Verifies a signed link; the tenant is the token's own.

    Problems: `link_invalid` (forged, expired or revoked).
    """

    SERVICE: ClassVar[str] = "booking"

    token: str
    action: LinkAction

"""The shapes of the answers, for the OpenAPI document. Answers themselves are built in views."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.availability import LocationKind
from contracts.booking import BookingStatus
from contracts.envelope import Money
from contracts.notify import Channel, NotificationKind


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: Annotated[str, Field(examples=["attendee.email"])]
    message: Annotated[str, Field(examples=["must be an e-mail address such as ada@example.com"])]


class Problem(BaseModel):
    """RFC 9457 problem details; each `type` is explained at its own address."""

    type: Annotated[str, Field(examples=["/problems/invalid"])]
    title: str
    status: int
    detail: str
    instance: str
    correlation_id: str
    errors: list[FieldError] | None = None


class Slot(BaseModel):
    """A start and a duration that can be booked now."""

    start: datetime
    end: datetime
    local_start: Annotated[
        datetime,
        Field(description="`start` in the asked zone", examples=["2027-03-22T09:00:00+01:00"]),
    ]
    hosts: list[UUID]
    seats_left: int


class SlotUnavailable(Problem):
    """The slot is gone; these are near it."""

    alternatives: list[Slot]


class Slots(BaseModel):
    """The free slots of a range of local days."""

    time_zone: str
    appointment_type: str
    duration_minutes: int
    slots: list[Slot]


class LocationOffer(BaseModel):
    """A kind of place that an appointment type offers."""

    kind: LocationKind
    address: str | None = None
    directions_url: str | None = None
    parking_note: str | None = None
    phone_number: str | None = None
    caller: Literal["host", "attendee"] | None = None


class PublicHost(BaseModel):
    """A host as everybody may see them."""

    id: UUID
    name: str
    time_zone: str


class AppointmentType(BaseModel):
    """What can be booked."""

    slug: str
    title: str
    description: str
    durations_minutes: list[int]
    default_duration_minutes: int
    locations: list[LocationOffer]
    hosts: list[PublicHost]
    price: Money | None
    approval: bool
    cancellation_notice_minutes: int
    notice_minutes: int
    window_days: int


class AppointmentTypes(BaseModel):
    """Everything that a tenant offers."""

    items: list[AppointmentType]


class BookingHost(BaseModel):
    """The host of a booking; the name is null while nobody can tell it."""

    id: UUID
    name: str | None
    time_zone: str | None


class Person(BaseModel):
    """A person of a booking."""

    id: UUID
    name: str
    email: str
    phone: str | None


class Location(LocationOffer):
    """Where a booking takes place. `join_url` is null until the meeting is there."""

    join_url: str | None = None
    host_join_url: str | None = None


class Document(BaseModel):
    """A link to a document."""

    url: str
    title: str
    kind: str | None


class Booking(BaseModel):
    """A booking. Personal data are null or empty for a key without `people:read`."""

    id: UUID
    number: str
    status: BookingStatus
    appointment_type: str
    title: str | None
    start: datetime
    end: datetime | None
    duration_minutes: int | None
    time_zone: str
    host: BookingHost | None
    attendee: Person | None
    guests: list[Person]
    location: Location | None
    price: Money | None
    series_id: UUID | None
    answers: dict[str, Any]
    notes: str | None
    documents: list[Document]
    version: int
    manage_url: str | None
    created_at: datetime


class BookingPending(BaseModel):
    """The request is kept, and has not settled within the time that an answer may take."""

    id: UUID
    status: BookingStatus
    status_url: str


class BookingLine(BaseModel):
    """One line of the list."""

    id: UUID
    number: str
    status: BookingStatus
    appointment_type: str
    title: str
    start: datetime
    end: datetime | None
    time_zone: str
    host: BookingHost | None
    location: dict[Literal["kind"], LocationKind] | None
    attendee: Person | None
    version: int
    created_at: datetime


class Bookings(BaseModel):
    """A page of bookings; `next_cursor` is null on the last."""

    items: list[BookingLine]
    next_cursor: str | None


class Actor(BaseModel):
    """Who did it; `id` only for keys."""

    kind: str
    id: str | None


class HistoryEntry(BaseModel):
    """One event of a booking's life."""

    version: int
    type: str
    occurred_at: datetime
    actor: Actor | None
    correlation_id: str | None
    data: dict[str, Any]


class History(BaseModel):
    """Every event of a booking, first to last."""

    events: list[HistoryEntry]


class Notification(BaseModel):
    """One notification and how far it came."""

    id: UUID
    kind: NotificationKind
    channel: Channel
    recipient: UUID
    state: Literal["planned", "waiting", "sent", "failed", "dropped"]
    due_at: datetime
    sent_at: datetime | None
    attempts: int


class Notifications(BaseModel):
    """What was and will be sent for a booking."""

    items: list[Notification]


class Host(PublicHost):
    """A host as the tenant's own systems see them."""

    email: str
    active: bool


class Hosts(BaseModel):
    """The tenant's hosts."""

    items: list[Host]


class Feed(BaseModel):
    """A host's private feed; whoever has the address may read it."""

    url: str


class CalendarConnection(BaseModel):
    """A host's link to an outside calendar."""

    id: UUID
    host_id: UUID
    provider: str
    url: str
    username: str
    created_at: datetime


class CalendarConnections(BaseModel):
    """Connections, oldest first."""

    items: list[CalendarConnection]


class ApiKey(BaseModel):
    """An API key without its secret; `id` is how its characters after `rdv_` begin."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewApiKey(ApiKey):
    """A new key with its only showing."""

    key: Annotated[str, Field(examples=["rdv_…"])]


class ApiKeys(BaseModel):
    """The tenant's keys, revoked ones too, oldest first."""

    items: list[ApiKey]


class Attachment(BaseModel):
    """A part of a mail beside its two bodies."""

    filename: str | None
    content_type: str
    method: str | None
    content: str | None


class Mail(BaseModel):
    """A mail that the local sink took."""

    id: str
    sender: Annotated[str, Field(alias="from")]
    to: list[str]
    subject: str
    date: datetime | None
    text: str | None
    html: str | None
    attachments: list[Attachment]


class Mails(BaseModel):
    """Mails, newest first."""

    items: list[Mail]
    next_cursor: str | None


class ProblemKind(BaseModel):
    """A kind of problem."""

    type: Annotated[str, Field(examples=["/problems/slot-unavailable"])]
    status: int
    title: str
    meaning: str


class ProblemKinds(BaseModel):
    """Every kind of problem that this API answers with."""

    items: list[ProblemKind]


class Readiness(BaseModel):
    """Whether a booking can go all the way through, and what stands in its way."""

    ready: bool
    problems: dict[str, str]

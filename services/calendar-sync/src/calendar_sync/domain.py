"""Appointments as calendars know them, and the rules of writing them into an outside calendar.

Pure: no clock, no I/O. Every instant is aware UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

FEED_PAST = timedelta(days=30)
FEED_AHEAD = timedelta(days=366)
FEED_MOST = 2000
"""Most appointments in one feed, which has to fit into one message."""

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(hours=1)
ATTEMPTS = 40
"""About a day with the delays above."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an appointment takes place: `kind` is video, in_person or phone."""

    kind: str
    address: str | None = None
    directions_url: str | None = None
    parking_note: str | None = None
    phone_number: str | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What a calendar shows of an appointment, apart from the names of people."""

    number: str
    title: str
    host_id: UUID
    host_time_zone: str
    attendee_id: UUID
    starts_at: datetime
    ends_at: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing heard of a booking: `version` is the booking's after it.

    Notices may come more than once and in any order; the newest version's details hold, and a
    cancellation is never undone.
    """

    tenant: str
    booking_id: UUID
    version: int
    at: datetime
    cancelled: bool = False
    sequence: int = 0
    details: Details | None = None


@dataclass(frozen=True, slots=True)
class Appointment:
    """A booking as it should stand in its host's calendar.

    `sequence` is iCalendar's; `revision` grows with every change, in whatever order the news of
    them came.
    """

    tenant: str
    booking_id: UUID
    revision: int
    sequence: int
    changed_at: datetime
    details: Details


@dataclass(frozen=True, slots=True)
class Person:
    """The attendee's details, asked for at the moment of use and never stored here."""

    name: str
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one outside calendar: the address of the collection, and who asks."""

    url: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """A host's link to an outside calendar."""

    id: UUID
    tenant: str
    host_id: UUID
    provider: str
    url: str
    username: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Flow:
    """What a piece of work follows from, for its events, logs and traces."""

    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's claim on one entry: a booking in one outside calendar.

    Only the holder of the newest `fencing` number may say how it ended. `wanted` says whether the
    booking should stand there, `stands` whether it was known to.
    """

    connection_id: UUID
    fencing: int
    attempts: int
    wanted: bool
    stands: bool
    appointment: Appointment
    url: str
    username: str
    sealed_password: bytes = field(repr=False)
    flow: Flow


# ------------------------------------------------------------------ facts


@dataclass(frozen=True, slots=True)
class Connected:
    """A host's calendar is linked."""

    tenant: str
    connection_id: UUID
    host_id: UUID
    provider: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The link to a host's calendar is gone."""

    tenant: str
    connection_id: UUID
    host_id: UUID


@dataclass(frozen=True, slots=True)
class EntryWritten:
    """A booking stands in an outside calendar."""

    tenant: str
    booking_id: UUID
    connection_id: UUID


@dataclass(frozen=True, slots=True)
class EntryRemoved:
    """A booking was taken out of an outside calendar."""

    tenant: str
    booking_id: UUID
    connection_id: UUID


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """All attempts are used up. `reason` names nobody and no address."""

    tenant: str
    booking_id: UUID
    connection_id: UUID
    reason: str


Fact = Connected | Disconnected | EntryWritten | EntryRemoved | WriteFailed


# ------------------------------------------------------------------ rules


def uid(booking_id: UUID, public_url: str) -> str:
    """The booking's UID in every calendar and invitation."""
    return f"{booking_id}@{urlsplit(public_url).hostname or 'localhost'}"


def resource_name(booking_id: UUID) -> str:
    """The last segment of the entry's address in a calendar.

    It follows from the booking alone, so that a host who links the same calendar anew finds the
    same objects there rather than a second set under the same UIDs, which servers refuse.
    """
    return f"{booking_id}.ics"


def delay(attempts: int, jitter: float) -> timedelta:
    """How long to wait after that many failed attempts (1 or more); `jitter` is in [0, 1)."""
    longest = min(FIRST_DELAY * 2 ** min(attempts - 1, 20), LONGEST_DELAY)
    return longest * (0.5 + jitter / 2)


def is_last(attempts: int) -> bool:
    """Whether that many failed attempts are all there are."""
    return attempts >= ATTEMPTS

"""What goes into one message: the appointment, and the people as they are at this moment."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from notify.domain.appointments import Appointment
from notify.domain.notifications import Notification


@dataclass(frozen=True, slots=True)
class Person:
    """The attendee or a guest. `phone` is E.164."""

    id: UUID
    name: str
    email: str
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """Who gives the appointment."""

    id: UUID
    name: str
    email: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Document:
    """A link to something to read."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Briefing:
    """What is asked for at the moment of use and kept nowhere.

    `attendee` and `guests` lack whoever was erased, `host` a host that is gone.
    """

    cancelled: bool
    number: str
    manage_url: str
    attendee: Person | None
    host: Host | None
    guests: tuple[Person, ...] = ()
    join_url: str | None = None
    host_join_url: str | None = None
    answers: tuple[tuple[str, str], ...] = ()
    notes: str | None = None
    documents: tuple[Document, ...] = ()

    def find(self, recipient_id: UUID) -> Person | Host | None:
        """The person or host with this id, if they take part (still)."""
        everybody = (self.attendee, *self.guests, self.host)
        return next((p for p in everybody if p is not None and p.id == recipient_id), None)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, complete: `to` is who reads it, `at` the instant (UTC) it is written."""

    notification: Notification
    appointment: Appointment
    briefing: Briefing
    host: Host
    to: Person | Host
    at: datetime

    @property
    def for_host(self) -> bool:
        """Whether the host reads it."""
        return self.notification.recipient.role == "host"

    @property
    def join_url(self) -> str | None:
        """The link that lets this reader join."""
        return self.briefing.host_join_url if self.for_host else self.briefing.join_url

    @property
    def attendee_name(self) -> str:
        """The attendee's name, or a word for somebody who was erased."""
        return self.briefing.attendee.name if self.briefing.attendee else "the attendee"

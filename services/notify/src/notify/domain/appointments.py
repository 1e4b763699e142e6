"""An appointment as notify knows it: ids, times and place; names and addresses are asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

PlaceKind = Literal["video", "in_person", "phone"]
Status = Literal["unknown", "confirmed", "cancelled"]
Meeting = Literal["awaited", "ready", "failed"]
Role = Literal["attendee", "guest", "host"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where it takes place; only the fields of its `kind` are set."""

    kind: PlaceKind
    address: str | None = None
    directions_url: str | None = None
    parking_note: str | None = None
    phone_number: str | None = None
    caller: Literal["host", "attendee"] | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed. Instants are UTC; `notice_minutes` is the latest time to cancel."""

    title: str
    host_id: UUID
    starts_at: datetime
    ends_at: datetime
    place: Place
    notice_minutes: int = 0
    reminders_minutes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told, by their id: a person's, or for the host the host's."""

    id: UUID
    role: Role


@dataclass(frozen=True, slots=True)
class Standing:
    """How far notify has come with a booking, of which it may have heard only in part."""

    status: Status
    meeting: Meeting
    sequence: int


@dataclass(frozen=True, slots=True)
class Appointment:
    """A booking that was confirmed. `time_zone` is the attendee's, `sequence` iCalendar's."""

    tenant: str
    booking_id: UUID
    time_zone: str
    attendee: UUID
    guests: tuple[UUID, ...]
    remind_by_email: bool
    terms: Terms
    sequence: int
    status: Status = "confirmed"
    meeting: Meeting = "awaited"

    @property
    def by_video(self) -> bool:
        """Whether it takes place in a meeting, whose link people wait for."""
        return self.terms.place.kind == "video"

    def recipients(self) -> list[Recipient]:
        """Everybody who takes part, each once: the attendee, the guests, the host."""
        guests = [g for g in dict.fromkeys(self.guests) if g != self.attendee]
        return [
            Recipient(self.attendee, "attendee"),
            *(Recipient(guest, "guest") for guest in guests),
            Recipient(self.terms.host_id, "host"),
        ]

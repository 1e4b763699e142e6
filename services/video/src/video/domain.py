"""What a meeting is, who may still be let in, and how long to wait between attempts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid5

Role = Literal["attendee", "host"]
State = Literal["wanted", "ready", "failed", "closed"]

GRACE: Final = timedelta(minutes=60)
"""How long after its end a room is still given out: consultations run over."""

MAX_ATTEMPTS: Final = 8
"""After this many attempts a provider that does not answer is given up on."""

_FIRST_DELAY: Final = timedelta(seconds=2)
_LONGEST_DELAY: Final = timedelta(minutes=5)
_MEETINGS: Final = UUID("5b0c7d7e-2f0a-5a39-9c74-9d8a6f6f1c55")


@dataclass(frozen=True, slots=True)
class Flow:
    """What a meeting follows from, kept so that later attempts still tell of it."""

    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """The room of one booking. `room` is its secret name, `ends_at` the appointment's end (UTC).

    `reference` is what the provider calls the room, known once the meeting is ready.
    """

    tenant: str
    booking_id: UUID
    meeting_id: UUID
    provider: str
    room: str
    starts_at: datetime
    ends_at: datetime
    state: State = "wanted"
    reference: str | None = None
    attempts: int = 0
    fencing: int = 0

    def closes_at(self) -> datetime:
        """From this instant (UTC) nobody is let in any more."""
        return self.ends_at + GRACE


@dataclass(frozen=True, slots=True)
class MeetingReady:
    """A room stands ready."""

    meeting: Meeting


@dataclass(frozen=True, slots=True)
class MeetingGivenUp:
    """No room could be had; `reason` is one of our own words, never the provider's text."""

    meeting: Meeting
    reason: str


@dataclass(frozen=True, slots=True)
class MeetingShut:
    """A room that stood ready is no longer given out."""

    tenant: str
    booking_id: UUID
    meeting_id: UUID


Fact = MeetingReady | MeetingGivenUp | MeetingShut


class MeetingUnknownError(Exception):
    """There is no room (yet) for this booking."""


class MeetingOverError(Exception):
    """The room is closed: the booking was cancelled, or its time is long past."""


def meeting_id_of(booking_id: UUID) -> UUID:
    """The id of a booking's meeting; the same however often it is asked for."""
    return uuid5(_MEETINGS, str(booking_id))


def retry_delay(attempt: int, jitter: float) -> timedelta:
    """How long to wait after failed attempt number `attempt` (from 1); `jitter` is in [0, 1).

    The delay doubles up to five minutes; up to half of it is left to chance, so that meetings
    that failed together do not come back together.
    """
    whole = min(_FIRST_DELAY * 2 ** min(attempt - 1, 20), _LONGEST_DELAY)
    return whole * (1 - jitter / 2)

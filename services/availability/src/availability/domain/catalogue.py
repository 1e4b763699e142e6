"""What a tenant offers: hosts and appointment types."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from availability.domain.schedules import (
    MINUTE,
    WeeklyInterval,
    local_date,
    local_midnight,
)
from availability.domain.slots import SlotRules, Span

LocationKind = Literal["video", "in_person", "phone"]

LONGEST_MINUTES = 1440
"""No duration and no buffer is longer than a day."""


@dataclass(frozen=True, slots=True)
class Host:
    """A person who gives appointments, with their weekly hours in their own zone."""

    id: UUID
    name: str
    email: str
    time_zone: str
    active: bool
    schedule: tuple[WeeklyInterval, ...]

    def in_order(self) -> "Host":
        """The same host, the intervals by time."""
        return replace(self, schedule=tuple(sorted(self.schedule)))


@dataclass(frozen=True, slots=True)
class Location:
    """Where an appointment takes place; only the fields of its `kind` are set."""

    kind: LocationKind
    video_provider: str | None = None
    address: str | None = None
    directions_url: str | None = None
    parking_note: str | None = None
    phone_number: str | None = None
    caller: Literal["host", "attendee"] | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """An amount in minor units and its ISO 4217 currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentType:
    """What can be booked; minutes throughout. `hours` replaces the hosts' schedules if given."""

    slug: str
    title: str
    description: str
    durations_minutes: tuple[int, ...]
    default_duration_minutes: int
    locations: tuple[Location, ...]
    hosts: tuple[UUID, ...]
    price: Price | None
    approval: bool
    buffer_before_minutes: int
    buffer_after_minutes: int
    notice_minutes: int
    window_days: int
    slot_interval_minutes: int | None
    cancellation_notice_minutes: int
    reminders_minutes: tuple[int, ...]
    hours: tuple[WeeklyInterval, ...] | None
    active: bool

    def in_order(self) -> "AppointmentType":
        """The same type, the intervals of its own hours by time."""
        return self if self.hours is None else replace(self, hours=tuple(sorted(self.hours)))

    def duration(self, asked_minutes: int | None) -> int | None:
        """The minutes that a wish for a duration comes to; nothing where it is not offered."""
        if asked_minutes is None:
            return self.default_duration_minutes
        return asked_minutes if asked_minutes in self.durations_minutes else None

    def location(self, kind: LocationKind | None) -> Location | None:
        """The location of a kind, the first if none is asked for; nothing if not offered."""
        if kind is None:
            return self.locations[0]
        return next((one for one in self.locations if one.kind == kind), None)

    def slot_rules(self, duration_minutes: int) -> SlotRules:
        """What a slot of this many minutes needs. Without an interval, slots follow each other."""
        return SlotRules(
            duration=duration_minutes * MINUTE,
            interval=(self.slot_interval_minutes or duration_minutes) * MINUTE,
            buffer_before=self.buffer_before_minutes * MINUTE,
            buffer_after=self.buffer_after_minutes * MINUTE,
        )

    def bookable(self, host_zone: str, asked_at: datetime, now: datetime) -> Span:
        """When a slot may begin: past the notice, and by the last date of the window.

        The notice counts from when it was asked for, so that a request that waited keeps its
        slot; what has begun by now is gone all the same. The window ends with the host's local
        date `window_days` after today's.
        """
        noticed = _seconds(asked_at) + self.notice_minutes * MINUTE
        today = local_date(_seconds(asked_at), host_zone).toordinal()
        beyond = datetime.fromordinal(today + self.window_days + 1).date()
        return Span(max(noticed, _seconds(now)), local_midnight(beyond, host_zone))


def _seconds(moment: datetime) -> int:
    """Unix seconds, rounded up: what begins within a second that has begun is past."""
    whole = int(moment.astimezone(UTC).timestamp())
    return whole + 1 if moment.microsecond else whole

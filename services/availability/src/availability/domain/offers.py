"""An appointment type with the calendars of its hosts: what can be booked, and when."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from availability.domain.catalogue import AppointmentType
from availability.domain.errors import InvalidError
from availability.domain.schedules import DAY, check_zone, local_midnight
from availability.domain.slots import Calendar, FreeSlot, Span, free_slots

MOST_DAYS = 92
"""No question for slots spans more local dates than this."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An active appointment type, and the calendar of each of its active hosts."""

    appointment_type: AppointmentType
    calendars: tuple[Calendar, ...]

    def by(self, host_id: UUID | None) -> tuple[Calendar, ...]:
        """The calendars that a wish for a host leaves; all, if there is none."""
        if host_id is None:
            return self.calendars
        return tuple(one for one in self.calendars if one.host_id == host_id)

    def free_slots(self, minutes: int, span: Span, now: datetime) -> list[FreeSlot]:
        """The slots of this duration that begin within `span` and can be booked `now`."""
        bookable = self.appointment_type.bookable
        within = [(one, span.within(bookable(one.zone, now, now))) for one in self.calendars]
        return free_slots(within, self.appointment_type.slot_rules(minutes))

    def around(self, wanted: int, days: int, now: datetime) -> Span:
        """So many days to both sides of a wanted start, moved to where anything can be booked."""
        spans = [self.appointment_type.bookable(one.zone, now, now) for one in self.calendars]
        earliest = min((span.earliest for span in spans), default=wanted)
        latest = max((span.latest for span in spans), default=wanted)
        centre = max(earliest, min(wanted, latest))
        return Span(centre - days * DAY, centre + days * DAY)


def asked_span(from_date: date, to_date: date, time_zone: str) -> Span:
    """The instants of the local dates from `from_date` to before `to_date`.

    Raises `InvalidError` for an unknown zone, and for dates in the wrong order or too many.
    """
    check_zone(time_zone, "time_zone")
    if to_date <= from_date:
        raise InvalidError("to_date", "The last date must come after the first.")
    if (to_date - from_date).days > MOST_DAYS:
        raise InvalidError("to_date", f"At most {MOST_DAYS} days can be asked for at once.")
    return Span(local_midnight(from_date, time_zone), local_midnight(to_date, time_zone))

"""The slot engine: hours, what is taken, and the rules of a type, made into starts.

Everything is Unix seconds. What comes in is sorted and disjoint, so one walk answers, in time
linear in hours, reservations and slots found.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from availability.domain.schedules import Week, stretches


@dataclass(frozen=True, slots=True)
class SlotRules:
    """What an appointment type asks of a slot of one duration; seconds throughout.

    Buffers belong to the reservation: they must be free, but may lie outside working hours.
    """

    duration: int
    interval: int
    buffer_before: int
    buffer_after: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """One host's hours in their zone, and the periods taken (buffers included), by time."""

    host_id: UUID
    resource_key: int
    zone: str
    week: Week
    begins: Sequence[int] = ()
    ends: Sequence[int] = ()


class FreeSlot(NamedTuple):
    """A start and an end at which these hosts, by id, can be booked."""

    start: int
    end: int
    hosts: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Starts are looked for from `earliest` to before `latest`."""

    earliest: int
    latest: int

    def within(self, other: "Span") -> "Span":
        """What both have in common; nothing, if `latest` comes out no later than `earliest`."""
        return Span(max(self.earliest, other.earliest), min(self.latest, other.latest))


def free_starts(calendar: Calendar, rules: SlotRules, span: Span) -> list[int]:
    """Every start in the span at which the host works and nothing is in the way, by time."""
    found: list[int] = []
    if span.latest <= span.earliest:
        return found
    duration, step = rules.duration, rules.interval
    begins, ends = calendar.begins, calendar.ends
    needed_after = duration + rules.buffer_after
    end_of_work = span.latest + duration
    taken = 0
    for stretch in stretches(calendar.week, calendar.zone, span.earliest, end_of_work):
        anchor, opens, closes, reach = stretch
        stop = min(closes, span.latest, reach - duration + 1)
        start = anchor + -((anchor - opens) // step) * step
        if start >= stop:
            continue
        taken = bisect_right(ends, start - rules.buffer_before, taken)
        for index in range(taken, len(begins)):
            room = begins[index] - needed_after + 1
            if room >= stop:
                break
            if start < room:
                found.extend(range(start, room, step))
            free_again = ends[index] + rules.buffer_before
            if free_again > start:
                start = anchor + -((anchor - free_again) // step) * step
        if start < stop:
            found.extend(range(start, stop, step))
    return found


def is_start(calendar: Calendar, rules: SlotRules, start: int) -> bool:
    """Whether the host could begin at `start` if nothing were taken."""
    empty = replace(calendar, begins=(), ends=())
    return bool(free_starts(empty, rules, Span(start, start + 1)))


def is_free(calendar: Calendar, rules: SlotRules, start: int) -> bool:
    """Whether nothing taken is in the way of a slot at `start`, buffers included."""
    following = bisect_right(calendar.ends, start - rules.buffer_before)
    if following == len(calendar.begins):
        return True
    return calendar.begins[following] >= start + rules.duration + rules.buffer_after


def free_slots(candidates: Iterable[tuple[Calendar, Span]], rules: SlotRules) -> list[FreeSlot]:
    """Every start at which one host at least is free in their span, by time."""
    found: dict[int, list[UUID]] = {}
    for calendar, span in sorted(candidates, key=lambda one: one[0].host_id):
        host = calendar.host_id
        for start in free_starts(calendar, rules, span):
            if start in found:
                found[start].append(host)
            else:
                found[start] = [host]
    duration = rules.duration
    return [FreeSlot(start, start + duration, tuple(found[start])) for start in sorted(found)]


def nearest(slots: Sequence[FreeSlot], wanted: int, most: int) -> list[FreeSlot]:
    """The slots nearest to a wanted start, nearest first, of two as near the earlier."""
    after = bisect_left(slots, wanted, key=lambda slot: slot.start)
    around = slots[max(0, after - most) : after + most]
    return sorted(around, key=lambda slot: (abs(slot.start - wanted), slot.start))[:most]

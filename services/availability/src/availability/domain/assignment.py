"""Whom to book, where the client leaves it open."""

from bisect import bisect_left
from collections.abc import Iterable

from availability.domain.schedules import DAY
from availability.domain.slots import Calendar

HALF_A_WEEK = 7 * DAY // 2


def least_busy_first(calendars: Iterable[Calendar], start: int) -> list[Calendar]:
    """By how many reservations begin within half a week of `start`, then by id."""
    return sorted(calendars, key=lambda one: (_load(one, start), one.host_id))


def _load(calendar: Calendar, start: int) -> int:
    first = bisect_left(calendar.begins, start - HALF_A_WEEK)
    return bisect_left(calendar.begins, start + HALF_A_WEEK) - first

"""Weekly hours, and the instants that they mean.

A host works at every instant whose wall-clock reading in their zone falls into an interval of
that local date's weekday. This one sentence settles the odd days: a time that a zone skips is no
working time, a time that comes twice is working time twice, a date that a zone left out has none.

Instants are Unix seconds: the engine compares and adds them by the thousand.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from availability.domain.errors import InvalidError

MINUTE = 60
DAY = 86_400
MINUTES_A_DAY = 1440
MOST_INTERVALS = 100
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Week = tuple[tuple[tuple[int, int], ...], ...]
"""Monday to Sunday; each day's (from, until) in seconds since local midnight, by time."""


@dataclass(frozen=True, slots=True, order=True)
class WeeklyInterval:
    """Working hours of one ISO weekday (1 to 7), in minutes since midnight, `until` excluded."""

    weekday: int
    start_minute: int
    until_minute: int

    @classmethod
    def between(cls, weekday: int, start: time, until: time, *, field: str) -> "WeeklyInterval":
        """From `start` to `until` on the wall; an `until` of 00:00 is the end of the day.

        Raises `InvalidError` for a time with seconds or a zone of its own.
        """
        start_minute = _minute(start, f"{field}.start")
        until_minute = _minute(until, f"{field}.until") or MINUTES_A_DAY
        return cls(weekday, start_minute, until_minute)

    @property
    def start(self) -> time:
        """The first minute on the wall."""
        return time(*divmod(self.start_minute, 60))

    @property
    def until(self) -> time:
        """The first minute after; 00:00 for the end of the day."""
        return time(*divmod(self.until_minute % MINUTES_A_DAY, 60))


class Stretch(NamedTuple):
    """Working time from `opens` to before `closes`, in Unix seconds.

    Slots start at `anchor` plus whole steps; work goes on until `reach`, through whatever
    stretches follow without a pause.
    """

    anchor: int
    opens: int
    closes: int
    reach: int


def check_hours(hours: Sequence[WeeklyInterval], field: str) -> None:
    """Raises `InvalidError` for hours that end before they start, or that overlap."""
    if len(hours) > MOST_INTERVALS:
        raise InvalidError(field, f"A schedule has at most {MOST_INTERVALS} intervals.")
    latest: dict[int, WeeklyInterval] = {}
    by_time = sorted(enumerate(hours), key=lambda entry: entry[1])
    for index, interval in by_time:
        _check_interval(interval, f"{field}.{index}")
        before = latest.get(interval.weekday)
        if before and interval.start_minute < before.until_minute:
            day = WEEKDAYS[interval.weekday - 1]
            both = f"{_clock(before)} and {_clock(interval)}"
            raise InvalidError(f"{field}.{index}", f"On {day} {both} overlap.")
        latest[interval.weekday] = interval


def week_of(hours: Iterable[WeeklyInterval]) -> Week:
    """The hours by weekday, as the engine reads them."""
    days: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for interval in sorted(hours):
        opens, closes = interval.start_minute * MINUTE, interval.until_minute * MINUTE
        days[interval.weekday - 1].append((opens, closes))
    return tuple(tuple(day) for day in days)


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """Every IANA zone name."""
    return frozenset(available_timezones())


def check_zone(name: str, field: str) -> None:
    """Raises `InvalidError` for a name that is no IANA zone."""
    if name not in known_zones():
        raise InvalidError(field, "This is not a time zone of the IANA database.")


def local_midnight(day: date, zone: str) -> int:
    """The first instant of a local date (or of what follows, if the zone left it out)."""
    # PEP 495: at fold 0 a time in a gap takes the offset before it, which is the gap's end.
    return int(datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).timestamp())


def local_date(instant: int, zone: str) -> date:
    """The date on the wall at an instant."""
    return datetime.fromtimestamp(instant, ZoneInfo(zone)).date()


def stretches(week: Week, zone: str, start: int, end: int) -> list[Stretch]:
    """The working time from `start` to before `end`, by time."""
    pieces: list[tuple[int, int, int]] = []
    for begin, finish, offset in _offsets(zone, start, end):
        first, last = begin + offset, finish + offset
        for day in range(first // DAY, (last - 1) // DAY + 1):
            midnight = day * DAY
            for opens, closes in week[(day + 3) % 7]:  # day 0, 1970-01-01, was a Thursday
                low, high = max(midnight + opens, first), min(midnight + closes, last)
                if low < high:
                    pieces.append((midnight + opens - offset, low - offset, high - offset))
    return _joined(pieces)


def _joined(pieces: list[tuple[int, int, int]]) -> list[Stretch]:
    found: list[Stretch] = []
    following, reach = -1, -1
    for anchor, opens, closes in reversed(pieces):
        if closes != following:
            reach = closes
        found.append(Stretch(anchor, opens, closes, reach))
        following = opens
    found.reverse()
    return found


def _offsets(zone: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """From when, until when, and by how many seconds local time is ahead of UTC."""
    years = range(_year_at(start), _year_at(end - 1) + 1)
    for year in years:
        for begin, finish, offset in _offsets_of_year(zone, year):
            if begin < end and finish > start:
                yield max(begin, start), min(finish, end), offset


@lru_cache(maxsize=4096)
def _offsets_of_year(zone: str, year: int) -> tuple[tuple[int, int, int], ...]:
    """No transitions are told by zoneinfo: they are found between two days that differ."""
    begin, end = _new_year(year), _new_year(year + 1)
    offset = _offset_at(begin, zone)
    found: list[tuple[int, int, int]] = []
    for day in range(begin + DAY, end + DAY, DAY):
        looked_at = min(day, end - 1)
        while _offset_at(looked_at, zone) != offset:
            change = _next_change(zone, max(begin, looked_at - DAY), looked_at, offset)
            found.append((begin, change, offset))
            begin, offset = change, _offset_at(change, zone)
    found.append((begin, end, offset))
    return tuple(found)


def _next_change(zone: str, before: int, after: int, offset: int) -> int:
    """The first second after `before` at which the offset is another."""
    while after - before > 1:
        middle = (before + after) // 2
        if _offset_at(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset_at(instant: int, zone: str) -> int:
    offset = datetime.fromtimestamp(instant, ZoneInfo(zone)).utcoffset()
    return round(offset.total_seconds()) if offset else 0


def _year_at(instant: int) -> int:
    return datetime.fromtimestamp(instant, UTC).year


def _new_year(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def _minute(moment: time, field: str) -> int:
    if moment.second or moment.microsecond or moment.tzinfo:
        raise InvalidError(field, "Hours are whole minutes on the wall, such as 09:30.")
    return moment.hour * 60 + moment.minute


def _check_interval(interval: WeeklyInterval, field: str) -> None:
    if not 1 <= interval.weekday <= 7:
        raise InvalidError(f"{field}.weekday", "A weekday is 1 (Monday) to 7 (Sunday).")
    if not 0 <= interval.start_minute < interval.until_minute <= MINUTES_A_DAY:
        raise InvalidError(f"{field}.until", "An interval must end after it starts.")


def _clock(interval: WeeklyInterval) -> str:
    return f"{interval.start:%H:%M}-{interval.until:%H:%M}"

"""The slot engine: examples first, then what must hold for everything."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from availability.domain.offers import Offer, asked_span
from availability.domain.reservations import Grant, judge
from availability.domain.schedules import WeeklyInterval, week_of
from availability.domain.slots import (
    Calendar,
    FreeSlot,
    SlotRules,
    Span,
    free_slots,
    free_starts,
    is_free,
    nearest,
)

from .builders import a_calendar, a_wish, an_appointment_type, at, host_id, rules

DAY = Span(at("2027-03-15T00:00Z"), at("2027-03-16T00:00Z"))


def clock_times(starts: list[int]) -> str:
    return " ".join(f"{datetime.fromtimestamp(start, UTC):%H:%M}" for start in starts)


def test_a_quarter_of_an_hour_from_ten_to_seven_gives_36_slots() -> None:
    assert len(free_starts(a_calendar("10:00-19:00"), rules(15), DAY)) == 36


def test_the_whole_duration_fits_into_the_hours() -> None:
    starts = free_starts(a_calendar("09:00-10:30"), rules(60, every=15), DAY)

    assert clock_times(starts) == "09:00 09:15 09:30"


def test_an_uneven_rest_of_the_hours_is_left_over() -> None:
    assert clock_times(free_starts(a_calendar("09:00-10:40"), rules(30), DAY)) == (
        "09:00 09:30 10:00"
    )


def test_slots_count_from_the_start_of_each_interval() -> None:
    starts = free_starts(a_calendar("09:10-10:10 13:25-14:25"), rules(30), DAY)

    assert clock_times(starts) == "09:10 09:40 13:25 13:55"


def test_a_reservation_takes_every_slot_that_it_touches() -> None:
    taken = [("2027-03-15T09:45Z", "2027-03-15T10:15Z")]

    starts = free_starts(a_calendar("09:00-11:30", taken=taken), rules(30), DAY)

    assert clock_times(starts) == "09:00 10:30 11:00"


def test_a_slot_may_begin_when_a_reservation_ends() -> None:
    taken = [("2027-03-15T09:30Z", "2027-03-15T10:00Z")]

    starts = free_starts(a_calendar("09:00-10:30", taken=taken), rules(30), DAY)

    assert clock_times(starts) == "09:00 10:00"


def test_buffers_must_be_free_but_may_lie_outside_the_hours() -> None:
    taken = [("2027-03-15T10:30Z", "2027-03-15T11:00Z")]
    with_buffers = rules(30, before=10, after=5)

    starts = free_starts(a_calendar("09:00-12:00", taken=taken), with_buffers, DAY)

    assert clock_times(starts) == "09:00 09:30 11:30"


def test_what_is_taken_all_day_leaves_nothing() -> None:
    taken = [("2027-03-14T00:00Z", "2027-03-17T00:00Z")]

    assert free_starts(a_calendar(taken=taken), rules(30), DAY) == []


def test_a_span_cuts_by_the_start_and_keeps_the_grid() -> None:
    span = Span(at("2027-03-15T09:50Z"), at("2027-03-15T10:30Z"))

    assert clock_times(free_starts(a_calendar("09:00-12:00"), rules(30, every=15), span)) == (
        "10:00 10:15"
    )


def test_a_span_that_is_over_before_it_begins_is_empty() -> None:
    assert free_starts(a_calendar(), rules(30), Span(DAY.latest, DAY.earliest)) == []


def test_each_slot_says_which_hosts_are_free_by_id() -> None:
    early, late = a_calendar("09:00-10:00", number=2), a_calendar("09:30-10:30", number=1)

    slots = free_slots([(early, DAY), (late, DAY)], rules(30))

    assert [(clock_times([slot.start]), [h.int for h in slot.hosts]) for slot in slots] == [
        ("09:00", [2]),
        ("09:30", [1, 2]),
        ("10:00", [1]),
    ]


def test_the_nearest_slots_come_first_and_of_two_the_earlier() -> None:
    slots = [FreeSlot(start, start + 10, (host_id(1),)) for start in (10, 40, 60, 70, 200)]

    assert [slot.start for slot in nearest(slots, 50, 3)] == [40, 60, 70]
    assert [slot.start for slot in nearest(slots, 0, 2)] == [10, 40]
    assert [slot.start for slot in nearest(slots, 500, 2)] == [200, 70]
    assert nearest([], 50, 3) == []


# ------------------------------------------------------------- for whatever hours and zones

FIVE = 300
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/Santiago",
    "Asia/Kathmandu",
)
# Nights on which one of these zones changes its clocks, and some on which none does.
DAYS = (
    date(2027, 3, 13),
    date(2027, 3, 27),
    date(2027, 4, 3),
    date(2027, 6, 15),
    date(2027, 10, 2),
    date(2027, 10, 30),
    date(2027, 11, 6),
)

minutes = st.integers(1, 36).map(lambda fives: 5 * fives)
buffers = st.integers(0, 8).map(lambda fives: 5 * fives)
slot_rules = st.builds(rules, minutes, minutes, buffers, buffers)


@st.composite
def weekly_hours(draw: st.DrawFn) -> tuple[WeeklyInterval, ...]:
    ends = sorted(draw(st.sets(st.integers(0, 288), min_size=2, max_size=6)))
    pairs = list(zip(ends[::2], ends[1::2], strict=False))
    days = draw(st.sets(st.integers(1, 7), min_size=3))
    return tuple(
        WeeklyInterval(day, 5 * start, 5 * until) for day in days for start, until in pairs
    )


@st.composite
def calendars(draw: st.DrawFn, first: int) -> Calendar:
    steps = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=12))
    begins: list[int] = []
    ends: list[int] = []
    now = first - 6 * 3600
    for pause, length in steps:
        begins.append(now + pause * FIVE)
        now = begins[-1] + length * FIVE
        ends.append(now)
    zone = draw(st.sampled_from(ZONES))
    return Calendar(host_id(1), 1, zone, week_of(draw(weekly_hours())), begins, ends)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Calendar, SlotRules, Span]:
    day = draw(st.sampled_from(DAYS))
    first = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    first += draw(st.integers(-144, 144)) * FIVE
    span = Span(first, first + draw(st.integers(1, 500)) * FIVE)
    return draw(calendars(first)), draw(slot_rules), span


def works_at(calendar: Calendar, instant: int) -> list[int]:
    """The starts, in seconds of the wall's day, of the interval that an instant falls into."""
    wall = datetime.fromtimestamp(instant, ZoneInfo(calendar.zone))
    second = wall.hour * 3600 + wall.minute * 60
    return [second - a for a, b in calendar.week[wall.weekday()] if a <= second < b]


def expected_starts(calendar: Calendar, wanted: SlotRules, span: Span) -> list[int]:
    """The same by looking at every fifth minute: slow, and plainly right."""
    end = span.latest + wanted.duration
    since = {t: works_at(calendar, t) for t in range(span.earliest, end, FIVE)}
    found: list[int] = []
    for start in range(span.earliest, span.latest, FIVE):
        inside = all(since[t] for t in range(start, start + wanted.duration, FIVE))
        begin, finish = start - wanted.buffer_before, start + wanted.duration + wanted.buffer_after
        taken = zip(calendar.begins, calendar.ends, strict=True)
        free = all(b <= begin or a >= finish for a, b in taken)
        if inside and free and since[start][0] % wanted.interval == 0:
            found.append(start)
    return found


@settings(deadline=None, max_examples=4000)
@given(situations())
def test_the_engine_finds_what_looking_at_every_minute_finds(
    situation: tuple[Calendar, SlotRules, Span],
) -> None:
    calendar, wanted, span = situation

    assert free_starts(calendar, wanted, span) == expected_starts(calendar, wanted, span)


@settings(deadline=None, max_examples=1500)
@given(situations(), st.integers(0, 299), st.integers(0, 299))
def test_no_slot_overlaps_a_reservation_buffers_included(
    situation: tuple[Calendar, SlotRules, Span], shift: int, longer: int
) -> None:
    calendar, wanted, span = situation
    begins = [begin + shift for begin in calendar.begins]
    ends = [
        min(end + longer, *begins[i + 1 : i + 2], end + 300) for i, end in enumerate(calendar.ends)
    ]
    odd = Calendar(calendar.host_id, 1, calendar.zone, calendar.week, begins, ends)

    for start in free_starts(odd, wanted, span):
        begin, finish = start - wanted.buffer_before, start + wanted.duration + wanted.buffer_after
        assert all(b <= begin or a >= finish for a, b in zip(begins, ends, strict=True))
        assert is_free(odd, wanted, start)


@settings(deadline=None, max_examples=1500)
@given(situations(), st.sampled_from(ZONES), st.sampled_from(ZONES), st.sampled_from(DAYS))
def test_the_same_slots_whatever_the_askers_zone(
    situation: tuple[Calendar, SlotRules, Span], one: str, other: str, day: date
) -> None:
    calendar, wanted, _ = situation
    here = asked_span(day, day + timedelta(days=3), one)
    there = asked_span(day, day + timedelta(days=3), other)
    both = here.within(there)

    seen_here = {s for s in free_starts(calendar, wanted, here) if both.earliest <= s < both.latest}
    seen_there = {
        s for s in free_starts(calendar, wanted, there) if both.earliest <= s < both.latest
    }

    assert seen_here == seen_there == set(free_starts(calendar, wanted, both))


@settings(deadline=None, max_examples=1500)
@given(situations(), st.integers(0, 500))
def test_what_is_offered_is_granted_and_what_is_not_is_refused(
    situation: tuple[Calendar, SlotRules, Span], fives: int
) -> None:
    calendar, wanted, span = situation
    offered = an_appointment_type(
        durations_minutes=(wanted.duration // 60,),
        default_duration_minutes=wanted.duration // 60,
        slot_interval_minutes=wanted.interval // 60,
        buffer_before_minutes=wanted.buffer_before // 60,
        buffer_after_minutes=wanted.buffer_after // 60,
    )
    offer = Offer(offered, (calendar,))
    start = span.earliest + fives * FIVE
    now = datetime.fromtimestamp(span.earliest, UTC)
    around = Span(start, start + 1)

    slots = offer.free_slots(wanted.duration // 60, around, now)
    wish = a_wish(datetime.fromtimestamp(start, UTC).isoformat(), asked_at=now)

    assert isinstance(judge(wish, offer, now), Grant) == bool(slots)

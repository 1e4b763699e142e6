"""Weekly hours across every odd day of the clock; the expectations are derived by hand."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from availability.domain.errors import InvalidError
from availability.domain.schedules import (
    WeeklyInterval,
    check_hours,
    check_zone,
    local_midnight,
    stretches,
)
from availability.domain.slots import Calendar, Span, free_starts

from .builders import a_week, host_id, hours, rules

# zone, hours, first local date, how many dates, duration, interval, the starts on the wall
CASES: dict[str, tuple[str, str, str, int, int, int, list[str]]] = {
    "Berlin in spring: 02:00 and 02:30 do not exist": (
        *("Europe/Berlin", "01:00-05:00", "2027-03-28", 1, 30, 30),
        ["01:00+01:00", "01:30+01:00", "03:00+02:00", "03:30+02:00", "04:00+02:00", "04:30+02:00"],
    ),
    "Berlin in spring: an hour that begins at 01:30 ends at 03:30": (
        *("Europe/Berlin", "01:00-03:30", "2027-03-28", 1, 60, 30),
        ["01:00+01:00", "01:30+01:00"],
    ),
    "Berlin in spring: hours that begin in the gap begin after it": (
        *("Europe/Berlin", "02:30-04:00", "2027-03-28", 1, 30, 30),
        ["03:00+02:00", "03:30+02:00"],
    ),
    "Berlin in spring: hours that end in the gap end before it": (
        *("Europe/Berlin", "01:00-02:30", "2027-03-28", 1, 30, 30),
        ["01:00+01:00", "01:30+01:00"],
    ),
    "Berlin in spring: hours within the gap are none": (
        *("Europe/Berlin", "02:00-03:00", "2027-03-28", 1, 30, 30),
        [],
    ),
    "Berlin in spring: a day of 23 hours": (
        *("Europe/Berlin", "00:00-00:00", "2027-03-28", 1, 60, 60),
        ["00:00+01:00", "01:00+01:00", *(f"{hour:02}:00+02:00" for hour in range(3, 24))],
    ),
    "Berlin in autumn: 02:00 and 02:30 come twice": (
        *("Europe/Berlin", "01:00-04:00", "2027-10-31", 1, 30, 30),
        [f"{wall}+02:00" for wall in ("01:00", "01:30", "02:00", "02:30")]
        + [f"{wall}+01:00" for wall in ("02:00", "02:30", "03:00", "03:30")],
    ),
    "Berlin in autumn: hours that end at 02:30 pause and come back": (
        *("Europe/Berlin", "01:00-02:30", "2027-10-31", 1, 30, 30),
        ["01:00+02:00", "01:30+02:00", "02:00+02:00", "02:00+01:00"],
    ),
    "Berlin in autumn: no appointment runs through that pause": (
        *("Europe/Berlin", "01:00-02:30", "2027-10-31", 1, 60, 30),
        ["01:00+02:00", "01:30+02:00"],
    ),
    "Berlin in autumn: two hours may span the change": (
        *("Europe/Berlin", "01:00-04:00", "2027-10-31", 1, 120, 60),
        ["01:00+02:00", "02:00+02:00", "02:00+01:00"],
    ),
    "Berlin in autumn: a day of 25 hours": (
        *("Europe/Berlin", "00:00-00:00", "2027-10-31", 1, 60, 60),
        [f"{hour:02}:00+02:00" for hour in range(3)]
        + [f"{hour:02}:00+01:00" for hour in range(2, 24)],
    ),
    "Berlin: nine o'clock stays nine o'clock over the change": (
        *("Europe/Berlin", "09:00-11:00", "2027-03-27", 3, 120, 120),
        ["09:00+01:00", "09:00+02:00", "09:00+02:00"],
    ),
    "New York in spring": (
        *("America/New_York", "01:00-04:00", "2027-03-14", 1, 60, 60),
        ["01:00-05:00", "03:00-04:00"],
    ),
    "New York in autumn": (
        *("America/New_York", "00:00-03:00", "2027-11-07", 1, 60, 60),
        ["00:00-04:00", "01:00-04:00", "01:00-05:00", "02:00-05:00"],
    ),
    "Dublin, whose winter time is the exception": (
        *("Europe/Dublin", "00:00-03:00", "2027-10-31", 1, 60, 60),
        ["00:00+01:00", "01:00+01:00", "01:00+00:00", "02:00+00:00"],
    ),
    "Lord Howe in spring: half an hour is missing": (
        *("Australia/Lord_Howe", "01:00-04:00", "2027-10-03", 1, 30, 30),
        ["01:00+10:30", "01:30+10:30", "02:30+11:00", "03:00+11:00", "03:30+11:00"],
    ),
    "Lord Howe in spring: full hours stay full hours": (
        *("Australia/Lord_Howe", "00:00-05:00", "2027-10-03", 1, 60, 60),
        ["00:00+10:30", "01:00+10:30", "03:00+11:00", "04:00+11:00"],
    ),
    "Lord Howe in autumn: half an hour comes twice": (
        *("Australia/Lord_Howe", "01:00-03:00", "2027-04-04", 1, 30, 30),
        ["01:00+11:00", "01:30+11:00", "01:30+10:30", "02:00+10:30", "02:30+10:30"],
    ),
    "Troll: two hours are missing": (
        *("Antarctica/Troll", "00:00-05:00", "2027-03-28", 1, 60, 60),
        ["00:00+00:00", "03:00+02:00", "04:00+02:00"],
    ),
    "Apia, which left out 30 December 2011": (
        *("Pacific/Apia", "09:00-11:00", "2011-12-29", 3, 60, 60),
        ["09:00-10:00", "10:00-10:00", "09:00+14:00", "10:00+14:00"],
    ),
    "Kiritimati, 14 hours ahead": (
        *("Pacific/Kiritimati", "09:00-11:00", "2027-01-04", 1, 60, 60),
        ["09:00+14:00", "10:00+14:00"],
    ),
    "Pago Pago, 11 hours behind, until midnight": (
        *("Pacific/Pago_Pago", "22:00-00:00", "2027-01-04", 1, 60, 60),
        ["22:00-11:00", "23:00-11:00"],
    ),
    "Kathmandu, three quarters of an hour off": (
        *("Asia/Kathmandu", "09:00-10:30", "2027-01-04", 1, 45, 45),
        ["09:00+05:45", "09:45+05:45"],
    ),
    "Chatham in spring: 02:45 becomes 03:45": (
        *("Pacific/Chatham", "02:15-04:15", "2027-09-26", 1, 30, 30),
        ["02:15+12:45", "03:45+13:45"],
    ),
    "São Paulo 2018: midnight itself is missing": (
        *("America/Sao_Paulo", "00:00-02:00", "2018-11-04", 1, 30, 30),
        ["01:00-02:00", "01:30-02:00"],
    ),
    "Havana in autumn: midnight comes twice": (
        *("America/Havana", "00:00-02:00", "2027-11-07", 1, 60, 60),
        ["00:00-04:00", "00:00-05:00", "01:00-05:00"],
    ),
    "Santiago in autumn: Saturday's last hour comes twice": (
        *("America/Santiago", "22:00-00:00", "2027-04-03", 1, 60, 60),
        ["22:00-03:00", "23:00-03:00", "23:00-04:00"],
    ),
    "Azores in autumn: the first hour of the day comes twice": (
        *("Atlantic/Azores", "00:00-02:00", "2027-10-31", 1, 60, 60),
        ["00:00+00:00", "00:00-01:00", "01:00-01:00"],
    ),
    "hours that meet at midnight are one stretch of work": (
        *("Europe/Berlin", "00:00-01:00 23:00-00:00", "2027-01-04", 2, 60, 30),
        ["00:00+01:00", "23:00+01:00", "23:30+01:00", "00:00+01:00", "23:00+01:00", "23:30+01:00"],
    ),
    "the turn of the year is a night like any other": (
        *("UTC", "00:00-00:00", "2026-12-31", 2, 720, 720),
        ["00:00+00:00", "12:00+00:00", "00:00+00:00", "12:00+00:00"],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_starts_on_the_wall(case: tuple[str, str, str, int, int, int, list[str]]) -> None:
    zone, spoken, first, days, minutes, every, expected = case
    begin = date.fromisoformat(first)
    calendar = Calendar(host_id(1), 1, zone, a_week(spoken))
    span = Span(local_midnight(begin, zone), local_midnight(begin + timedelta(days=days), zone))

    starts = free_starts(calendar, rules(minutes, every), span)

    moments = [datetime.fromtimestamp(start, ZoneInfo(zone)) for start in starts]
    assert [moment.isoformat(timespec="minutes")[11:] for moment in moments] == expected


def test_wall_time_is_turned_into_utc() -> None:
    calendar = Calendar(host_id(1), 1, "Pacific/Kiritimati", a_week("09:00-10:00", [1]))
    span = Span(local_midnight(date(2027, 1, 1), "UTC"), local_midnight(date(2027, 1, 8), "UTC"))

    starts = free_starts(calendar, rules(60), span)

    moments = [datetime.fromtimestamp(start, UTC) for start in starts]
    assert moments == [datetime(2027, 1, 3, 19, tzinfo=UTC)]


def test_a_weekday_is_the_hosts_own() -> None:
    tuesday = stretches(
        a_week("00:00-00:00", [2]),
        "Pacific/Pago_Pago",
        local_midnight(date(2027, 3, 15), "UTC"),
        local_midnight(date(2027, 3, 22), "UTC"),
    )

    assert [(one.opens, one.closes) for one in tuesday] == [
        (
            local_midnight(date(2027, 3, 16), "Pacific/Pago_Pago"),
            local_midnight(date(2027, 3, 17), "Pacific/Pago_Pago"),
        )
    ]


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        (date(2027, 3, 28), "Europe/Berlin", "2027-03-27T23:00:00+00:00"),
        (date(2027, 3, 29), "Europe/Berlin", "2027-03-28T22:00:00+00:00"),
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        (date(2011, 12, 30), "Pacific/Apia", "2011-12-30T10:00:00+00:00"),
        (date(2011, 12, 31), "Pacific/Apia", "2011-12-30T10:00:00+00:00"),
        (date(2027, 11, 7), "America/Havana", "2027-11-07T04:00:00+00:00"),
    ],
)
def test_a_local_date_begins_at_its_first_instant(day: date, zone: str, expected: str) -> None:
    assert datetime.fromtimestamp(local_midnight(day, zone), UTC).isoformat() == expected


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_the_ends_of_the_calendar_have_a_midnight(day: date, zone: str) -> None:
    assert isinstance(local_midnight(day, zone), int)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "europe/berlin", "../etc/passwd", "posixrules", "America", "\x00"]
)
def test_a_name_that_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check_zone(name, "time_zone")

    assert refused.value.field == "time_zone"


@pytest.mark.parametrize(
    ("intervals", "field"),
    [
        ([(1, 540, 540)], "schedule.0.until"),
        ([(1, 1020, 540)], "schedule.0.until"),
        ([(1, 540, 1441)], "schedule.0.until"),
        ([(0, 540, 600)], "schedule.0.weekday"),
        ([(8, 540, 600)], "schedule.0.weekday"),
        ([(1, 540, 720), (1, 719, 800)], "schedule.1"),
        ([(1, 719, 800), (2, 540, 600), (1, 540, 720)], "schedule.0"),
        ([(1, 540, 1000), (1, 600, 700)], "schedule.1"),
        ([(1, 540, 720), (1, 540, 720)], "schedule.1"),
        ([(day, minute, minute + 1) for day in (1, 2) for minute in range(51)], "schedule"),
    ],
)
def test_hours_that_cannot_be_are_refused(
    intervals: list[tuple[int, int, int]], field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        check_hours([WeeklyInterval(*interval) for interval in intervals], "schedule")

    assert refused.value.field == field


def test_hours_may_touch_and_fill_the_day() -> None:
    check_hours(hours("00:00-12:00 12:00-00:00"), "schedule")


@pytest.mark.parametrize(
    ("start", "until", "field"),
    [
        (time(9, 0, 1), time(17), "schedule.3.start"),
        (time(9), time(17, 0, 0, 1), "schedule.3.until"),
        (time(9, tzinfo=UTC), time(17), "schedule.3.start"),
    ],
)
def test_hours_are_whole_minutes_on_the_wall(start: time, until: time, field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        WeeklyInterval.between(1, start, until, field="schedule.3")

    assert refused.value.field == field

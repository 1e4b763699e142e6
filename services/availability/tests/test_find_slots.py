"""Free slots, asked for as the gateway asks."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from contracts.availability import FindSlots, PutHost, Slot, WeeklyInterval
from service_kit.errors import ProblemError

from .builders import (
    MONDAY,
    TENANT,
    booking_requested,
    host_details,
    host_id,
    weekdays,
)
from .conftest import Service


def question(first: str = "2027-03-15", days: int = 1, **changes: Any) -> FindSlots:
    begin = date.fromisoformat(first)
    query = FindSlots(
        tenant=TENANT,
        slug="consultation",
        from_date=begin,
        to_date=begin + timedelta(days=days),
        time_zone="UTC",
    )
    return query.model_copy(update=changes)


async def starts(service: Service, **asked: Any) -> list[datetime]:
    return [slot.start for slot in (await service.ask(question(**asked))).slots]


async def problem_of(service: Service, **asked: Any) -> tuple[str, object]:
    with pytest.raises(ProblemError) as problem:
        await service.ask(question(**asked))
    return problem.value.code, problem.value.details.get("field")


async def test_a_working_day_in_half_hours(service: Service) -> None:
    await service.offers()

    found = await service.ask(question())

    first = Slot(
        start=MONDAY + timedelta(hours=8),  # 09:00 in Berlin
        end=MONDAY + timedelta(hours=8, minutes=30),
        hosts=[host_id(1)],
    )
    assert found.duration_minutes == 30
    assert found.slots[0] == first
    assert [slot.start for slot in found.slots] == [
        first.start + timedelta(minutes=30) * number for number in range(16)
    ]


async def test_an_asked_duration_and_the_types_own_interval(service: Service) -> None:
    await service.offers(slot_interval_minutes=15)

    assert len(await starts(service, duration_minutes=60)) == 29


async def test_an_intro_call_has_36_slots_a_day(service: Service) -> None:
    await service.offers(
        durations_minutes=[15],
        default_duration_minutes=15,
        hours=weekdays("10:00", "19:00"),
        zone="America/New_York",
    )

    found = await starts(service, time_zone="America/New_York")

    assert len(found) == 36
    assert found[0] == datetime(2027, 3, 15, 14, tzinfo=UTC)


async def test_the_types_own_hours_replace_the_hosts(service: Service) -> None:
    await service.offers(
        hours=[WeeklyInterval(weekday=6, start=time(10), until=time(11))],
    )

    found = await starts(service, days=7)

    assert found == [datetime(2027, 3, 20, 9, tzinfo=UTC), datetime(2027, 3, 20, 9, 30, tzinfo=UTC)]


async def test_a_week_with_the_change_of_clocks(service: Service) -> None:
    await service.offers()

    found = await starts(service, first="2027-03-26", days=4)

    assert found[0].hour == 8
    assert next(start for start in found if start.day == 29).hour == 7
    assert len(found) == 32


async def test_the_askers_zone_says_which_dates_are_meant_and_nothing_else(
    service: Service,
) -> None:
    await service.offers()

    far_ahead = await starts(service, time_zone="Pacific/Kiritimati", days=3)
    far_behind = await starts(service, time_zone="Pacific/Pago_Pago", days=3)

    assert far_ahead[0] == MONDAY + timedelta(hours=8)
    assert far_behind[0] == MONDAY + timedelta(hours=11)
    assert far_ahead[-1] == MONDAY + timedelta(days=2, hours=9, minutes=30)
    assert set(far_behind) < set(await starts(service, days=5))


async def test_slots_say_which_hosts_are_free(service: Service) -> None:
    await service.offers(hosts=2)
    new_york = host_details(2, time_zone="America/New_York")
    await service.ask(PutHost(tenant=TENANT, host=new_york, schedule=weekdays()))

    found = (await service.ask(question())).slots

    assert [(slot.start.hour, slot.hosts) for slot in found if slot.start.minute == 0] == [
        *((hour, [host_id(1)]) for hour in range(8, 13)),
        *((hour, [host_id(1), host_id(2)]) for hour in range(13, 16)),
        *((hour, [host_id(2)]) for hour in range(16, 21)),
    ]


async def test_one_host_can_be_asked_for(service: Service) -> None:
    await service.offers(hosts=2)

    found = await service.ask(question(host_id=host_id(2)))

    assert {host for slot in found.slots for host in slot.hosts} == {host_id(2)}


async def test_an_inactive_host_is_not_offered(service: Service) -> None:
    await service.offers(hosts=2)
    gone = host_details(1, active=False)
    await service.ask(PutHost(tenant=TENANT, host=gone, schedule=weekdays()))

    found = await service.ask(question())

    assert {host for slot in found.slots for host in slot.hosts} == {host_id(2)}
    assert await problem_of(service, host_id=host_id(1)) == ("invalid", "host_id")


async def test_a_type_whose_hosts_are_all_away_has_no_slots(service: Service) -> None:
    await service.offers()
    gone = host_details(1, active=False)
    await service.ask(PutHost(tenant=TENANT, host=gone, schedule=weekdays()))

    assert await starts(service) == []


async def test_notice_and_window(service: Service) -> None:
    await service.offers(notice_minutes=120, window_days=1)
    service.clock.now = MONDAY + timedelta(hours=8, seconds=1)

    found = await starts(service, days=7)

    assert found[0] == MONDAY + timedelta(hours=10, minutes=30)
    assert found[-1] == MONDAY + timedelta(days=1, hours=15, minutes=30)


async def test_what_is_reserved_is_not_offered_to_any_type_of_the_host(service: Service) -> None:
    await service.offers()
    await service.offers(slug="other")
    await service.hear(booking_requested("2027-03-15T09:00Z", duration_minutes=60))

    found = await starts(service, slug="other")

    assert not {9} & {start.hour for start in found}
    assert len(found) == 14


async def test_the_buffers_of_both_sides_are_kept(service: Service) -> None:
    await service.offers(buffer_before_minutes=10, buffer_after_minutes=10)
    await service.hear(booking_requested("2027-03-15T10:00Z"))

    found = await starts(service)

    taken = [start for start in range(8 * 60, 16 * 60, 30) if start in {9 * 60 + 30, 600, 630}]
    assert len(found) == 16 - len(taken)
    assert not {start.hour * 60 + start.minute for start in found} & set(taken)


async def test_what_lies_beyond_the_dates_asked_for_counts_too(service: Service) -> None:
    around_the_clock = weekdays("00:00", "00:00")
    await service.offers(zone="UTC", hours=around_the_clock)
    await service.offers(
        slug="padded",
        zone="UTC",
        hours=around_the_clock,
        default_duration_minutes=60,
        slot_interval_minutes=30,
        buffer_before_minutes=45,
    )
    await service.hear(
        booking_requested("2027-03-15T23:30Z"), booking_requested("2027-03-17T00:00Z")
    )

    found = await starts(service, first="2027-03-16", slug="padded")

    assert found[0] == datetime(2027, 3, 16, 1, tzinfo=UTC)
    assert found[-1] == datetime(2027, 3, 16, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"slug": "nothing"}, ("not_found", None)),
        ({"slug": "No Slug\x00"}, ("not_found", None)),
        ({"tenant": "other"}, ("not_found", None)),
        ({"time_zone": "Europe/Nowhere"}, ("invalid", "time_zone")),
        ({"time_zone": "\x00"}, ("invalid", "time_zone")),
        ({"days": 0}, ("invalid", "to_date")),
        ({"days": -1}, ("invalid", "to_date")),
        ({"days": 93}, ("invalid", "to_date")),
        ({"days": 10_000}, ("invalid", "to_date")),
        ({"duration_minutes": 45}, ("invalid", "duration_minutes")),
        ({"duration_minutes": 0}, ("invalid", "duration_minutes")),
        ({"host_id": host_id(7)}, ("invalid", "host_id")),
    ],
)
async def test_a_question_that_cannot_be_answered_names_its_fault(
    service: Service, asked: dict[str, Any], expected: tuple[str, object]
) -> None:
    await service.offers()

    assert await problem_of(service, **asked) == expected


async def test_a_type_that_is_not_active_cannot_be_asked_for(service: Service) -> None:
    await service.offers(active=False)

    assert await problem_of(service) == ("not_found", None)


@pytest.mark.parametrize("first", ["0001-01-01", "1970-01-01", "9999-09-29"])
async def test_the_far_ends_of_time_have_no_slots(service: Service, first: str) -> None:
    await service.offers()

    assert await starts(service, first=first, days=92, time_zone="Pacific/Kiritimati") == []

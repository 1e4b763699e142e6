"""Bookings that ask for slots: one gets it, nobody gets it twice, and it comes back."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from contracts.availability import FindSlots, SlotRejected, SlotReserved, WeeklyInterval
from contracts.envelope import Money

from .builders import (
    MONDAY,
    NOW,
    TENANT,
    booking_cancelled,
    booking_requested,
    host_id,
    type_details,
)
from .conftest import Service

TEN = "2027-03-15T10:00Z"


async def test_a_free_slot_is_reserved_on_the_terms_of_the_catalogue(service: Service) -> None:
    await service.offers(
        price=Money(amount_minor=4500, currency="EUR"),
        approval=True,
        reminders_minutes=(120,),
        buffer_before_minutes=5,
        buffer_after_minutes=10,
    )
    event = booking_requested(TEN, duration_minutes=60)

    await service.hear(event)

    (outcome,) = await service.reserved()
    start = datetime.fromisoformat(TEN)
    assert (outcome.tenant, outcome.booking_id) == (TENANT, event.booking_id)
    assert outcome.terms.model_dump(exclude={"location", "cancellation"}) == {
        "appointment_type": "consultation",
        "title": "Consultation",
        "host_id": host_id(1),
        "host_time_zone": "Europe/Berlin",
        "start": start,
        "end": start + timedelta(hours=1),
        "duration_minutes": 60,
        "price": {"amount_minor": 4500, "currency": "EUR"},
        "approval": True,
        "reminders_minutes": [120],
    }
    assert outcome.terms.location == type_details().locations[0]
    assert outcome.terms.cancellation.notice_minutes == 0


async def test_the_claim_holds_the_host_with_the_buffers(service: Service) -> None:
    await service.offers(buffer_before_minutes=5, buffer_after_minutes=10)

    await service.hear(booking_requested(TEN))

    ((begin, end, host, resource),) = await service.rows("""
        SELECT lower(c.period), upper(c.period), r.host_id, s.id
        FROM claims c JOIN reservations r ON r.id = c.reservation_id
        JOIN resources s ON s.key = c.resource_key WHERE c.active
    """)
    start = datetime.fromisoformat(TEN)
    assert (begin, end) == (start - timedelta(minutes=5), start + timedelta(minutes=40))
    assert host == resource == host_id(1)


async def test_a_taken_slot_is_rejected_with_the_five_nearest(service: Service) -> None:
    await service.offers()
    first, second = booking_requested(TEN), booking_requested(TEN)

    await service.hear(first, second)

    (refused,) = await service.rejected()
    assert (refused.booking_id, refused.reason, refused.field) == (
        second.booking_id,
        "slot_taken",
        "start",
    )
    assert [f"{slot.start:%H:%M}" for slot in refused.alternatives] == [
        "09:30",
        "10:30",
        "09:00",
        "11:00",
        "08:30",
    ]
    assert all(slot.hosts == [host_id(1)] for slot in refused.alternatives)


async def test_every_alternative_can_be_booked(service: Service) -> None:
    await service.offers(buffer_after_minutes=15)
    taken = booking_requested(TEN)
    await service.hear(taken, booking_requested(TEN))
    (refused,) = await service.rejected()

    for slot in refused.alternatives:
        one = booking_requested(slot.start.isoformat())
        await service.hear(one, booking_cancelled(one))

    assert len(refused.alternatives) == 5
    assert len(await service.reserved()) == 6


async def test_alternatives_keep_to_the_wish_for_a_host_and_a_duration(service: Service) -> None:
    await service.offers(hosts=2)
    wish = {"host_id": host_id(2), "duration_minutes": 60}

    await service.hear(booking_requested(TEN, **wish), booking_requested(TEN, **wish))

    (refused,) = await service.rejected()
    assert {host for slot in refused.alternatives for host in slot.hosts} == {host_id(2)}
    assert {slot.end - slot.start for slot in refused.alternatives} == {timedelta(hours=1)}


async def test_alternatives_are_looked_for_further_where_the_week_is_full(
    service: Service,
) -> None:
    an_hour_a_week = [WeeklyInterval(weekday=1, start=time(9), until=time(10))]
    await service.offers(hours=an_hour_a_week, default_duration_minutes=60)
    monday = "2027-03-15T08:00Z"

    await service.hear(booking_requested(monday), booking_requested(monday))

    (refused,) = await service.rejected()
    assert [slot.start.date() for slot in refused.alternatives] == [
        date(2027, 3, 22),
        date(2027, 3, 29),
        date(2027, 4, 5),
        date(2027, 4, 12),
        date(2027, 4, 19),
    ]


async def test_a_time_that_is_no_slot_is_rejected_with_slots_nearby(service: Service) -> None:
    await service.offers()

    await service.hear(booking_requested("2027-03-15T10:10Z"))

    (refused,) = await service.rejected()
    assert (refused.reason, refused.field) == ("not_a_slot", "start")
    assert f"{refused.alternatives[0].start:%H:%M}" == "10:00"


@pytest.mark.parametrize("start", ["0001-01-01T00:00Z", "9999-12-31T23:59Z", "2027-03-01T10:00Z"])
async def test_a_time_far_away_is_rejected_with_the_nearest_that_can_be_had(
    service: Service, start: str
) -> None:
    await service.offers()

    await service.hear(booking_requested(start))

    (refused,) = await service.rejected()
    assert refused.reason == "not_a_slot"
    assert len(refused.alternatives) == 5
    assert all(slot.start >= NOW for slot in refused.alternatives)


@pytest.mark.parametrize(
    ("wish", "reason", "field"),
    [
        ({"appointment_type": "inactive"}, "unknown_appointment_type", "appointment_type"),
        ({"appointment_type": "nothing"}, "unknown_appointment_type", "appointment_type"),
        ({"appointment_type": "No\x00Slug"}, "unknown_appointment_type", "appointment_type"),
        ({"tenant": "other"}, "unknown_appointment_type", "appointment_type"),
        ({"duration_minutes": 45}, "duration_not_offered", "duration_minutes"),
        ({"location_kind": "phone"}, "location_not_offered", "location"),
        ({"host_id": host_id(7)}, "host_not_offered", "host_id"),
    ],
)
async def test_what_is_not_offered_is_rejected_with_its_fault(
    service: Service, wish: dict[str, Any], reason: str, field: str
) -> None:
    await service.offers()
    await service.offers(slug="inactive", active=False)

    await service.hear(booking_requested(TEN, **wish))

    (refused,) = await service.rejected()
    assert (refused.reason, refused.field, refused.alternatives) == (reason, field, [])


async def test_bookings_are_shared_among_the_hosts(service: Service) -> None:
    await service.offers(hosts=3)
    times = [f"2027-03-{day}T{hour:02}:00Z" for day in (15, 16, 17) for hour in (9, 10)]

    for start in times:
        await service.hear(booking_requested(start))

    chosen = [outcome.terms.host_id for outcome in await service.reserved()]
    assert [host.int for host in chosen] == [1, 2, 3, 1, 2, 3]


async def test_the_clients_choice_of_host_is_kept(service: Service) -> None:
    await service.offers(hosts=3)

    await service.hear(booking_requested(TEN, host_id=host_id(2)))

    (outcome,) = await service.reserved()
    assert outcome.terms.host_id == host_id(2)


async def test_a_slot_can_be_had_once_from_each_host(service: Service) -> None:
    await service.offers(hosts=3)

    await service.hear(*(booking_requested(TEN) for _ in range(5)))

    assert {one.terms.host_id for one in await service.reserved()} == {
        host_id(n) for n in (1, 2, 3)
    }
    assert {one.reason for one in await service.rejected()} == {"slot_taken"}


async def test_a_slot_of_one_type_is_taken_for_another_type_of_the_host(service: Service) -> None:
    await service.offers()
    await service.offers(slug="other", durations_minutes=[60], default_duration_minutes=60)
    await service.hear(booking_requested("2027-03-15T10:30Z"))

    await service.hear(booking_requested(TEN, appointment_type="other"))

    (refused,) = await service.rejected()
    assert refused.reason == "slot_taken"


async def test_a_request_heard_twice_reserves_once_and_says_so_once(service: Service) -> None:
    await service.offers()
    event, loser = booking_requested(TEN), booking_requested(TEN)

    for _ in range(2):
        await service.hear(event)
        await service.hear(loser)

    assert [type(outcome) for outcome in await service.outcomes()] == [SlotReserved, SlotRejected]
    assert await service.active_claims() == 1


async def test_a_request_heard_again_after_its_cancellation_reserves_nothing(
    service: Service,
) -> None:
    await service.offers()
    event = booking_requested(TEN)

    await service.hear(event, booking_cancelled(event), event)

    assert [kind for kind, _ in await service.told()][-2:] == [
        "slot-reserved.v1",
        "reservation-released.v1",
    ]
    assert await service.active_claims() == 0


async def test_a_cancelled_booking_frees_the_slot_at_once(service: Service) -> None:
    await service.offers()
    first, second = booking_requested(TEN), booking_requested(TEN)

    await service.hear(first, booking_cancelled(first), second)

    one, other = await service.reserved()
    (released,) = [body for kind, body in await service.told() if "released" in kind]
    assert released == {
        "tenant": TENANT,
        "booking_id": str(first.booking_id),
        "reservation_id": str(one.reservation_id),
    }
    assert other.booking_id == second.booking_id


async def test_a_released_reservation_is_kept_for_the_record(service: Service) -> None:
    await service.offers()
    event = booking_requested(TEN)
    service.clock.now = NOW + timedelta(hours=1)

    await service.hear(event, booking_cancelled(event))

    assert await service.rows("""
        SELECT r.status, r.released_at, c.active, lower(c.period)
        FROM reservations r JOIN claims c ON c.reservation_id = r.id
    """) == [("released", NOW + timedelta(hours=1), False, datetime.fromisoformat(TEN))]


async def test_a_freed_slot_is_offered_again(service: Service) -> None:
    await service.offers()
    event = booking_requested(TEN)
    query = FindSlots(
        tenant=TENANT,
        slug="consultation",
        from_date=MONDAY.date(),
        to_date=MONDAY.date() + timedelta(days=1),
        time_zone="UTC",
    )

    await service.hear(event)
    while_taken = [slot.start for slot in (await service.ask(query)).slots]
    await service.hear(booking_cancelled(event))
    afterwards = [slot.start for slot in (await service.ask(query)).slots]

    assert set(afterwards) - set(while_taken) == {event.start}


async def test_a_cancellation_heard_twice_is_said_once(service: Service) -> None:
    await service.offers()
    event = booking_requested(TEN)

    await service.hear(event, booking_cancelled(event), booking_cancelled(event))

    assert sum("released" in kind for kind, _ in await service.told()) == 1


async def test_a_cancellation_that_comes_first_leaves_nothing_to_reserve(service: Service) -> None:
    await service.offers()
    event = booking_requested(TEN)
    said = await service.told()

    await service.hear(booking_cancelled(event))
    await service.hear(event)

    assert await service.told() == said
    assert await service.active_claims() == 0


async def test_a_cancelled_booking_that_got_nothing_releases_nothing(service: Service) -> None:
    await service.offers()
    event = booking_requested(TEN, duration_minutes=45)

    await service.hear(event, booking_cancelled(event))

    assert [kind for kind, _ in await service.told()][-1] == "slot-rejected.v1"


async def test_tenants_with_the_same_host_id_do_not_block_each_other(service: Service) -> None:
    await service.offers()
    await service.offers(tenant="other")

    await service.hear(booking_requested(TEN), booking_requested(TEN, tenant="other"))

    assert [outcome.tenant for outcome in await service.reserved()] == [TENANT, "other"]

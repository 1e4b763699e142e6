"""Many at once: the constraint decides, whatever each of them had read."""

import asyncio
from datetime import datetime
from uuid import uuid4

from psycopg import Rollback

from availability.domain.offers import Offer
from availability.domain.reservations import Claim, Grant, judge
from availability.domain.slots import Span
from availability.store import calendars, reservations
from availability.store.reservations import Entry
from contracts.availability import SlotRejected, SlotReserved

from .builders import (
    NOW,
    TENANT,
    a_wish,
    at,
    booking_cancelled,
    booking_requested,
    host_id,
)
from .conftest import Service

TEN = "2027-03-15T10:00Z"


async def test_of_two_transactions_for_one_slot_one_wins(service: Service) -> None:
    await service.offers()
    first, second = booking_requested(TEN), booking_requested(TEN)

    async with service.database.transaction() as connection:
        await service.handle(connection, first)
        waiting = asyncio.create_task(service.hear(second))
        await service.somebody_waits()
    await waiting

    (winner,), (loser,) = await service.reserved(), await service.rejected()
    assert (winner.booking_id, loser.booking_id) == (first.booking_id, second.booking_id)
    assert loser.reason == "slot_taken"
    assert datetime.fromisoformat(TEN) not in {slot.start for slot in loser.alternatives}


async def test_the_second_gets_the_slot_where_the_first_is_rolled_back(service: Service) -> None:
    await service.offers()
    second = booking_requested(TEN)

    async with service.database.transaction() as connection:
        await service.handle(connection, booking_requested(TEN))
        waiting = asyncio.create_task(service.hear(second))
        await service.somebody_waits()
        raise Rollback
    await waiting

    (winner,) = await service.outcomes()
    assert isinstance(winner, SlotReserved)
    assert winner.booking_id == second.booking_id


async def test_whoever_loses_a_host_gets_the_next(service: Service) -> None:
    await service.offers(hosts=2)
    second = booking_requested(TEN)

    async with service.database.transaction() as connection:
        await service.handle(connection, booking_requested(TEN))
        waiting = asyncio.create_task(service.hear(second))
        await service.somebody_waits()
    await waiting

    assert [outcome.terms.host_id for outcome in await service.reserved()] == [
        host_id(1),
        host_id(2),
    ]
    assert await service.rows(
        "SELECT host_id, status FROM reservations WHERE booking_id = %s", second.booking_id
    ) == [(host_id(2), "reserved")]


async def test_overlapping_slots_of_different_lengths_exclude_each_other(service: Service) -> None:
    await service.offers(slot_interval_minutes=30)
    long, short = (
        booking_requested(TEN, duration_minutes=60),
        booking_requested("2027-03-15T10:30Z"),
    )

    async with service.database.transaction() as connection:
        await service.handle(connection, long)
        waiting = asyncio.create_task(service.hear(short))
        await service.somebody_waits()
    await waiting

    assert [type(outcome) for outcome in await service.outcomes()] == [SlotReserved, SlotRejected]


async def test_of_fifty_at_once_one_gets_the_slot(service: Service) -> None:
    await service.offers()

    await asyncio.gather(*(service.hear(booking_requested(TEN)) for _ in range(50)))

    assert len(await service.reserved()) == 1
    losers = await service.rejected()
    assert len(losers) == 49
    assert all(loser.reason == "slot_taken" and loser.alternatives for loser in losers)
    assert await service.active_claims() == 1


async def test_of_fifty_at_once_each_host_gets_one(service: Service) -> None:
    await service.offers(hosts=3)

    await asyncio.gather(*(service.hear(booking_requested(TEN)) for _ in range(50)))

    assert {one.terms.host_id.int for one in await service.reserved()} == {1, 2, 3}
    assert len(await service.rejected()) == 47
    assert await service.active_claims() == 3


async def test_batches_at_once_over_many_slots_grant_each_slot_once(service: Service) -> None:
    await service.offers()
    times = [f"2027-03-15T{hour:02}:{minute:02}Z" for hour in range(9, 14) for minute in (0, 30)]

    batches = [[booking_requested(start) for start in times] for _ in range(6)]
    await asyncio.gather(*(service.hear(*batch) for batch in batches))

    granted = sorted(outcome.terms.start for outcome in await service.reserved())
    assert granted == [datetime.fromisoformat(start) for start in times]
    assert len(await service.rejected()) == 5 * len(times)


async def test_one_request_heard_by_two_at_once_is_answered_once(service: Service) -> None:
    await service.offers(hosts=2)
    event = booking_requested(TEN)

    async with service.database.transaction() as connection:
        await service.handle(connection, event)
        waiting = asyncio.create_task(service.hear(event))
        await service.somebody_waits()
    await waiting

    assert len(await service.outcomes()) == 1
    assert await service.active_claims() == 1


async def test_a_cancellation_that_overtakes_its_request_waits_and_releases(
    service: Service,
) -> None:
    await service.offers()
    event = booking_requested(TEN)

    async with service.database.transaction() as connection:
        await service.handle(connection, event)
        waiting = asyncio.create_task(service.hear(booking_cancelled(event)))
        await service.somebody_waits()
    await waiting

    assert [kind for kind, _ in await service.told()][-2:] == [
        "slot-reserved.v1",
        "reservation-released.v1",
    ]
    assert await service.active_claims() == 0


async def test_a_request_that_waits_for_its_cancellation_reserves_nothing(
    service: Service,
) -> None:
    await service.offers()
    event = booking_requested(TEN)

    async with service.database.transaction() as connection:
        await service.handle(connection, booking_cancelled(event))
        waiting = asyncio.create_task(service.hear(event))
        await service.somebody_waits()
    await waiting

    assert await service.outcomes() == []
    assert await service.active_claims() == 0


async def test_a_slot_given_back_and_asked_for_at_once_goes_to_one(service: Service) -> None:
    await service.offers()
    held = booking_requested(TEN)
    await service.hear(held)
    others = [booking_requested(TEN) for _ in range(10)]

    await asyncio.gather(
        service.hear(booking_cancelled(held)), *(service.hear(event) for event in others)
    )

    assert await service.active_claims() == len(await service.reserved()) - 1 <= 1
    assert len(await service.outcomes()) == 11


async def test_claims_are_made_together_or_not_at_all(service: Service) -> None:
    await service.offers(hosts=2)
    await service.hear(booking_requested(TEN, host_id=host_id(2)))
    offer = await calendars_now(service)
    start = at(TEN)
    ((first,), (second,)) = offer.by(host_id(1)), offer.by(host_id(2))
    claims = [Claim(host.resource_key, start, start + 1800) for host in (first, second)]
    wish = a_wish(TEN, host_id=host_id(1))
    grant = judge(wish, offer, NOW)
    assert isinstance(grant, Grant)
    entry = Entry(uuid4(), TENANT, wish.booking_id, NOW)

    async with service.database.transaction() as connection:
        together = await reservations.reserve(connection, entry, grant, host_id(1), claims)
        alone = await reservations.reserve(connection, entry, grant, host_id(1), claims[:1])

    assert (together, alone) == ("taken", "claimed")
    assert await service.rows(
        "SELECT resource_key FROM claims WHERE reservation_id = %s", entry.id
    ) == [(first.resource_key,)]


async def calendars_now(service: Service) -> Offer:
    span = Span(at(TEN), at(TEN) + 1)
    async with service.database.reading() as connection:
        offer = await calendars.read(connection, TENANT, "consultation", span)
    assert offer is not None
    return offer

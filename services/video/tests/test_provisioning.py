"""Rooms of a provider behind a network: claimed, retried, given up, never in two hands."""

import asyncio
import json
from datetime import timedelta

import pytest

from service_kit.causation import Causation, because_of, new_flow
from video import store
from video.domain import MAX_ATTEMPTS, Meeting

from .world import FAILED, PROVISIONED, World, a_booking


async def test_a_provider_behind_a_network_is_asked_by_the_worker(world: World):
    confirmed, _ = a_booking(provider="remote")
    await world.hear(confirmed)
    assert (await world.said(), world.remote.asked) == ([], [])
    assert await world.refusal(confirmed) == "not_found"

    assert await world.meetings.provision_next() == 1

    assert await world.kinds_said() == [PROVISIONED]
    assert (await world.join(confirmed)).startswith("https://remote.example/remote-")
    assert await world.meetings.provision_next() == 0


async def test_what_the_worker_says_belongs_to_the_flow_of_the_booking(world: World):
    with because_of(Causation("flow-of-the-booking", "the-confirmation")):
        await world.hear(a_booking(provider="remote")[0])
    with new_flow():
        await world.meetings.provision_next()

    assert await world.rows("SELECT correlation_id, causation_id FROM outbox") == [
        ("flow-of-the-booking", "the-confirmation")
    ]


async def test_two_workers_ask_once_for_each_meeting(world: World):
    await world.hear(*(a_booking(provider="remote")[0] for _ in range(6)))

    async def worker() -> None:
        while await world.meetings.provision_next():
            pass

    await asyncio.gather(worker(), worker())

    assert len(world.remote.asked) == len(set(world.remote.asked)) == 6
    assert await world.kinds_said() == [PROVISIONED] * 6


async def test_a_provider_that_is_down_is_asked_again_later(world: World):
    await world.hear(a_booking(provider="remote")[0])
    world.remote.fail("provider_unreachable")
    await world.meetings.provision_next()
    assert await world.meetings.provision_next() == 0

    world.remote.failure = None
    world.clock.move(seconds=2)
    await world.meetings.provision_next()

    assert len(world.remote.asked) == 2
    assert await world.kinds_said() == [PROVISIONED]


async def test_after_the_last_attempt_the_meeting_has_failed(world: World):
    await world.hear(a_booking(provider="remote")[0])
    world.remote.fail("provider_unreachable")

    while await world.meetings.provision_next():
        world.clock.move(minutes=6)

    [(kind, body)] = await world.said()
    assert (kind, len(world.remote.asked)) == (FAILED, MAX_ATTEMPTS)
    assert json.loads(body)["reason"] == "provider_unreachable"


async def test_a_refusal_is_not_tried_again(world: World):
    await world.hear(a_booking(provider="remote")[0])
    world.remote.fail("provider_refused", permanent=True)

    await world.meetings.provision_next()

    assert (await world.kinds_said(), len(world.remote.asked)) == ([FAILED], 1)


async def test_a_provider_that_was_taken_away_fails_what_it_was_to_give(world: World):
    await world.hear(a_booking(provider="remote")[0])
    del world.meetings.providers["remote"]  # type: ignore[attr-defined]

    await world.meetings.provision_next()

    assert await world.kinds_said() == [FAILED]


async def test_a_worker_that_slept_through_its_lease_changes_nothing(world: World):
    confirmed, _ = a_booking(provider="remote")
    await world.hear(confirmed)
    asleep, awake = asyncio.Event(), asyncio.Event()
    answer = world.remote.provision

    async def sleepy(meeting: Meeting) -> str:
        asleep.set()
        await awake.wait()
        return f"stale-{await answer(meeting)}"

    world.remote.provision = sleepy
    stale = asyncio.create_task(world.meetings.provision_next())
    await asleep.wait()
    await world.expire_leases()
    world.remote.provision = answer
    await world.meetings.provision_next()
    awake.set()
    await stale

    assert await world.kinds_said() == [PROVISIONED]
    assert "stale" not in await world.join(confirmed)


async def test_an_older_claim_changes_nothing(world: World):
    await world.hear(a_booking(provider="remote")[0])
    now, lease = world.clock(), timedelta(minutes=1)
    async with world.database.transaction() as connection:
        old = await store.claim(connection, now, lease)
        assert await store.claim(connection, now, lease) is None
        await connection.execute("UPDATE meetings SET lease_until = now() - interval '1 s'")
        new = await store.claim(connection, now, lease)

        assert old is not None
        assert new is not None
        assert not await store.mark_ready(connection, old.meeting, "late", now)
        assert not await store.mark_failed(connection, old.meeting, "late")
        assert not await store.postpone(connection, old.meeting, now, "late")
        assert await store.mark_ready(connection, new.meeting, "room", now)


async def test_a_claim_passes_over_what_another_has_in_hand(world: World):
    await world.hear(a_booking(provider="remote")[0])
    now, lease = world.clock(), timedelta(minutes=1)
    async with world.database.transaction() as one, world.database.transaction() as other:
        await other.execute("SET LOCAL lock_timeout = '2s'")

        assert await store.claim(one, now, lease) is not None
        assert await store.claim(other, now, lease) is None


async def test_a_meeting_cancelled_while_it_is_provisioned_stays_closed(world: World):
    confirmed, cancelled = a_booking(provider="remote")
    await world.hear(confirmed)
    answer = world.remote.provision

    async def cancelled_meanwhile(meeting: Meeting) -> str:
        await world.hear(cancelled)
        return await answer(meeting)

    world.remote.provision = cancelled_meanwhile
    await world.meetings.provision_next()

    assert await world.said() == []
    assert await world.refusal(confirmed) == "meeting_closed"


async def test_a_meeting_whose_worker_dies_each_time_is_given_up(world: World):
    await world.hear(a_booking(provider="remote")[0])
    world.remote.failure = RuntimeError("gone in the middle of it")
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            await world.meetings.provision_next()
        await world.expire_leases()

    await world.meetings.provision_next()

    assert (await world.kinds_said(), len(world.remote.asked)) == ([FAILED], MAX_ATTEMPTS)

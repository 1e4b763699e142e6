"""Deliveries: a mail server that fails, refuses or falls silent; workers that come too late."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from notify.store import appointments
from notify.store import notifications as store

from .builders import HOST, ABooking
from .test_confirmations import without_reminders
from .world import World

SENT, FAILED = "notify.notification-sent.v1", "notify.notification-failed.v1"


async def a_visit(world: World) -> ABooking:
    return await world.booked(without_reminders(kind="in_person"))


async def test_a_mail_server_that_was_down_gets_the_mail_when_it_is_back(world: World):
    booking = await a_visit(world)
    await world.mail.stop()
    await world.work()
    assert await world.states(booking) == [("confirmation", "waiting")] * 2
    assert await world.kinds_said() == []

    await world.mail.start()
    await world.work()
    assert world.mail.inbox == []
    world.clock.move(seconds=2)
    await world.work()

    assert len(world.mail.inbox) == 2
    assert [each.attempts for each in await world.listed(booking)] == [2, 2]
    assert await world.kinds_said() == [SENT, SENT]


async def test_the_wait_grows_from_attempt_to_attempt(world: World):
    booking = await a_visit(world)
    await world.mail.stop()

    for wait in (2, 4, 8, 16):
        await world.work()
        attempts = (await world.listed(booking))[0].attempts
        world.clock.move(seconds=wait - 0.1)
        await world.work()
        assert (await world.listed(booking))[0].attempts == attempts
        world.clock.move(seconds=0.1)


async def test_after_the_last_attempt_the_mail_has_failed(world: World):
    world.deliveries = replace(world.deliveries, attempts=3)
    booking = await a_visit(world)
    await world.mail.stop()
    for _ in range(5):
        await world.work()
        world.clock.move(minutes=20)

    assert await world.states(booking) == [("confirmation", "failed")] * 2
    reasons = [json.loads(body)["reason"] for _, body in await world.said()]
    assert (await world.kinds_said(), reasons) == ([FAILED] * 2, ["smtp_unreachable"] * 2)


async def test_a_refusal_for_good_is_not_tried_again(world: World):
    booking = await a_visit(world)
    address = booking.address(booking.attendee)
    world.mail.refusals[address] = f"550 5.1.1 <{address}>: no such user"

    await world.work()
    world.clock.move(hours=1)
    await world.work()

    assert world.mail.told() == [(HOST.email, "New booking")]
    failed = [json.loads(body) for kind, body in await world.said() if kind == FAILED]
    assert [(f["reason"], f["recipient"]) for f in failed] == [
        ("smtp_550 5.1.1", str(booking.attendee))
    ]
    assert await world.rows("SELECT last_error FROM notifications WHERE state = 'failed'") == [
        ("smtp_550 5.1.1",)
    ]


async def test_a_refusal_for_now_is_tried_again(world: World):
    booking = await a_visit(world)
    world.mail.refusals[booking.address(booking.attendee)] = "451 4.7.1 try later"
    await world.work()

    world.mail.refusals.clear()
    world.clock.move(seconds=2)
    await world.work()

    assert len(world.mail.inbox) == 2


async def test_a_message_refused_after_its_body_is_treated_alike(world: World):
    booking = await a_visit(world)
    world.mail.data_answers = ["554 5.7.1 spam", "452 4.3.1 full"]

    await world.work()
    world.clock.move(seconds=2)
    await world.work()

    assert sorted(state for _, state in await world.states(booking)) == ["failed", "sent"]


async def test_a_mail_server_that_falls_silent_holds_nothing_for_ever(world: World):
    booking = await a_visit(world)
    silence = asyncio.Event()

    async def be_silent() -> None:
        await silence.wait()

    world.mail.before_data = be_silent
    world.send_through(world.mail.server(timeout=0.2))
    await world.work()
    silence.set()

    assert await world.states(booking) == [("confirmation", "waiting")] * 2
    assert {row[0] for row in await world.rows("SELECT last_error FROM notifications")} == {
        "smtp_timeout"
    }


async def test_one_connection_serves_many_mails(world: World):
    world.deliveries = replace(world.deliveries, at_once=1)
    for _ in range(4):
        await a_visit(world)

    await world.work()

    assert (len(world.mail.inbox), world.mail.connections) == (8, 1)


async def test_a_connection_that_died_while_it_was_kept_costs_no_attempt(world: World):
    world.deliveries = replace(world.deliveries, at_once=1)
    booking = await a_visit(world)
    await world.deliveries.deliver_due()
    world.mail.hang_up()

    await world.work()

    assert [each.attempts for each in await world.listed(booking)] == [1, 1]
    assert (len(world.mail.inbox), world.mail.connections) == (2, 2)


async def test_services_that_do_not_answer_are_asked_again(world: World, nats_url: str):
    booking = await a_visit(world)
    await world.neighbours.stop()
    await world.work()
    assert await world.rows("SELECT DISTINCT state, last_error FROM notifications") == [
        ("waiting", "booking_unreachable")
    ]

    await world.neighbours.start(nats_url)
    world.clock.move(seconds=2)
    await world.work()

    assert await world.states(booking) == [("confirmation", "sent")] * 2


async def test_a_service_that_is_broken_is_asked_again(world: World):
    booking = await a_visit(world)
    world.neighbours.broken = True
    await world.work()
    assert await world.rows("SELECT DISTINCT state, last_error FROM notifications") == [
        ("waiting", "booking_refused")
    ]

    world.neighbours.broken = False
    world.clock.move(seconds=2)
    await world.work()

    assert await world.states(booking) == [("confirmation", "sent")] * 2


async def test_a_host_that_nobody_knows_is_asked_for_again(world: World):
    booking = await a_visit(world)
    world.neighbours.host_known = False
    await world.work()
    assert await world.rows("SELECT DISTINCT state, last_error FROM notifications") == [
        ("waiting", "host_unknown")
    ]

    world.neighbours.host_known = True
    world.clock.move(seconds=2)
    await world.work()

    assert await world.states(booking) == [("confirmation", "sent")] * 2


async def test_a_booking_that_nobody_knows_fails_for_good(world: World):
    booking = without_reminders(kind="in_person")
    await world.hear(booking.confirmed())

    await world.work()

    reasons = {json.loads(body)["reason"] for _, body in await world.said()}
    assert reasons == {"booking_unknown"}
    assert await world.states(booking) == [("confirmation", "failed")] * 2


async def test_somebody_who_was_erased_gets_no_mail(world: World):
    booking = without_reminders(kind="in_person", erased=True)

    await world.booked(booking)
    await world.work()

    assert world.mail.told() == [(HOST.email, "New booking")]
    assert await world.kinds_said() == [SENT, FAILED] or await world.kinds_said() == [FAILED, SENT]


async def test_a_worker_that_slept_through_its_lease_marks_nothing(world: World):
    booking = await a_visit(world)
    world.deliveries = replace(world.deliveries, at_once=1)
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def sleep_through() -> None:
        world.mail.before_data = None
        asleep.set()
        await awake.wait()

    world.mail.before_data = sleep_through
    stale = asyncio.create_task(world.deliveries.deliver_due())
    await asleep.wait()
    await world.expire_leases()
    await world.work()
    awake.set()
    await stale

    assert await world.kinds_said() == [SENT, SENT]
    assert await world.states(booking) == [("confirmation", "sent")] * 2
    repeated = [m["message-id"] for m in world.mail.inbox]
    assert (len(repeated), len(set(repeated))) == (3, 2)


async def test_an_older_claim_changes_nothing(world: World):
    await a_visit(world)
    until, lease = world.clock.now, timedelta(minutes=1)
    async with world.database.transaction() as connection:
        old, _ = await store.claim(connection, until, lease, 2)
        await connection.execute("UPDATE notifications SET lease_until = now() - interval '1 s'")
        again = await store.claim(connection, until, lease, 2)
        [new] = [claim for claim in again if claim.notification == old.notification]

        assert not await store.mark_sent(connection, old, until, with_link=True)
        assert not await store.mark_failed(connection, old, "late")
        assert not await store.retry(connection, old, until, "late")
        assert not await store.postpone(connection, old, until)
        assert not await store.drop(connection, old)
        assert await store.mark_sent(connection, new, until, with_link=True)


async def test_a_claim_passes_over_what_another_has_in_hand(world: World):
    await a_visit(world)
    now, lease = world.clock.now, timedelta(minutes=1)
    async with world.database.transaction() as one, world.database.transaction() as other:
        await other.execute("SET LOCAL lock_timeout = '2s'")
        [first] = await store.claim(one, now, lease, 1)
        [second] = await store.claim(other, now, lease, 5)

    assert first.notification != second.notification


async def test_events_and_deliveries_of_one_booking_take_turns(world: World):
    booking = await a_visit(world)
    async with world.database.transaction() as connection:
        await appointments.open_booking(connection, "demo", booking.id)

        async with world.database.reading() as other:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await other.execute("SELECT FROM appointments FOR UPDATE NOWAIT")


async def test_a_kill_after_the_hand_over_repeats_one_mail_under_its_id(world: World):
    await a_visit(world)
    world.deliveries = replace(world.deliveries, at_once=1)
    handed_over = asyncio.Event()

    async def never_marked(*_: object, **__: object) -> None:
        handed_over.set()
        await asyncio.Event().wait()

    world.deliveries = replace(world.deliveries, publish=never_marked)
    doomed = asyncio.create_task(world.deliveries.deliver_due())
    await handed_over.wait()
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    world.deliveries = replace(world.deliveries, publish=world.reminders.publish)
    await world.expire_leases()
    await world.work()

    repeated = [m["message-id"] for m in world.mail.inbox]
    assert (len(repeated), len(set(repeated))) == (3, 2)
    assert await world.kinds_said() == [SENT, SENT]


async def test_many_workers_send_each_mail_once(world: World):
    for _ in range(15):
        await a_visit(world)

    await asyncio.gather(*(world.work() for _ in range(4)))

    ids = [m["message-id"] for m in world.mail.inbox]
    assert len(ids) == len(set(ids)) == 30


async def test_a_mail_whose_worker_dies_each_time_is_given_up(world: World):
    world.deliveries = replace(world.deliveries, attempts=2)
    booking = await a_visit(world)
    async with world.database.transaction() as connection:
        await connection.execute("UPDATE notifications SET attempts = 2")

    await world.work()

    assert await world.states(booking) == [("confirmation", "failed")] * 2
    assert world.mail.inbox == []


async def test_a_lease_ends_by_the_clock_of_the_database(world: World):
    booking = await a_visit(world)
    world.deliveries = replace(world.deliveries, at_once=5)
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        in_hand.set()
        await go_on.wait()

    world.mail.before_data = hold
    delivery = asyncio.create_task(world.deliveries.deliver_due())
    await in_hand.wait()
    world.clock.now += timedelta(days=365)

    assert await world.deliveries.deliver_due() == 0

    world.clock.now -= timedelta(days=365)
    go_on.set()
    await delivery
    assert await world.states(booking) == [("confirmation", "sent")] * 2


async def test_a_mail_server_that_does_not_know_us_refuses_nothing_for_good(world: World):
    world.send_through(world.mail.server(username="somebody", password="wrong"))
    booking = await a_visit(world)

    await world.work()

    assert await world.states(booking) == [("confirmation", "waiting")] * 2

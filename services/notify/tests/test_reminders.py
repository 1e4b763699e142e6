"""Reminders: at their time, late rather than lost, once each, never for what is off or begun."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

from contracts.booking import ReminderChoice

from .builders import HOST, START, ABooking
from .world import World

DUE = "notify.reminder-due.v1"


async def a_booked_visit(world: World, **changes: object) -> ABooking:
    booking = await world.booked(ABooking(kind="in_person", **changes))  # type: ignore[arg-type]
    await world.work()
    world.mail.inbox.clear()
    return booking


async def test_a_reminder_comes_at_its_time(world: World):
    booking = await a_booked_visit(world)
    world.clock.now = START - timedelta(hours=24, seconds=1)
    await world.work()
    assert world.mail.inbox == []

    world.clock.move(seconds=1)
    await world.work()

    assert world.mail.told() == [(booking.address(booking.attendee), "Reminder")]
    [body] = [json.loads(body) for kind, body in await world.said() if kind == DUE]
    assert (body["minutes_before"], body["due_at"]) == (1440, "2027-03-21T08:00:00Z")


async def test_reminders_are_listed_from_the_start(world: World):
    booking = await a_booked_visit(world)
    planned = [each for each in await world.listed(booking) if each.kind == "reminder"]

    assert [(each.state, each.due_at) for each in planned] == [
        ("planned", START - timedelta(hours=24)),
        ("planned", START - timedelta(hours=1)),
    ]


async def test_a_reminder_that_was_missed_is_late_rather_than_lost(world: World):
    await a_booked_visit(world)

    world.clock.now = START - timedelta(minutes=1)
    await world.work()

    assert [subject for _, subject in world.mail.told()] == ["Reminder"] * 2
    assert (await world.kinds_said()).count(DUE) == 2


async def test_nobody_is_reminded_of_what_has_begun(world: World):
    booking = await a_booked_visit(world)

    world.clock.now = START
    await world.work()

    assert world.mail.inbox == []
    assert DUE not in await world.kinds_said()
    assert await world.states(booking) == [
        ("confirmation", "sent"),
        ("confirmation", "sent"),
        ("reminder", "dropped"),
        ("reminder", "dropped"),
    ]


async def test_a_reminder_that_the_mail_server_delays_past_the_start_is_dropped(world: World):
    booking = await a_booked_visit(world, reminders_minutes=(60,))
    await world.mail.stop()
    world.clock.now = START - timedelta(seconds=1)
    await world.work()
    assert ("reminder", "waiting") in await world.states(booking)

    await world.mail.start()
    world.clock.move(minutes=1)
    await world.work()

    assert world.mail.inbox == []
    assert ("reminder", "dropped") in await world.states(booking)


async def test_nobody_is_reminded_of_a_cancelled_booking(world: World):
    booking = await a_booked_visit(world)

    await world.hear(booking.cancelled())
    world.clock.now = START - timedelta(minutes=30)
    await world.work()

    assert {subject for _, subject in world.mail.told()} == {"Cancelled"}
    assert DUE not in await world.kinds_said()
    states = await world.states(booking)
    assert states.count(("reminder", "dropped")) == 2


async def test_a_cancellation_catches_a_reminder_that_was_due_but_not_sent(world: World):
    booking = await a_booked_visit(world)
    world.clock.now = START - timedelta(hours=2)
    assert await world.reminders.fire_due() == 1

    await world.hear(booking.cancelled())
    await world.work()

    assert "Reminder" not in [subject for _, subject in world.mail.told()]


async def test_who_wants_no_reminders_gets_none(world: World):
    booking = await a_booked_visit(world, reminders=ReminderChoice(email=False, sms=True))

    assert {kind for kind, _ in await world.states(booking)} == {"confirmation"}


async def test_appointment_types_say_when(world: World):
    booking = await a_booked_visit(world, reminders_minutes=(30,))

    assert [each.due_at for each in await world.listed(booking) if each.kind == "reminder"] == [
        START - timedelta(minutes=30)
    ]


async def test_a_reminder_missed_while_notify_was_down_is_planned_and_sent(world: World):
    booking = ABooking(kind="in_person")
    world.neighbours.bookings[booking.id] = booking
    world.clock.now = START - timedelta(hours=3)

    await world.hear(booking.confirmed(), at=START - timedelta(hours=25))
    await world.work()

    assert "Reminder" in [subject for _, subject in world.mail.told()]


async def test_many_workers_fire_each_reminder_once(world: World):
    bookings = [await world.booked(ABooking(kind="in_person")) for _ in range(20)]
    await world.work()
    world.mail.inbox.clear()
    world.clock.now = START - timedelta(minutes=30)
    world.reminders = replace(world.reminders, batch=3)

    async def worker() -> None:
        while await world.reminders.fire_due() + await world.deliveries.deliver_due():
            pass

    await asyncio.gather(*(worker() for _ in range(3)))

    reminded = [address for address, _ in world.mail.told()]
    assert sorted(reminded) == sorted(b.address(b.attendee) for b in bookings * 2)
    due = [json.loads(body)["reminder_id"] for kind, body in await world.said() if kind == DUE]
    assert len(due) == len(set(due)) == 40
    assert HOST.email not in reminded


async def test_a_reminder_belongs_to_the_flow_of_its_booking(world: World):
    from service_kit.causation import Causation, because_of, new_flow  # noqa: PLC0415

    with because_of(Causation("flow-of-the-booking", "the-confirmation")):
        await world.booked(ABooking(kind="in_person"))
    world.clock.now = START - timedelta(hours=24)
    with new_flow():
        await world.work()

    assert await world.rows("SELECT DISTINCT correlation_id, causation_id FROM outbox") == [
        ("flow-of-the-booking", "the-confirmation")
    ]

"""Cancellations: nothing more goes out but word of it, to those who had word before."""

import asyncio
from uuid import uuid4

from contracts.booking import ReminderChoice

from .builders import HOST, START, ABooking
from .test_confirmations import provisioned, without_reminders
from .world import World


async def test_everybody_who_was_invited_hears_of_it(world: World):
    guest = uuid4()
    booking = await world.booked(without_reminders(kind="in_person", guests=(guest,)))
    await world.work()
    world.mail.inbox.clear()

    await world.hear(booking.cancelled())
    await world.work()

    addresses = [booking.address(booking.attendee), booking.address(guest), HOST.email]
    assert world.mail.told() == sorted((address, "Cancelled") for address in addresses)
    assert {world.mail.sequence(number) for number in range(3)} == {("CANCEL", 1)}


async def test_a_cancellation_outranks_an_update(world: World):
    booking = await world.booked(without_reminders(has_link=False))
    world.clock.move(seconds=60)
    await world.work()
    booking.has_link = True
    await world.hear(provisioned(booking))
    await world.work()
    world.mail.inbox.clear()

    await world.hear(booking.cancelled())
    await world.work()

    assert {world.mail.sequence(number) for number in range(2)} == {("CANCEL", 2)}


async def test_before_anything_went_out_only_the_attendee_hears_of_it(world: World):
    booking = await world.booked(ABooking(guests=(uuid4(),)))

    await world.hear(booking.cancelled())
    await world.work()

    assert world.mail.told() == [(booking.address(booking.attendee), "Cancelled")]
    assert list(world.mail.inbox[0].iter_attachments()) == []
    states = await world.states(booking)
    assert states.count(("confirmation", "dropped")) == 3
    assert states.count(("reminder", "dropped")) == 2


async def test_a_cancellation_that_comes_first_wins(world: World):
    booking = ABooking(kind="in_person")
    world.neighbours.bookings[booking.id] = booking

    await world.hear(booking.cancelled(), booking.confirmed())
    await world.work()

    assert world.mail.told() == [(booking.address(booking.attendee), "Cancelled")]


async def test_a_booking_cancelled_before_it_had_terms_is_passed_over(world: World):
    booking = ABooking()

    await world.hear(booking.cancelled(with_terms=False), booking.confirmed())
    await world.work()

    assert (await world.listed(booking), world.mail.inbox) == ([], [])


async def test_a_cancellation_without_terms_still_ends_what_was_confirmed(world: World):
    booking = await world.booked(without_reminders(kind="in_person"))
    await world.work()
    world.mail.inbox.clear()

    await world.hear(booking.cancelled(with_terms=False))
    await world.work()

    assert {subject for _, subject in world.mail.told()} == {"Cancelled"}
    assert len(world.mail.inbox) == 2


async def test_a_cancellation_delivered_twice_is_told_once(world: World):
    booking = await world.booked(without_reminders(kind="in_person"))
    await world.work()
    world.mail.inbox.clear()

    cancelled = booking.cancelled()
    await world.hear(cancelled, cancelled)
    await world.work()
    await world.hear(cancelled)
    await world.work()

    assert len(world.mail.inbox) == 2


async def test_a_meeting_that_comes_after_the_cancellation_changes_nothing(world: World):
    booking = await world.booked(without_reminders())
    await world.hear(booking.cancelled())

    await world.hear(provisioned(booking))
    await world.work()

    assert [subject for _, subject in world.mail.told()] == ["Cancelled"]


async def test_a_confirmation_on_its_way_is_followed_by_its_cancellation(world: World):
    booking = await world.booked(without_reminders(kind="in_person"))
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        in_hand.set()
        await go_on.wait()

    world.mail.before_data = hold
    delivery = asyncio.create_task(world.deliveries.deliver_due())
    await in_hand.wait()
    await world.hear(booking.cancelled())
    assert await world.deliveries.deliver_due() == 0
    go_on.set()
    await delivery
    await world.work()

    for address in (booking.address(booking.attendee), HOST.email):
        subjects = [m["subject"] for m in world.mail.inbox if address in m["to"]]
        assert [s.partition(":")[0] in ("Confirmed", "New booking") for s in subjects] == [
            True,
            False,
        ]
    states = sorted(await world.states(booking))
    assert states == [("cancellation", "sent")] * 2 + [("confirmation", "sent")] * 2


async def test_booking_says_it_is_cancelled_before_its_event_is_here(world: World):
    booking = await world.booked(without_reminders(kind="in_person"))
    cancelled = booking.cancelled()
    await world.work()
    assert world.mail.inbox == []

    await world.hear(cancelled)
    await world.work()

    assert world.mail.told() == [(booking.address(booking.attendee), "Cancelled")]


async def test_a_cancellation_goes_out_even_after_the_appointment_would_have_begun(world: World):
    booking = await world.booked(ABooking(kind="in_person", reminders=ReminderChoice(email=False)))
    await world.work()
    world.mail.inbox.clear()

    world.clock.now = START
    await world.hear(booking.cancelled())
    await world.work()

    assert len(world.mail.inbox) == 2

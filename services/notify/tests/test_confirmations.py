"""Confirmations, with the meeting first, late, failed, or never there."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.availability import LocationKind
from contracts.booking import ReminderChoice
from contracts.video import MeetingFailed, MeetingProvisioned

from .builders import CONFIRMED_AT, HOST, JOIN, ABooking
from .world import World


def provisioned(booking: ABooking) -> MeetingProvisioned:
    return MeetingProvisioned(
        tenant="demo", booking_id=booking.id, meeting_id=uuid4(), provider="jitsi"
    )


def failed(booking: ABooking) -> MeetingFailed:
    return MeetingFailed(
        tenant="demo", booking_id=booking.id, meeting_id=uuid4(), provider="jitsi", reason="gone"
    )


def text_of(world: World, number: int = 0) -> str:
    body = world.mail.inbox[number].get_body(("plain",))
    assert body is not None
    return body.get_content()


def without_reminders(**changes: object) -> ABooking:
    return ABooking(reminders=ReminderChoice(email=False), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["in_person", "phone"])
async def test_everybody_hears_of_it_at_once(world: World, kind: LocationKind):
    guest = uuid4()
    booking = await world.booked(without_reminders(kind=kind, guests=(guest,)))

    await world.work()

    assert world.mail.told() == sorted(
        [
            (booking.address(booking.attendee), "Confirmed"),
            (booking.address(guest), "Invitation"),
            (HOST.email, "New booking"),
        ]
    )
    assert await world.states(booking) == [("confirmation", "sent")] * 3
    assert await world.kinds_said() == ["notify.notification-sent.v1"] * 3


async def test_a_video_confirmation_goes_with_its_link_once_the_meeting_is_there(world: World):
    booking = await world.booked(without_reminders())
    await world.work()
    assert world.mail.inbox == []

    await world.hear(provisioned(booking))
    await world.work()

    assert len(world.mail.inbox) == 2
    assert any(JOIN in text_of(world, number) for number in (0, 1))
    assert world.mail.sequence(0) == ("REQUEST", 0)


async def test_a_meeting_may_be_there_before_its_confirmation(world: World):
    booking = without_reminders()
    await world.hear(provisioned(booking))

    await world.booked(booking)
    await world.work()

    assert len(world.mail.inbox) == 2


async def test_a_meeting_and_its_confirmation_may_come_in_the_same_moment(world: World):
    bookings = [without_reminders() for _ in range(8)]
    for booking in bookings:
        world.neighbours.bookings[booking.id] = booking

    await asyncio.gather(
        *(world.hear(b.confirmed()) for b in bookings),
        *(world.hear(provisioned(b)) for b in bookings),
    )
    await world.work()

    assert len(world.mail.inbox) == 16


async def test_without_a_meeting_the_confirmation_goes_without_link_in_the_end(world: World):
    booking = await world.booked(without_reminders(has_link=False))

    await world.hear(failed(booking))
    await world.work()

    assert len(world.mail.inbox) == 2
    assert "No video room could be set up." in text_of(world)


async def test_after_a_minute_the_confirmation_waits_no_more(world: World):
    booking = await world.booked(without_reminders(has_link=False))
    world.clock.move(seconds=59)
    await world.work()
    assert world.mail.inbox == []

    world.clock.move(seconds=1)
    await world.work()

    assert len(world.mail.inbox) == 2
    assert "The link to join follows in another e-mail." in text_of(world)
    assert await world.states(booking) == [("confirmation", "sent")] * 2


async def test_a_link_that_comes_late_goes_out_as_an_update(world: World):
    booking = await world.booked(without_reminders(has_link=False))
    world.clock.move(seconds=60)
    await world.work()

    booking.has_link = True
    await world.hear(provisioned(booking), provisioned(booking))
    await world.work()

    assert [subject for _, subject in world.mail.told()].count("Updated") == 2
    assert [world.mail.sequence(number) for number in range(4)] == [
        ("REQUEST", 0),
        ("REQUEST", 0),
        ("REQUEST", 1),
        ("REQUEST", 1),
    ]


async def test_a_meeting_that_failed_first_and_came_after_all_is_told_of(world: World):
    booking = await world.booked(without_reminders(has_link=False))
    await world.hear(failed(booking))
    await world.work()

    booking.has_link = True
    await world.hear(provisioned(booking), failed(booking))
    await world.work()

    assert [subject for _, subject in world.mail.told()].count("Updated") == 2


async def test_a_link_that_comes_while_the_mail_is_on_its_way_goes_out_as_an_update(world: World):
    booking = await world.booked(without_reminders(has_link=False))
    world.clock.move(seconds=60)

    async def meanwhile() -> None:
        world.mail.before_data = None
        booking.has_link = True
        await world.hear(provisioned(booking))

    world.mail.before_data = meanwhile
    await world.work()

    told = [subject for _, subject in world.mail.told()]
    assert (len(told), told.count("Updated")) == (4, 2)


async def test_who_has_the_link_already_gets_no_update(world: World):
    booking = await world.booked(without_reminders())
    world.clock.move(seconds=60)
    await world.work()

    await world.hear(provisioned(booking))
    await world.work()

    assert len(world.mail.inbox) == 2


async def test_a_mail_waits_until_booking_knows_the_link_too(world: World):
    booking = await world.booked(without_reminders(has_link=False))
    await world.hear(provisioned(booking))
    await world.work()
    assert world.mail.inbox == []

    booking.has_link = True
    world.clock.move(seconds=0.2)
    await world.work()

    assert len(world.mail.inbox) == 2
    assert [each.attempts for each in await world.listed(booking)] == [1, 1]


async def test_but_not_for_ever(world: World):
    booking = await world.booked(without_reminders(has_link=False))
    await world.hear(provisioned(booking))
    world.clock.move(seconds=60)
    await world.work()
    assert [subject for _, subject in world.mail.told()] == ["New booking", "Confirmed"]

    world.clock.move(seconds=60)
    await world.work()
    assert (await world.states(booking)).count(("update", "waiting")) == 2

    booking.has_link = True
    world.clock.move(seconds=2)
    await world.work()
    assert [subject for _, subject in world.mail.told()].count("Updated") == 2


async def test_an_event_delivered_twice_plans_nothing_twice(world: World):
    booking = await world.booked(ABooking(kind="in_person"))
    before = await world.listed(booking)

    await world.hear(booking.confirmed(), booking.confirmed(version=9))
    await world.work()
    await world.hear(booking.confirmed())
    await world.work()

    assert len(await world.listed(booking)) == len(before) == 4
    assert len(world.mail.inbox) == 2


async def test_the_minute_begins_when_notify_hears_of_it(world: World):
    booking = without_reminders()
    world.neighbours.bookings[booking.id] = booking
    world.clock.move(hours=2)

    await world.hear(booking.confirmed(), at=CONFIRMED_AT)

    assert {each.due_at for each in await world.listed(booking)} == {
        CONFIRMED_AT + timedelta(hours=2, seconds=60)
    }


async def test_another_tenant_sees_nothing(world: World):
    booking = await world.booked(ABooking())

    assert await world.listed(booking, tenant="other") == []


async def test_nothing_personal_is_kept_or_said(world: World):
    booking = await world.booked(ABooking(kind="in_person", guests=(uuid4(),)))
    world.mail.refusals[HOST.email] = f"550 5.1.1 <{HOST.email}> Sarah unknown"
    await world.work()
    tables = await world.rows(
        "SELECT string_agg(t::text, ' ') FROM appointments t UNION ALL "
        "SELECT string_agg(t::text, ' ') FROM notifications t UNION ALL "
        "SELECT string_agg(t::text, ' ') FROM reminders t UNION ALL "
        "SELECT string_agg(convert_from(body, 'UTF8') || subject, ' ') FROM outbox"
    )
    kept = " ".join(row[0] for row in tables)

    assert str(booking.attendee) in kept
    for word in ("@", "Sarah", "Amira", "Gus", "Monday"):
        assert word not in kept

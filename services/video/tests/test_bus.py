"""Events in, events out, and who is let in."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from .world import CLOSED, FAILED, PROVISIONED, World, a_booking


async def test_a_confirmed_video_booking_has_its_room_at_once(world: World):
    confirmed, _ = a_booking()

    await world.hear(confirmed)

    assert await world.kinds_said() == [PROVISIONED]
    assert (await world.join(confirmed)).startswith("https://meet.example.org/")


async def test_a_room_has_a_name_of_160_bits_that_no_event_tells(world: World):
    bookings = [a_booking()[0] for _ in range(3)]
    await world.hear(*bookings)
    rooms = [await world.room_of(booking) for booking in bookings]

    assert len(set(rooms)) == len(rooms)
    assert all(len(bytes.fromhex(room)) == 20 for room in rooms)
    assert not any(room in body for _, body in await world.said() for room in rooms)


@pytest.mark.parametrize("kind", ["in_person", "phone"])
async def test_an_appointment_without_video_has_no_meeting(world: World, kind: str):
    confirmed, cancelled = a_booking(kind)

    await world.hear(confirmed, cancelled)

    assert await world.said() == []
    assert await world.refusal(confirmed) == "not_found"


async def test_events_delivered_twice_have_one_effect(world: World):
    confirmed, cancelled = a_booking()

    await world.hear(confirmed)
    room = await world.room_of(confirmed)
    await world.hear(confirmed, cancelled, cancelled, confirmed)

    assert await world.kinds_said() == [PROVISIONED, CLOSED]
    assert await world.room_of(confirmed) == room


async def test_a_cancelled_booking_lets_nobody_in(world: World):
    confirmed, cancelled = a_booking()

    await world.hear(confirmed, cancelled)

    assert await world.refusal(confirmed) == "meeting_closed"


async def test_a_confirmation_that_comes_after_its_cancellation_does_nothing(world: World):
    confirmed, cancelled = a_booking()

    await world.hear(cancelled, confirmed)

    assert await world.said() == []
    assert await world.refusal(confirmed) == "meeting_closed"


async def test_a_booking_cancelled_before_it_had_terms_gets_no_room_either(world: World):
    confirmed, cancelled = a_booking()

    await world.hear(cancelled.model_copy(update={"terms": None}), confirmed)

    assert await world.said() == []


async def test_nobody_is_let_in_an_hour_after_the_end(world: World):
    confirmed, _ = a_booking()
    await world.hear(confirmed)
    world.clock.now = confirmed.terms.end + timedelta(minutes=59)
    assert await world.join(confirmed)

    world.clock.move(minutes=1)

    assert await world.refusal(confirmed) == "meeting_closed"


async def test_another_tenant_finds_no_meeting(world: World):
    confirmed, cancelled = a_booking()
    await world.hear(confirmed)

    assert await world.refusal(confirmed, tenant="other") == "not_found"

    await world.hear(cancelled)

    assert await world.refusal(confirmed, tenant="other") == "not_found"


async def test_a_booking_that_nobody_made_has_no_meeting(world: World):
    assert await world.refusal(a_booking()[0]) == "not_found"


async def test_terms_with_a_provider_that_is_not_set_up_fail_at_once(world: World):
    confirmed, _ = a_booking(provider="hologram")

    await world.hear(confirmed, confirmed)

    [(kind, body)] = await world.said()
    assert kind == FAILED
    assert json.loads(body)["reason"] == "provider_unknown"
    assert await world.refusal(confirmed) == "not_found"


async def test_an_unknown_booking_can_be_cancelled(world: World):
    _, cancelled = a_booking()

    await world.hear(cancelled.model_copy(update={"booking_id": uuid4()}))

    assert await world.said() == []

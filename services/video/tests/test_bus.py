"""Video from the outside: events in, events out, and who is let in. On real Postgres."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.booking import BookingCancelled, BookingConfirmed
from contracts.envelope import Event
from contracts.video import JoinMeeting
from service_kit.database import Database
from service_kit.errors import ProblemError
from video.application import Meetings
from video.bus import bus
from video.domain import MAX_ATTEMPTS
from video.providers import ProvisioningError

Deliver = Callable[[Event], Awaitable[None]]
Told = Callable[[], Awaitable[list[tuple[str, str]]]]
Booking = Callable[..., tuple[BookingConfirmed, BookingCancelled]]

PROVISIONED, FAILED, CLOSED = (
    "video.meeting-provisioned.v1",
    "video.meeting-failed.v1",
    "video.meeting-closed.v1",
)


async def kinds(told: Told) -> list[str]:
    return [kind for kind, _ in await told()]


async def join(meetings: Meetings, booking: BookingConfirmed, tenant: str = "demo") -> str:
    answer = bus(meetings).requests[0].answer
    query = JoinMeeting(
        tenant=tenant, booking_id=booking.booking_id, role="attendee", display_name="Sarah"
    )
    return (await answer(query)).model_dump()["url"]


async def refusal(meetings: Meetings, booking: BookingConfirmed, tenant: str = "demo") -> str:
    with pytest.raises(ProblemError) as problem:
        await join(meetings, booking, tenant)
    return problem.value.code


async def room_of(database: Database, booking: BookingConfirmed) -> str:
    async with database.reading() as connection:
        cursor = await connection.execute(
            "SELECT room FROM meetings WHERE booking_id = %s", (booking.booking_id,)
        )
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def test_a_confirmed_video_booking_has_its_room_at_once(
    deliver: Deliver, told: Told, meetings: Meetings, a_booking: Booking
):
    confirmed, _ = a_booking()

    await deliver(confirmed)

    assert await kinds(told) == [PROVISIONED]
    assert (await join(meetings, confirmed)).startswith("https://meet.example.org/")


async def test_a_room_has_a_name_of_160_bits_that_no_event_tells(
    deliver: Deliver, told: Told, video_database: Database, a_booking: Booking
):
    bookings = [a_booking()[0] for _ in range(3)]
    for booking in bookings:
        await deliver(booking)
    rooms = [await room_of(video_database, booking) for booking in bookings]

    assert len(set(rooms)) == len(rooms)
    assert all(len(bytes.fromhex(room)) == 20 for room in rooms)
    assert not any(room in body for _, body in await told() for room in rooms)


@pytest.mark.parametrize("kind", ["in_person", "phone"])
async def test_an_appointment_without_video_has_no_meeting(
    deliver: Deliver, told: Told, meetings: Meetings, a_booking: Booking, kind: str
):
    confirmed, cancelled = a_booking(kind)

    await deliver(confirmed)
    await deliver(cancelled)

    assert await told() == []
    assert await refusal(meetings, confirmed) == "not_found"


async def test_events_delivered_twice_have_one_effect(
    deliver: Deliver, told: Told, video_database: Database, a_booking: Booking
):
    confirmed, cancelled = a_booking()

    await deliver(confirmed)
    room = await room_of(video_database, confirmed)
    for event in (confirmed, cancelled, cancelled, confirmed):
        await deliver(event)

    assert await kinds(told) == [PROVISIONED, CLOSED]
    assert await room_of(video_database, confirmed) == room


async def test_a_cancelled_booking_lets_nobody_in(
    deliver: Deliver, meetings: Meetings, a_booking: Booking
):
    confirmed, cancelled = a_booking()

    await deliver(confirmed)
    await deliver(cancelled)

    assert await refusal(meetings, confirmed) == "meeting_closed"


async def test_a_confirmation_that_comes_after_its_cancellation_does_nothing(
    deliver: Deliver, told: Told, meetings: Meetings, a_booking: Booking
):
    confirmed, cancelled = a_booking()

    await deliver(cancelled)
    await deliver(confirmed)

    assert await told() == []
    assert await refusal(meetings, confirmed) == "meeting_closed"


async def test_a_booking_cancelled_before_it_had_terms_gets_no_room_either(
    deliver: Deliver, told: Told, a_booking: Booking
):
    confirmed, cancelled = a_booking()

    await deliver(cancelled.model_copy(update={"terms": None}))
    await deliver(confirmed)

    assert await told() == []


async def test_nobody_is_let_in_an_hour_after_the_end(
    deliver: Deliver, meetings: Meetings, clock: Any, a_booking: Booking
):
    confirmed, _ = a_booking()
    await deliver(confirmed)
    clock.now = confirmed.terms.end + timedelta(minutes=59)
    assert await join(meetings, confirmed)

    clock.move(timedelta(minutes=1))

    assert await refusal(meetings, confirmed) == "meeting_closed"


async def test_another_tenant_finds_no_meeting(
    deliver: Deliver, meetings: Meetings, a_booking: Booking
):
    confirmed, cancelled = a_booking()
    await deliver(confirmed)

    assert await refusal(meetings, confirmed, tenant="other") == "not_found"

    await deliver(cancelled)

    assert await refusal(meetings, confirmed, tenant="other") == "not_found"


async def test_a_booking_that_nobody_made_has_no_meeting(meetings: Meetings, a_booking: Booking):
    assert await refusal(meetings, a_booking()[0]) == "not_found"


async def test_terms_with_a_provider_that_is_not_set_up_fail_at_once(
    deliver: Deliver, told: Told, meetings: Meetings, a_booking: Booking
):
    confirmed, _ = a_booking(provider="hologram")

    await deliver(confirmed)
    await deliver(confirmed)

    [(kind, body)] = await told()
    assert kind == FAILED
    assert json.loads(body)["reason"] == "provider_unknown"
    assert await refusal(meetings, confirmed) == "not_found"


async def test_a_provider_behind_a_network_is_asked_by_the_worker(
    deliver: Deliver, told: Told, meetings: Meetings, remote: Any, a_booking: Booking
):
    confirmed, _ = a_booking(provider="remote")
    await deliver(confirmed)
    assert (await told(), remote.asked) == ([], [])
    assert await refusal(meetings, confirmed) == "not_found"

    assert await meetings.provision_next() == 1

    assert await kinds(told) == [PROVISIONED]
    assert (await join(meetings, confirmed)).startswith("https://remote.example/remote-")
    assert await meetings.provision_next() == 0


async def test_what_the_worker_says_belongs_to_the_flow_of_the_booking(
    deliver: Deliver, meetings: Meetings, video_database: Database, a_booking: Booking
):
    from service_kit.causation import Causation, because_of, new_flow  # noqa: PLC0415

    with because_of(Causation("flow-of-the-booking", "the-confirmation")):
        await deliver(a_booking(provider="remote")[0])
    with new_flow():
        await meetings.provision_next()

    async with video_database.reading() as connection:
        cursor = await connection.execute("SELECT correlation_id, causation_id FROM outbox")
        assert await cursor.fetchall() == [("flow-of-the-booking", "the-confirmation")]


async def test_two_workers_ask_once_for_each_meeting(
    deliver: Deliver, told: Told, meetings: Meetings, remote: Any, a_booking: Booking
):
    for _ in range(6):
        await deliver(a_booking(provider="remote")[0])

    async def worker() -> None:
        while await meetings.provision_next():
            pass

    await asyncio.gather(worker(), worker())

    assert len(remote.asked) == len(set(remote.asked)) == 6
    assert await kinds(told) == [PROVISIONED] * 6


async def test_a_provider_that_is_down_is_asked_again_later(
    deliver: Deliver,
    told: Told,
    meetings: Meetings,
    remote: Any,
    clock: Any,
    a_booking: Booking,
):
    await deliver(a_booking(provider="remote")[0])
    remote.failure = ProvisioningError("provider_unreachable")
    await meetings.provision_next()
    assert await meetings.provision_next() == 0

    remote.failure = None
    clock.move(timedelta(seconds=2))
    await meetings.provision_next()

    assert len(remote.asked) == 2
    assert await kinds(told) == [PROVISIONED]


async def test_after_the_last_attempt_the_meeting_has_failed(
    deliver: Deliver,
    told: Told,
    meetings: Meetings,
    remote: Any,
    clock: Any,
    a_booking: Booking,
):
    await deliver(a_booking(provider="remote")[0])
    remote.failure = ProvisioningError("provider_unreachable")

    while await meetings.provision_next():
        clock.move(timedelta(minutes=6))

    [(kind, body)] = await told()
    assert (kind, len(remote.asked)) == (FAILED, MAX_ATTEMPTS)
    assert json.loads(body)["reason"] == "provider_unreachable"


async def test_a_refusal_is_not_tried_again(
    deliver: Deliver, told: Told, meetings: Meetings, remote: Any, a_booking: Booking
):
    await deliver(a_booking(provider="remote")[0])
    remote.failure = ProvisioningError("provider_refused", permanent=True)

    await meetings.provision_next()

    assert (await kinds(told), len(remote.asked)) == ([FAILED], 1)


async def expire_leases(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("UPDATE meetings SET lease_until = now() - interval '1 s'")


async def test_a_worker_that_slept_through_its_lease_changes_nothing(
    deliver: Deliver,
    told: Told,
    meetings: Meetings,
    remote: Any,
    video_database: Database,
    a_booking: Booking,
):
    confirmed, _ = a_booking(provider="remote")
    await deliver(confirmed)
    asleep = asyncio.Event()
    awake = asyncio.Event()
    answer = remote.provision

    async def sleepy(meeting: Any) -> str:
        asleep.set()
        await awake.wait()
        return f"stale-{await answer(meeting)}"

    remote.provision = sleepy
    stale = asyncio.create_task(meetings.provision_next())
    await asleep.wait()
    await expire_leases(video_database)
    remote.provision = answer
    await meetings.provision_next()
    awake.set()
    await stale

    assert await kinds(told) == [PROVISIONED]
    assert "stale" not in await join(meetings, confirmed)


async def test_a_meeting_cancelled_while_it_is_provisioned_stays_closed(
    deliver: Deliver, told: Told, meetings: Meetings, remote: Any, a_booking: Booking
):
    confirmed, cancelled = a_booking(provider="remote")
    await deliver(confirmed)
    answer = remote.provision

    async def cancelled_meanwhile(meeting: Any) -> str:
        await deliver(cancelled)
        return await answer(meeting)

    remote.provision = cancelled_meanwhile
    await meetings.provision_next()

    assert await told() == []
    assert await refusal(meetings, confirmed) == "meeting_closed"


async def test_a_meeting_whose_worker_dies_each_time_is_given_up(
    deliver: Deliver,
    told: Told,
    meetings: Meetings,
    remote: Any,
    video_database: Database,
    a_booking: Booking,
):
    await deliver(a_booking(provider="remote")[0])
    remote.failure = RuntimeError("gone in the middle of it")
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            await meetings.provision_next()
        await expire_leases(video_database)

    await meetings.provision_next()

    assert (await kinds(told), len(remote.asked)) == ([FAILED], MAX_ATTEMPTS)


async def test_an_unknown_booking_can_be_cancelled(
    deliver: Deliver, told: Told, a_booking: Booking
):
    _, cancelled = a_booking()

    await deliver(cancelled.model_copy(update={"booking_id": uuid4()}))

    assert await told() == []

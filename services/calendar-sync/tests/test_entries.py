"""Bookings in a real CalDAV calendar."""

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from calendar_sync.domain import ATTEMPTS, LONGEST_DELAY, Claim
from calendar_sync.store import entries as store
from contracts.booking import BookingCancelled, BookingMeetingAttached
from contracts.calendar_sync import CalendarConnection, ConnectCalendar
from contracts.envelope import Event
from service_kit.testing import eventually

from .builders import HOST, NOW, ABooking
from .conftest import System
from .radicale import PASSWORD, USERNAME, Radicale, RemoteCalendar

CONNECTED, WRITTEN, REMOVED, FAILED = (
    "calendar.connected.v1",
    "calendar.entry-written.v1",
    "calendar.entry-removed.v1",
    "calendar.write-failed.v1",
)


async def connect(system: System, calendar: RemoteCalendar, host_id: UUID = HOST) -> UUID:
    reply = await system.ask(
        ConnectCalendar(
            tenant="demo",
            host_id=host_id,
            url=calendar.url,
            username=USERNAME,
            password=PASSWORD,
        )
    )
    assert isinstance(reply, CalendarConnection)
    return reply.id


def event(calendar: RemoteCalendar, booking: ABooking) -> Any:
    (found,) = calendar.read(f"{booking.id}.ics").walk("VEVENT")
    return found


async def claim(system: System) -> Claim:
    async with system.database.reading() as connection:
        found = await store.claim(connection, system.clock())
    assert found is not None
    return found


async def let_leases_run_out(system: System) -> None:
    async with system.database.transaction() as connection:
        await connection.execute("UPDATE entries SET lease_until = '-infinity'")


async def test_a_confirmed_booking_stands_in_the_hosts_calendar(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)
    booking = ABooking()

    await system.hear(booking.confirmed())
    await system.work()

    found = event(calendar, booking)
    assert found["SUMMARY"] == "Video consultation: Sarah Miller"
    assert found["DTSTART"].to_ical() == b"20270322T090000"
    assert await system.said() == [CONNECTED, WRITTEN]


async def test_the_meeting_comes_into_the_same_object(system: System, calendar: RemoteCalendar):
    await connect(system, calendar)
    booking = ABooking()
    await system.hear(booking.confirmed())
    await system.work()

    system.known.join_url = "/call/token-of-the-host"
    await system.hear(booking.attached())
    await system.work()

    assert calendar.names() == [f"{booking.id}.ics"]
    assert event(calendar, booking)["URL"] == "https://book.example/call/token-of-the-host"


async def test_a_cancelled_booking_leaves_the_calendar(system: System, calendar: RemoteCalendar):
    await connect(system, calendar)
    booking = ABooking()
    await system.hear(booking.confirmed())
    await system.work()

    await system.hear(booking.cancelled())
    await system.work()

    assert calendar.names() == []
    assert await system.said() == [CONNECTED, WRITTEN, REMOVED]


async def test_a_booking_cancelled_before_it_was_written_is_never_said_to_be_removed(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)
    booking = ABooking()

    await system.hear(booking.confirmed(), booking.cancelled())
    await system.work()

    assert calendar.names() == []
    assert await system.said() == [CONNECTED]


async def test_an_event_heard_twice_is_written_once(system: System, calendar: RemoteCalendar):
    await connect(system, calendar)
    booking = ABooking()
    await system.hear(booking.confirmed())
    await system.work()
    before = calendar.etag(f"{booking.id}.ics")

    await system.hear(booking.confirmed())

    assert await system.work() == 0
    assert calendar.etag(f"{booking.id}.ics") == before
    assert await system.said() == [CONNECTED, WRITTEN]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_in_whatever_order_the_news_come_a_cancelled_booking_stands_nowhere(
    system: System, calendar: RemoteCalendar, order: tuple[int, ...]
):
    await connect(system, calendar)
    booking = ABooking()
    events: list[Event] = [booking.confirmed(), booking.attached(), booking.cancelled()]

    for place in order:
        await system.hear(events[place])
        await system.work()

    assert calendar.names() == []
    assert await system.rows(
        "SELECT version, cancelled, sequence, title, details_version FROM appointments"
    ) == [(4, True, 1, "Video consultation", 4)]


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_in_whatever_order_the_news_come_a_confirmed_booking_has_its_link(
    system: System, calendar: RemoteCalendar, order: tuple[int, ...]
):
    await connect(system, calendar)
    booking = ABooking()
    events: list[Event] = [booking.confirmed(), booking.attached()]

    for place in order:
        if isinstance(events[place], BookingMeetingAttached):
            system.known.join_url = "/call/x"
        await system.hear(events[place])
        await system.work()

    assert event(calendar, booking)["URL"] == "https://book.example/call/x"


async def test_nothing_that_comes_after_a_cancellation_brings_the_booking_back(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)
    booking = ABooking()
    await system.hear(booking.confirmed(), booking.cancelled())

    await system.hear(booking.attached(version=9))
    await system.work()

    assert calendar.names() == []


async def test_a_cancellation_without_terms_is_remembered(system: System, calendar: RemoteCalendar):
    await connect(system, calendar)
    booking = ABooking()
    cancelled = booking.cancelled().model_copy(update={"terms": None})
    assert isinstance(cancelled, BookingCancelled)

    await system.hear(cancelled)
    await system.hear(booking.confirmed())
    await system.work()

    assert calendar.names() == []


async def test_a_calendar_linked_later_gets_what_has_not_ended(
    system: System, calendar: RemoteCalendar
):
    past = ABooking(start=NOW - timedelta(days=2))
    future, other_host = ABooking(), ABooking(host_id=UUID(int=7))
    called_off = ABooking()
    await system.hear(*(b.confirmed() for b in (past, future, other_host, called_off)))
    await system.hear(called_off.cancelled())

    await connect(system, calendar)
    await system.work()

    assert calendar.names() == [f"{future.id}.ics"]


async def test_a_calendar_linked_while_a_booking_is_heard_of_misses_nothing(
    system: System, calendar: RemoteCalendar
):
    booking = ABooking()
    async with system.database.transaction() as connection:
        await system.hear_in(connection, booking.confirmed())
        linking = asyncio.create_task(connect(system, calendar))
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await eventually(lambda: system.rows(waiting), what="the wait for the lock")

    await linking
    await system.work()

    assert calendar.names() == [f"{booking.id}.ics"]


async def test_a_booking_is_written_into_every_calendar_of_its_host_and_no_other(
    system: System, radicale: Radicale
):
    first, second, strangers = radicale.calendar(), radicale.calendar(), radicale.calendar()
    await connect(system, first)
    await connect(system, second)
    await connect(system, strangers, host_id=UUID(int=7))
    booking = ABooking()

    await system.hear(booking.confirmed())
    await system.work()

    assert first.names() == second.names() == [f"{booking.id}.ics"]
    assert strangers.names() == []


async def test_a_tenants_calendar_never_gets_another_tenants_booking(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)

    await system.hear(ABooking(tenant="other").confirmed())

    assert await system.work() == 0


async def test_a_server_that_was_down_gets_the_booking_when_it_is_back(
    system: System, own_radicale: Radicale
):
    calendar = own_radicale.calendar()
    await connect(system, calendar)
    own_radicale.stop()
    booking = ABooking()
    await system.hear(booking.confirmed())
    await system.work()
    assert await system.said() == [CONNECTED]

    own_radicale.start()
    system.clock.move(LONGEST_DELAY)
    await system.work()

    assert calendar.names() == [f"{booking.id}.ics"]
    assert await system.said() == [CONNECTED, WRITTEN]


async def test_a_dead_server_is_asked_once_a_round_however_much_waits_for_it(
    system: System, own_radicale: Radicale
):
    await connect(system, own_radicale.calendar())
    own_radicale.stop()
    await system.hear(*(ABooking().confirmed() for _ in range(5)))

    assert await system.work() == 1
    system.clock.move(LONGEST_DELAY)
    assert await system.work() == 1


async def test_a_dead_server_holds_up_no_other(
    system: System, own_radicale: Radicale, calendar: RemoteCalendar
):
    await connect(system, own_radicale.calendar(), host_id=UUID(int=7))
    await connect(system, calendar)
    own_radicale.stop()
    booking = ABooking()

    await system.hear(ABooking(host_id=UUID(int=7)).confirmed(), booking.confirmed())
    await system.work()

    assert calendar.names() == [f"{booking.id}.ics"]


async def test_after_the_last_attempt_it_is_said_that_it_failed_and_a_change_tries_again(
    system: System, own_radicale: Radicale
):
    calendar = own_radicale.calendar()
    await connect(system, calendar)
    own_radicale.stop()
    booking = ABooking()
    await system.hear(booking.confirmed())
    for _ in range(ATTEMPTS + 3):
        await system.work()
        system.clock.move(LONGEST_DELAY)
    assert await system.said() == [CONNECTED, FAILED]
    assert await system.rows("SELECT failure FROM entries WHERE failed_at IS NOT NULL") == [
        ("The calendar cannot be reached.",)
    ]

    own_radicale.start()
    await system.hear(booking.attached())
    await system.work()

    assert calendar.names() == [f"{booking.id}.ics"]


async def test_a_calendar_linked_anew_gets_what_had_failed(system: System, own_radicale: Radicale):
    calendar = own_radicale.calendar()
    await connect(system, calendar)
    own_radicale.stop()
    await system.hear(ABooking().confirmed())
    for _ in range(ATTEMPTS):
        await system.work()
        system.clock.move(LONGEST_DELAY)
    own_radicale.start()

    await connect(system, calendar)
    await system.work()

    assert len(calendar.names()) == 1
    assert await system.said() == [CONNECTED, FAILED, WRITTEN]


async def test_while_booking_is_away_nothing_is_written_and_no_attempt_is_used_up(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)
    system.known.away = True
    await system.hear(ABooking().confirmed())
    for _ in range(ATTEMPTS + 1):
        await system.work()
        system.clock.move(LONGEST_DELAY)
    assert calendar.names() == []

    system.known.away = False
    await system.work()

    assert len(calendar.names()) == 1
    assert await system.said() == [CONNECTED, WRITTEN]


async def test_a_change_while_an_entry_is_written_is_written_too(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)
    booking = ABooking()
    await system.hear(booking.confirmed())
    claimed = await claim(system)

    await system.hear(booking.cancelled())
    await system.entries.carry_out(claimed)
    await system.work()

    assert calendar.names() == []
    assert await system.said() == [CONNECTED, WRITTEN, REMOVED]


async def test_a_worker_that_was_overtaken_cannot_say_how_it_ended(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)
    await system.hear(ABooking().confirmed())
    overtaken = await claim(system)
    await let_leases_run_out(system)
    newest = await claim(system)

    async with system.database.transaction() as connection:
        assert not await store.mark_done(connection, overtaken)
        assert not await store.mark_failed(connection, overtaken, "late", system.clock())
        assert not await store.give_up(connection, overtaken, "late", system.clock())
        assert await store.mark_done(connection, newest)


async def test_a_worker_that_slept_through_a_cancellation_leaves_no_ghost(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)
    booking = ABooking()
    await system.hear(booking.confirmed())
    asleep = await claim(system)
    await let_leases_run_out(system)
    await system.hear(booking.cancelled())
    await system.work()

    await system.entries.carry_out(asleep)
    await system.work()

    assert calendar.names() == []
    assert WRITTEN not in await system.said()


async def test_an_entry_is_claimed_by_one_worker_at_a_time(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)
    await system.hear(ABooking().confirmed())
    await claim(system)

    assert await system.work() == 0


async def test_what_a_worker_says_belongs_to_the_bookings_flow(
    system: System, calendar: RemoteCalendar
):
    await connect(system, calendar)
    async with system.database.transaction() as connection:
        await connection.execute("DELETE FROM outbox")
    await system.hear(ABooking().confirmed())
    async with system.database.transaction() as connection:
        await connection.execute("UPDATE entries SET correlation_id = 'the booking''s flow'")

    await system.work()

    assert await system.rows("SELECT correlation_id FROM outbox") == [("the booking's flow",)]

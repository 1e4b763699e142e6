"""Bookings in a real CalDAV calendar."""

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from contracts.booking import BookingCancelled, BookingMeetingAttached
from contracts.envelope import Event
from service_kit.testing import eventually
from tests.radicale import Radicale, RemoteCalendar

from .builders import NOW, ABooking
from .conftest import System

CONNECTED, WRITTEN, REMOVED = (
    "calendar.connected.v1",
    "calendar.entry-written.v1",
    "calendar.entry-removed.v1",
)


def event(calendar: RemoteCalendar, booking: ABooking) -> Any:
    (found,) = calendar.read(f"{booking.id}.ics").walk("VEVENT")
    return found


async def test_a_confirmed_booking_stands_in_the_hosts_calendar(
    system: System, calendar: RemoteCalendar
):
    await system.connect(calendar)
    booking = ABooking()

    await system.hear(booking.confirmed())
    await system.work()

    found = event(calendar, booking)
    assert found["SUMMARY"] == "Video consultation: Sarah Miller"
    assert found["DTSTART"].to_ical() == b"20270322T090000"
    assert await system.said() == [CONNECTED, WRITTEN]


async def test_the_meeting_comes_into_the_same_object(system: System, calendar: RemoteCalendar):
    await system.connect(calendar)
    booking = ABooking()
    await system.hear(booking.confirmed())
    await system.work()

    system.known.join_url = "/call/token-of-the-host"
    await system.hear(booking.attached())
    await system.work()

    assert calendar.names() == [f"{booking.id}.ics"]
    assert event(calendar, booking)["URL"] == "https://book.example/call/token-of-the-host"


async def test_a_cancelled_booking_leaves_the_calendar(system: System, calendar: RemoteCalendar):
    await system.connect(calendar)
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
    await system.connect(calendar)
    booking = ABooking()

    await system.hear(booking.confirmed(), booking.cancelled())
    await system.work()

    assert calendar.names() == []
    assert await system.said() == [CONNECTED]


async def test_an_event_heard_twice_is_written_once(system: System, calendar: RemoteCalendar):
    await system.connect(calendar)
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
    await system.connect(calendar)
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
    await system.connect(calendar)
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
    await system.connect(calendar)
    booking = ABooking()
    await system.hear(booking.confirmed(), booking.cancelled())

    await system.hear(booking.attached(version=9))
    await system.work()

    assert calendar.names() == []


async def test_a_cancellation_without_terms_is_remembered(system: System, calendar: RemoteCalendar):
    await system.connect(calendar)
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

    await system.connect(calendar)
    await system.work()

    assert calendar.names() == [f"{future.id}.ics"]


async def test_a_calendar_linked_while_a_booking_is_heard_of_misses_nothing(
    system: System, calendar: RemoteCalendar
):
    booking = ABooking()
    async with system.database.transaction() as connection:
        await system.hear_in(connection, booking.confirmed())
        linking = asyncio.create_task(system.connect(calendar))
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await eventually(lambda: system.rows(waiting), what="the wait for the lock")

    await linking
    await system.work()

    assert calendar.names() == [f"{booking.id}.ics"]


async def test_a_booking_is_written_into_every_calendar_of_its_host_and_no_other(
    system: System, radicale: Radicale
):
    first, second, strangers = radicale.calendar(), radicale.calendar(), radicale.calendar()
    await system.connect(first)
    await system.connect(second)
    await system.connect(strangers, host_id=UUID(int=7))
    booking = ABooking()

    await system.hear(booking.confirmed())
    await system.work()

    assert first.names() == second.names() == [f"{booking.id}.ics"]
    assert strangers.names() == []


async def test_a_tenants_calendar_never_gets_another_tenants_booking(
    system: System, calendar: RemoteCalendar
):
    await system.connect(calendar)

    await system.hear(ABooking(tenant="other").confirmed())

    assert await system.work() == 0

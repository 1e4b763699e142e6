"""How entries are written: servers that are down, workers that are overtaken, attempts that end."""

from uuid import UUID

from calendar_sync.domain import ATTEMPTS, LONGEST_DELAY, Claim
from calendar_sync.store import entries as store
from tests.radicale import Radicale, RemoteCalendar

from .builders import ABooking
from .conftest import System

CONNECTED, WRITTEN, REMOVED, FAILED = (
    "calendar.connected.v1",
    "calendar.entry-written.v1",
    "calendar.entry-removed.v1",
    "calendar.write-failed.v1",
)


async def claim(system: System) -> Claim:
    async with system.database.reading() as connection:
        found = await store.claim(connection, system.clock())
    assert found is not None
    return found


async def let_leases_run_out(system: System) -> None:
    async with system.database.transaction() as connection:
        await connection.execute("UPDATE entries SET lease_until = '-infinity'")


async def test_a_server_that_was_down_gets_the_booking_when_it_is_back(
    system: System, own_radicale: Radicale
):
    calendar = own_radicale.calendar()
    await system.connect(calendar)
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
    await system.connect(own_radicale.calendar())
    own_radicale.stop()
    await system.hear(*(ABooking().confirmed() for _ in range(5)))

    assert await system.work() == 1
    system.clock.move(LONGEST_DELAY)
    assert await system.work() == 1


async def test_a_dead_server_holds_up_no_other(
    system: System, own_radicale: Radicale, calendar: RemoteCalendar
):
    await system.connect(own_radicale.calendar(), host_id=UUID(int=7))
    await system.connect(calendar)
    own_radicale.stop()
    booking = ABooking()

    await system.hear(ABooking(host_id=UUID(int=7)).confirmed(), booking.confirmed())
    await system.work()

    assert calendar.names() == [f"{booking.id}.ics"]


async def test_after_the_last_attempt_it_is_said_that_it_failed_and_a_change_tries_again(
    system: System, own_radicale: Radicale
):
    calendar = own_radicale.calendar()
    await system.connect(calendar)
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
    await system.connect(calendar)
    own_radicale.stop()
    await system.hear(ABooking().confirmed())
    for _ in range(ATTEMPTS):
        await system.work()
        system.clock.move(LONGEST_DELAY)
    own_radicale.start()

    await system.connect(calendar)
    await system.work()

    assert len(calendar.names()) == 1
    assert await system.said() == [CONNECTED, FAILED, WRITTEN]


async def test_while_booking_is_away_nothing_is_written_and_no_attempt_is_used_up(
    system: System, calendar: RemoteCalendar
):
    await system.connect(calendar)
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
    await system.connect(calendar)
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
    await system.connect(calendar)
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
    await system.connect(calendar)
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
    await system.connect(calendar)
    await system.hear(ABooking().confirmed())
    await claim(system)

    assert await system.work() == 0


async def test_what_a_worker_says_belongs_to_the_bookings_flow(
    system: System, calendar: RemoteCalendar
):
    await system.connect(calendar)
    async with system.database.transaction() as connection:
        await connection.execute("DELETE FROM outbox")
    await system.hear(ABooking().confirmed())
    async with system.database.transaction() as connection:
        await connection.execute("UPDATE entries SET correlation_id = 'the booking''s flow'")

    await system.work()

    assert await system.rows("SELECT correlation_id FROM outbox") == [("the booking's flow",)]

"""The list equals what its events make of it, whoever writes it and whatever befell it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID, uuid4

import pytest
from psycopg.rows import TupleRow

from booking.application import Bookings, bookings
from booking.domain import Booking
from booking.event_log import stored_events
from booking.projections import BookingListProjection, Rebuilding
from service_kit.database import Connection, Database, connect

from .builders import a_requested_booking, because, terms


@pytest.fixture
def url(service_database: Callable[[str], str]) -> str:
    return service_database("booking")


@pytest.fixture
async def pool(url: str) -> AsyncIterator[Database]:
    pool = Database(url, size=4)
    await pool.open()
    yield pool
    await pool.close()


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Connection]:
    async with await connect(url, "rebuild") as connection:
        yield connection


@pytest.fixture
def application(url: str) -> Iterator[Bookings]:
    application = bookings(url)
    yield application
    application.close()


def _lives() -> list[Booking]:
    """One booking of each fate."""
    lives = [a_requested_booking() for _ in range(5)]
    for confirmed in lives[1:4]:
        confirmed.confirm(terms(), because())
    lives[2].attach_meeting(uuid4(), "jitsi", because())
    lives[3].cancel(because("host"))
    lives[4].mark_unavailable("slot_taken", None, [], because())
    return lives


async def _list(connection: Connection) -> list[TupleRow]:
    cursor = await connection.execute("SELECT * FROM booking_list ORDER BY booking_id")
    return await cursor.fetchall()


async def _caught_up(pool: Database) -> BookingListProjection:
    projection = BookingListProjection(pool, stored_events())
    while await projection.catch_up():
        pass
    return projection


async def test_the_list_shows_how_each_booking_stands(
    application: Bookings, pool: Database, connection: Connection
) -> None:
    lives = _lives()
    application.save(*lives)

    await _caught_up(pool)

    cursor = await connection.execute("SELECT booking_id, status, version FROM booking_list")
    shown = {row[0]: row[1:] for row in await cursor.fetchall()}
    assert shown == {life.id: (life.status, life.version) for life in lives}


async def test_events_that_come_one_by_one_give_the_same_list_as_all_at_once(
    application: Bookings, pool: Database, connection: Connection
) -> None:
    for life in _lives():
        application.save(life)
        await _caught_up(pool)

    assert (await Rebuilding(connection, stored_events()).verify()).none


async def test_a_rebuild_finds_nothing_to_put_right_in_a_list_that_is_right(
    application: Bookings, pool: Database, connection: Connection
) -> None:
    application.save(*_lives())
    await _caught_up(pool)
    before = await _list(connection)

    rebuilt = await Rebuilding(connection, stored_events()).rebuild()

    assert (rebuilt.rows, rebuilt.put_right, rebuilt.removed) == (5, 0, 0)
    assert await _list(connection) == before


async def test_whatever_befell_the_list_is_told_and_put_right(
    application: Bookings, pool: Database, connection: Connection
) -> None:
    lives = _lives()
    application.save(*lives)
    await _caught_up(pool)
    right = await _list(connection)
    await connection.execute(
        "UPDATE booking_list SET title = 'x' WHERE booking_id = %s", (lives[1].id,)
    )
    await connection.execute(
        "UPDATE booking_list SET ends_at = NULL WHERE booking_id = %s", (lives[2].id,)
    )
    await connection.execute(
        "UPDATE booking_list SET booking_id = %s WHERE booking_id = %s", (uuid4(), lives[0].id)
    )
    rebuilding = Rebuilding(connection, stored_events())

    found = await rebuilding.verify()
    rebuilt = await rebuilding.rebuild()

    assert (found.missing, found.surplus, found.different) == (1, 1, 2)
    assert set(found.samples) >= {life.id for life in lives[:3]}
    assert (rebuilt.put_right, rebuilt.removed) == (3, 1)
    assert await _list(connection) == right
    assert (await rebuilding.verify()).none


async def test_a_list_that_was_never_written_is_made_from_the_first_event(
    application: Bookings, pool: Database, connection: Connection
) -> None:
    application.save(*_lives())

    rebuilt = await Rebuilding(connection, stored_events()).rebuild()

    assert rebuilt.put_right == 5
    assert await (await _caught_up(pool)).catch_up() == 0
    assert (await Rebuilding(connection, stored_events()).verify()).none


async def test_a_list_that_lags_is_told_so_and_is_no_difference(
    application: Bookings, pool: Database, connection: Connection
) -> None:
    application.save(*_lives())
    await _caught_up(pool)
    application.save(a_requested_booking())

    found = await Rebuilding(connection, stored_events()).verify()

    assert (found.none, found.behind, found.rows) == (True, 1, 5)


async def test_readers_never_see_a_half_list_and_writers_go_on_while_it_is_rebuilt(
    application: Bookings, pool: Database, connection: Connection
) -> None:
    lives = [a_requested_booking() for _ in range(300)]
    application.save(*lives)
    projection = await _caught_up(pool)
    seen: set[int] = set()
    done = asyncio.Event()

    async def read() -> None:
        async with pool.reading() as reading:
            while not done.is_set():
                cursor = await reading.execute("SELECT count(*) FROM booking_list")
                seen.update(row[0] for row in await cursor.fetchall())

    async def write() -> list[UUID]:
        written: list[UUID] = []
        while not done.is_set():
            booking = a_requested_booking()
            await asyncio.to_thread(application.save, booking)
            written.append(booking.id)
            await projection.catch_up()
        return written

    reader, writer = asyncio.create_task(read()), asyncio.create_task(write())
    for _ in range(3):
        await connection.execute("UPDATE booking_list SET title = 'spoilt'")
        await Rebuilding(connection, stored_events()).rebuild()
    done.set()
    await reader
    written = await writer

    assert min(seen) >= 300
    assert written
    await _caught_up(pool)
    assert {row[0] for row in await _list(connection)} == {b.id for b in lives} | set(written)
    assert (await Rebuilding(connection, stored_events()).verify()).none


async def test_events_that_move_beyond_a_position_stay_taken_in(
    application: Bookings, pool: Database, connection: Connection
) -> None:
    log = stored_events()
    lives = _lives()
    application.save(*lives[:2])
    head = await log.head(connection)
    application.save(*lives[2:4])
    await _caught_up(pool)
    application.save(lives[4])

    async with connection.transaction():
        moved = await log.move_beyond(connection, head, 1000)

    numbers = [number for number, _ in await log.after(connection, 0, 100)]
    assert numbers == sorted(numbers)
    assert numbers[:3] == [1, 2, 3]
    assert numbers[3:] == list(range(1001, 1001 + moved))
    fates = [event.originator_id for _, event in await log.after(connection, 1000, 100)]
    assert fates == [e for life in lives[2:] for e in [life.id] * life.version]
    await _caught_up(pool)
    assert (await Rebuilding(connection, log).verify()).none
    assert (await log.reach(connection)).sequence == 1000 + moved

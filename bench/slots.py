"""How long slots take: the pure engine, then with the question to Postgres.

Each figure is a median of one run on this machine; read the ratios, not the figures.
`python bench/slots.py` starts a PostgreSQL of its own in a temporary directory.
"""

import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import psycopg
from rich.console import Console
from rich.table import Table

from availability.application import Availability, SlotsQuery
from availability.domain.catalogue import AppointmentType, Host, Location
from availability.domain.schedules import WeeklyInterval, week_of
from availability.domain.slots import Calendar, SlotRules, Span, free_slots
from availability.publishing import publish
from rendezvous import databases
from rendezvous.local.postgres import PostgresServer
from service_kit import migrations
from service_kit.database import Database

NOW = datetime(2027, 3, 15, tzinfo=UTC)
START = int(NOW.timestamp())
DAY = 86_400
HOURS = tuple(
    WeeklyInterval(day, start, until)
    for day in range(1, 8)
    for start, until in ((9 * 60, 12 * 60), (13 * 60, 18 * 60))
)
RULES = SlotRules(duration=900, interval=900, buffer_before=300, buffer_after=300)

RESERVE_EVERY: LiteralString = """
WITH made AS (
    INSERT INTO reservations (id, tenant, booking_id, status, appointment_type, host_id,
                              starts_at, ends_at, decided_at)
    SELECT gen_random_uuid(), 'bench', gen_random_uuid(), 'reserved', 'one', h.id,
           s, s + %(length)s, now()
    FROM hosts h, generate_series(%(from)s::timestamptz, %(until)s, %(every)s) s
    WHERE h.resource_key = ANY (%(keys)s)
    RETURNING *
)
INSERT INTO claims (reservation_id, resource_key, period)
SELECT m.id, h.resource_key, tstzrange(starts_at, ends_at)
FROM made m JOIN hosts h ON h.id = m.host_id
"""


def main() -> None:
    """Prints both tables."""
    console = Console()
    console.print(engine_table())
    with postgres() as url:
        console.print(asyncio.run(store_table(url)))


def engine_table() -> Table:
    """The engine alone, against its own smallest case."""
    table = Table("days", "hosts", "reservations a host", "slots", "ms", "ratio", title="Engine")
    first: float | None = None
    for days, hosts, reservations in (
        (7, 1, 0),
        (7, 1, 50),
        (30, 1, 0),
        (30, 1, 200),
        (90, 1, 600),
        (30, 5, 200),
        (30, 20, 200),
    ):
        calendars = [a_calendar(number, days, reservations) for number in range(hosts)]
        span = Span(START, START + days * DAY)
        candidates = [(calendar, span) for calendar in calendars]
        taken = median(lambda candidates=candidates: free_slots(candidates, RULES))
        first = first or taken
        found = len(free_slots(candidates, RULES))
        table.add_row(*map(str, (days, hosts, reservations, found)), *figures(taken, first))
    return table


async def store_table(url: str) -> Table:
    """Question, engine and all, against the emptiest question that Postgres can answer."""
    table = Table("what", "old rows of the host", "ms", "ratio", title="With Postgres, 30 days")
    database = Database(url, size=2)
    await database.open()
    availability = Availability(database, lambda: NOW, publish)
    await fill_catalogue(availability)
    bare = await median_of(database.ping)
    table.add_row("SELECT 1", "", *figures(bare, bare))
    reserve(url, list(range(1, 21)), NOW, NOW + timedelta(days=30), timedelta(minutes=216))
    begin = NOW - timedelta(days=1)
    for old, minutes in ((0, 0), (100, 30), (10_000, 30), (500_000, 10)):
        if old:
            end, length = begin, timedelta(minutes=minutes)
            begin = end - old * length
            reserve(url, [1], begin, end - length, length)
        for slug in ("one", "five", "twenty"):
            taken = await median_of(lambda slug=slug: availability.find_slots(question(slug)))
            table.add_row(f"slots of {slug} host(s)", f"{old:,}", *figures(taken, bare))
    await database.close()
    return table


def question(slug: str) -> SlotsQuery:
    """Thirty days of one appointment type."""
    return SlotsQuery("bench", slug, NOW.date(), NOW.date() + timedelta(days=30), "Europe/London")


def a_calendar(number: int, days: int, reservations: int) -> Calendar:
    """Reservations of 25 minutes, spread evenly."""
    step = days * DAY // max(reservations, 1)
    begins = [START + index * step for index in range(reservations)]
    ends = [begin + 1500 for begin in begins]
    return Calendar(UUID(int=number), number, "Europe/Berlin", week_of(HOURS), begins, ends)


async def fill_catalogue(availability: Availability) -> None:
    """Twenty hosts, and types that one, five and all of them give."""
    hosts = [UUID(int=number) for number in range(1, 21)]
    for host_id in hosts:
        host = Host(host_id, "Host", "host@example.org", "Europe/Berlin", True, HOURS)  # noqa: FBT003
        await availability.put_host("bench", host)
    for slug, count in (("one", 1), ("five", 5), ("twenty", 20)):
        offered = AppointmentType(
            slug=slug,
            title=slug,
            description="",
            durations_minutes=(15,),
            default_duration_minutes=15,
            locations=(Location("video"),),
            hosts=tuple(hosts[:count]),
            price=None,
            approval=False,
            buffer_before_minutes=5,
            buffer_after_minutes=5,
            notice_minutes=0,
            window_days=365,
            slot_interval_minutes=None,
            cancellation_notice_minutes=0,
            reminders_minutes=(),
            hours=None,
            active=True,
        )
        await availability.put_appointment_type("bench", offered)


def reserve(url: str, keys: list[int], begin: datetime, end: datetime, every: timedelta) -> None:
    """Reservations of these resources, one after the other from `begin` to `end`."""
    length = min(every, timedelta(minutes=25))
    values = {"keys": keys, "from": begin, "until": end, "every": every, "length": length}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(RESERVE_EVERY, values)
        connection.execute("VACUUM ANALYZE claims")


@contextmanager
def postgres() -> Generator[str]:
    """A fresh database of availability, on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="rendezvous-bench-") as directory:
        # The server's own user must reach its data, also where this is run by root.
        Path(directory).chmod(0o755)
        server = PostgresServer(Path(directory))
        server.start()
        try:
            url = databases.ensure(server.url, "availability", secrets.token_hex(16))
            migrations.apply(url, "availability")
            yield url
        finally:
            server.stop()


def median(work: Callable[[], object], times: int = 100) -> float:
    """Seconds that `work` takes, as a median."""
    return statistics.median(timed(work) for _ in range(times))


def timed(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


async def median_of(work: Callable[[], Awaitable[object]], times: int = 200) -> float:
    """Seconds that `work` takes, as a median, once statements are prepared."""
    seconds: list[float] = []
    for _ in range(times + 20):
        began = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[20:])


def figures(taken: float, against: float) -> tuple[str, str]:
    """Milliseconds and the ratio, as printed."""
    return f"{taken * 1000:.3f}", f"{taken / against:.1f}"


if __name__ == "__main__":
    main()

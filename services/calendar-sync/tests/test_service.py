"""The whole service: real Postgres, real NATS with JetStream, a real CalDAV server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest
from icalendar import Calendar

from calendar_sync.__main__ import build as build_calendar_sync
from calendar_sync.bus import CONSUMES
from calendar_sync.settings import CalendarSyncSettings
from contracts import booking as contract
from contracts.calendar_sync import ConnectCalendar, CreateFeed, ReadFeed
from contracts.envelope import Event
from service_kit import outbox, streams
from service_kit.bus import Bus, answers
from service_kit.clock import system_clock
from service_kit.rpc import Rpc
from service_kit.service import Parts, RunningService, Runtime
from service_kit.settings import ServiceSettings
from service_kit.testing import eventually, running
from tests.radicale import PASSWORD, USERNAME, RemoteCalendar

from .builders import ABooking
from .conftest import SECRET_KEY


@dataclass
class Booking:
    """Stands in for booking: says events over its own relay, and answers questions."""

    service: RunningService
    rpc: Rpc

    async def say(self, *events: Event) -> None:
        async with self.service.database.transaction() as connection:
            await outbox.append(connection, system_clock()(), *events)


Start = Callable[[], Awaitable[RunningService]]


def a_person(person_id: UUID) -> contract.Person:
    return contract.Person(
        person_id=person_id, version=1, name="Sarah Miller", email="sarah@example.com"
    )


def a_view(query: contract.GetBooking, booking: ABooking) -> contract.BookingView:
    blank = dict.fromkeys(contract.BookingView.model_fields)
    return contract.BookingView.model_validate(
        blank
        | booking.confirmed().model_dump(include={"number", "time_zone", "version", "sequence"})
        | {
            "id": query.booking_id,
            "tenant": query.tenant,
            "status": "confirmed",
            "position": 1,
            "appointment_type": "video-consultation",
            "start": booking.start,
            "attendee": a_person(booking.attendee),
            "guests": [],
            "answers": {},
            "documents": [],
            "alternatives": [],
            "created_at": booking.start,
            "manage_url": "/m/x",
            "host_join_url": "/call/host",
        }
    )


@pytest.fixture
def known() -> ABooking:
    return ABooking()


@pytest.fixture
async def booking(
    service_database: Callable[[str], str], nats_url: str, known: ABooking
) -> AsyncIterator[Booking]:
    await streams.declare(nats_url, {"calendar-sync": CONSUMES})
    found: list[Rpc] = []

    async def get_booking(query: contract.GetBooking) -> contract.BookingView:
        return a_view(query, known)

    async def people(query: contract.People) -> contract.FoundPeople:
        return contract.FoundPeople(items=[a_person(each) for each in query.person_ids])

    async def build(runtime: Runtime) -> Parts:
        found.append(runtime.rpc)
        requests = (answers(contract.GetBooking, get_booking), answers(contract.People, people))
        return Parts(bus=Bus("booking", requests=requests), context="booking")

    # Any database with an outbox will do.
    settings = ServiceSettings(database_url=service_database("calendar_sync"), nats_url=nats_url)
    async with running("booking", settings, build) as service:
        yield Booking(service, found[0])


@pytest.fixture
async def start(service_database: Callable[[str], str], nats_url: str) -> AsyncIterator[Start]:
    """Starts calendar-sync, each time on the same database."""
    settings = CalendarSyncSettings.model_validate(
        {
            "database_url": service_database("calendar_sync"),
            "nats_url": nats_url,
            "secret_key": SECRET_KEY,
            "allow_private_calendar_hosts": True,
            "public_url": "https://book.example",
        }
    )
    async with AsyncExitStack() as stack:

        async def begin() -> RunningService:
            return await stack.enter_async_context(
                running("calendar-sync", settings, lambda r: build_calendar_sync(r, settings))
            )

        yield begin


async def connect(booking: Booking, calendar: RemoteCalendar, known: ABooking) -> None:
    wish = ConnectCalendar(
        tenant=known.tenant,
        host_id=known.host_id,
        url=calendar.url,
        username=USERNAME,
        password=PASSWORD,
    )
    await booking.rpc.call(wish)


async def test_a_booking_comes_into_the_calendar_and_leaves_it_again(
    start: Start, booking: Booking, calendar: RemoteCalendar, known: ABooking
):
    await start()
    await connect(booking, calendar, known)

    await booking.say(known.confirmed(), known.attached())
    names = await eventually(lambda: names_in(calendar), what="the entry")
    entry = calendar.read(names[0]).walk("VEVENT")[0]
    await booking.say(known.cancelled())
    await eventually(lambda: is_empty(calendar), what="the calendar's emptiness")

    assert entry["SUMMARY"] == "Video consultation: Sarah Miller"
    assert entry["URL"] == "https://book.example/call/host"


async def test_what_happened_while_the_service_was_down_is_made_up_for(
    start: Start, booking: Booking, calendar: RemoteCalendar, known: ABooking
):
    service = await start()
    await connect(booking, calendar, known)
    await service.close()

    await booking.say(known.confirmed())
    await start()

    assert await eventually(lambda: names_in(calendar), what="the entry")


async def test_the_feed_is_read_over_the_bus(start: Start, booking: Booking, known: ABooking):
    await start()
    await booking.say(known.confirmed())
    feed = await booking.rpc.call(CreateFeed(tenant=known.tenant, host_id=known.host_id))

    async def subscribed() -> list[str]:
        document = await booking.rpc.call(ReadFeed(token=feed.token))
        events = Calendar.from_ical(document.ics).walk("VEVENT")
        return [str(event["SUMMARY"]) for event in events]

    assert await eventually(subscribed, what="the appointment in the feed") == [
        "Video consultation: Sarah Miller"
    ]


async def names_in(calendar: RemoteCalendar) -> list[str]:
    return calendar.names()


async def is_empty(calendar: RemoteCalendar) -> bool:
    return not calendar.names()

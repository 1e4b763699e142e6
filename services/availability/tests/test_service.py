"""The whole service on real NATS with JetStream: what it hears, says and answers."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from availability.__main__ import build as build_availability
from availability.bus import CONSUMES
from availability.settings import AvailabilitySettings
from contracts.availability import (
    FindSlots,
    PutAppointmentType,
    PutHost,
    ReservationReleased,
    SlotRejected,
    SlotReserved,
)
from contracts.envelope import Event
from service_kit import outbox, streams
from service_kit.bus import Bus, handles
from service_kit.database import Connection, Database
from service_kit.errors import ProblemError
from service_kit.messages import Envelope
from service_kit.rpc import Rpc
from service_kit.service import Parts, Runtime
from service_kit.settings import ServiceSettings
from service_kit.testing import eventually, running

from .builders import (
    MONDAY,
    NOW,
    TENANT,
    booking_cancelled,
    booking_requested,
    host_details,
    type_details,
    weekdays,
)

TEN = "2027-03-15T10:00Z"
HEARD = (SlotReserved, SlotRejected, ReservationReleased)


class Booking:
    """Stands in for booking: says events through its outbox, and hears what comes back."""

    def __init__(self) -> None:
        self.database: Database
        self.rpc: Rpc
        self.heard: list[Event] = []

    async def build(self, runtime: Runtime) -> Parts:
        self.database, self.rpc = runtime.database, runtime.rpc
        events = [handles(kind, self._on_event) for kind in HEARD]
        return Parts(Bus("booking", events=events), context="booking")

    async def say(self, *events: Event) -> None:
        async with self.database.transaction() as connection:
            await outbox.append(connection, NOW, *events)

    async def hears(self, count: int) -> list[Event]:
        async def enough() -> list[Event]:
            return self.heard if len(self.heard) >= count else []

        return await eventually(enough, within=30, what=f"{count} events")

    async def _on_event(self, _: Connection, event: Event, envelope: Envelope) -> None:
        assert envelope.source == "/rendezvous/availability"
        self.heard.append(event)


@pytest.fixture
async def booking(
    service_database: Callable[[str], str], nats_url: str, tmp_path: Path
) -> AsyncIterator[Booking]:
    """Booking, with two replicas of availability that offer one host's weekdays."""
    await streams.declare(nats_url, {"availability": CONSUMES, "booking": HEARD})
    clock_file = tmp_path / "clock"
    clock_file.write_text(str((NOW - datetime.now(UTC)).total_seconds()))
    url = service_database("availability")
    replica = AvailabilitySettings(database_url=url, nats_url=nats_url, clock_file=clock_file)
    ours = ServiceSettings(database_url=service_database("service_kit"), nats_url=nats_url)
    stand_in = Booking()
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(running("availability", replica, build_availability))
        await stack.enter_async_context(running("booking", ours, stand_in.build))
        host = PutHost(tenant=TENANT, host=host_details(), schedule=weekdays())
        await stand_in.rpc.call(host)
        offered = PutAppointmentType(tenant=TENANT, appointment_type=type_details())
        await stand_in.rpc.call(offered)
        yield stand_in


def a_day() -> FindSlots:
    return FindSlots(
        tenant=TENANT,
        slug="consultation",
        from_date=MONDAY.date(),
        to_date=MONDAY.date() + timedelta(days=1),
        time_zone="Europe/Berlin",
    )


async def test_a_booking_gets_its_slot_and_gives_it_back(booking: Booking) -> None:
    wish = booking_requested(TEN)

    await booking.say(wish)
    (reserved,) = await booking.hears(1)
    while_taken = await booking.rpc.call(a_day())
    await booking.say(booking_cancelled(wish))
    _, released = await booking.hears(2)
    afterwards = await booking.rpc.call(a_day())

    assert isinstance(reserved, SlotReserved)
    assert isinstance(released, ReservationReleased)
    assert released.reservation_id == reserved.reservation_id
    assert (len(while_taken.slots), len(afterwards.slots)) == (15, 16)


async def test_replicas_grant_each_slot_once_in_whatever_order_it_is_asked_for(
    booking: Booking,
) -> None:
    times = [f"2027-03-15T{hour:02}:00Z" for hour in range(9, 15)]
    wishes = [booking_requested(start) for start in times * 12]
    wishes.sort(key=lambda wish: wish.booking_id)  # as good as shuffled

    for wish in wishes:
        await booking.say(wish)
    answers = await booking.hears(len(wishes))

    granted = [answer.terms.start for answer in answers if isinstance(answer, SlotReserved)]
    assert Counter(granted) == Counter(datetime.fromisoformat(start) for start in times)
    assert {answer.entity_id for answer in answers} == {wish.entity_id for wish in wishes}
    assert len(answers) == len(wishes)


async def test_a_refused_question_reaches_the_asker_with_its_field(booking: Booking) -> None:
    with pytest.raises(ProblemError) as refused:
        await booking.rpc.call(a_day().model_copy(update={"time_zone": "Europe/Nowhere"}))

    assert (refused.value.code, refused.value.details) == ("invalid", {"field": "time_zone"})

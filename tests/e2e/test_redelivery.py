"""Events may come twice, and garbage may come at all: neither has an effect."""

from typing import LiteralString
from uuid import uuid4

import psycopg

from contracts import subjects
from service_kit.testing import eventually
from tests.e2e.clients import client_of
from tests.e2e.conftest import StartSystem
from tests.e2e.streams import everything, jetstream
from tests.e2e.system import System

CONSUMERS = ("booking", "availability", "video", "notify", "calendar-sync")

COUNTS: dict[str, LiteralString] = {
    "booking": "SELECT count(*) FROM bookings_events",
    "availability": "SELECT count(*) FROM reservations",
    "video": "SELECT count(*) FROM meetings",
    "notify": "SELECT count(*) FROM notifications",
}


def counted(system: System) -> dict[str, int]:
    return {service: _number(system, service, sql) for service, sql in COUNTS.items()}


def _number(system: System, service: str, sql: LiteralString) -> int:
    with psycopg.connect(system.database_url(service)) as connection:
        row = connection.execute(sql).fetchone()
    assert row
    return int(row[0])


async def test_every_event_delivered_twice_has_one_effect(new_system: StartSystem) -> None:
    system = new_system().start()
    async with client_of(system) as client, jetstream(system.nats_url) as stream:
        starts = [slot["start"] for slot in await client.slots()]
        booking = await client.book(starts[0])
        await client.book(starts[1])
        await eventually(lambda: _mailed(system, 4), 30)  # both are confirmed to both sides
        await client.cancel(booking["id"])
        await eventually(lambda: _mailed(system, 6), 30)  # and one is called off
        before = counted(system)

        for message in await everything(stream):
            headers = {k: v for k, v in message.headers.items() if not k.startswith("Nats-")}
            await stream.publish(message.subject, message.body, headers=headers)
        await client.book(starts[2])

        await eventually(lambda: _mailed(system, 8), 30)
        after = counted(system)
        assert after["booking"] == before["booking"] + 3
        assert after["availability"] == before["availability"] + 1
        assert after["video"] == before["video"] + 1
        ids = [str(mail["Message-ID"]) for mail in system.mails()]
        assert len(ids) == len(set(ids)) == 8


async def test_garbage_ends_in_the_dead_letters_and_holds_nobody_up(
    new_system: StartSystem,
) -> None:
    system = new_system().start()
    async with client_of(system) as client, jetstream(system.nats_url) as stream:
        for event in subjects.events():
            subject = f"events.{event.ce_type()}.demo.{uuid4()}"
            await stream.publish(subject, b"{not an event")

        await client.book((await client.slots())[0]["start"])

        await eventually(lambda: _mailed(system, 2), 30)
        assert all(_number(system, name, "SELECT count(*) FROM dead_letters") for name in CONSUMERS)


async def _mailed(system: System, count: int) -> bool:
    return len(system.mails()) >= count

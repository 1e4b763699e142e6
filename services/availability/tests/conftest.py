"""Availability on a real Postgres, with a clock that the test sets."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import pytest

from availability.application import Availability
from availability.bus import bus
from availability.publishing import publish
from contracts.availability import PutAppointmentType, PutHost, SlotRejected, SlotReserved
from contracts.envelope import Contract, Event, Request
from service_kit.database import Connection, Database
from service_kit.testing import eventually

from .builders import NOW, TENANT, envelope_of, host_details, type_details, weekdays

ReplyT = TypeVar("ReplyT", bound=Contract)


@dataclass
class SetClock:
    """Stands still at `now`."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Service:
    """Availability as its bus shows it: events in, events out, questions answered."""

    database: Database
    clock: SetClock
    application: Availability

    async def hear(self, *events: Event, asked_at: datetime = NOW) -> None:
        """Hands events to their handlers in one transaction, as the kit does with a batch."""
        async with self.database.transaction() as connection:
            for event in events:
                await self.handle(connection, event, asked_at)

    async def handle(self, connection: Connection, event: Event, asked_at: datetime = NOW) -> None:
        """Hands one event to its handler, within a transaction of the test's own."""
        handlers = {handler.event: handler.handle for handler in bus(self.application).events}
        await handlers[type(event)](connection, event, envelope_of(event, asked_at))

    async def ask(self, request: Request[ReplyT]) -> ReplyT:
        """The reply, as it comes out of the wire."""
        answers = {handler.request: handler.answer for handler in bus(self.application).requests}
        reply = await answers[type(request)](request)
        return type(request).reply().model_validate_json(reply.model_dump_json())

    async def offers(
        self,
        *,
        hosts: int = 1,
        zone: str = "Europe/Berlin",
        tenant: str = TENANT,
        **changes: Any,
    ) -> None:
        """Puts an appointment type, and its hosts, who work weekdays from nine to five."""
        ids = [host_details(number).id for number in range(1, hosts + 1)]
        for number in range(1, hosts + 1):
            host = host_details(number, time_zone=zone)
            await self.ask(PutHost(tenant=tenant, host=host, schedule=weekdays()))
        offered = type_details(hosts=ids).model_copy(update=changes)
        await self.ask(PutAppointmentType(tenant=tenant, appointment_type=offered))

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What was said so far: the kind and the body of each event."""
        rows = await self.rows("SELECT type, convert_from(body, 'UTF8') FROM outbox ORDER BY seq")
        return [(kind.removeprefix("availability."), json.loads(body)) for kind, body in rows]

    async def outcomes(self) -> list[SlotReserved | SlotRejected]:
        """What came of the requests so far, in the order in which it was said."""
        kinds = {"slot-reserved.v1": SlotReserved, "slot-rejected.v1": SlotRejected}
        told = await self.told()
        return [kinds[kind].model_validate(body) for kind, body in told if kind in kinds]

    async def reserved(self) -> list[SlotReserved]:
        return [one for one in await self.outcomes() if isinstance(one, SlotReserved)]

    async def rejected(self) -> list[SlotRejected]:
        return [one for one in await self.outcomes() if isinstance(one, SlotRejected)]

    async def active_claims(self) -> int:
        return len(await self.rows("SELECT 1 FROM claims WHERE active"))

    async def somebody_waits(self) -> None:
        """Returns as soon as a transaction waits for another."""

        async def waiting() -> bool:
            return bool(
                await self.rows(
                    "SELECT 1 FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            )

        await eventually(waiting, what="a transaction that waits")

    async def rows(self, query: Any, *parameters: object) -> list[tuple[Any, ...]]:
        async with self.database.reading() as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall()


@pytest.fixture
async def service(service_database: Callable[[str], str]) -> AsyncIterator[Service]:
    """Availability with an empty catalogue."""
    database = Database(service_database("availability"), size=16)
    await database.open()
    clock = SetClock()
    yield Service(database, clock, Availability(database, clock, publish))
    await database.close()

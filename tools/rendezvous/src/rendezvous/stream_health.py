"""How each stream stands beside its record, and how far its consumers have come."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nats.aio.client import Client

from rendezvous.contexts import KEEPS_INBOX, Context
from rendezvous.services import Service
from service_kit import histories, streams
from service_kit.database import Connection
from service_kit.hearing import Hearing, hear
from service_kit.histories import Comparison, StreamChangedError
from service_kit.messages import Position
from service_kit.stream_reader import StreamReader

TRIES = 3
PUBLISHED_WITHIN_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.25

Begin = Callable[[str, int], Callable[[], None]]
"""Shows the beginning of something of so many steps; the answer is called for each."""


def unseen(_what: str, _steps: int) -> Callable[[], None]:
    """Shows nothing."""
    return lambda: None


@dataclass(frozen=True)
class StreamHealth:
    """One stream, as it was found, with its consumers."""

    context: Context
    comparison: Comparison
    hearings: Mapping[Service, Hearing] = field(default_factory=dict[Service, Hearing])

    @property
    def heard(self) -> Position:
        """The highest position at which anybody may have heard an event."""
        found = self.comparison
        highest = [hearing.highest for hearing in self.hearings.values()]
        return max(found.parted_to, found.last or found.parted_to, *highest)

    @property
    def is_parted(self) -> bool:
        """Whether the record was restored: others have heard what it does not have."""
        return bool(self.comparison.parted) or self.heard > self.comparison.reach

    def problems(self) -> list[str]:
        """What is wrong with the stream and its consumers, a clause each."""
        return [*self._of_the_stream(), *self._of_the_consumers()]

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        found = self.comparison
        return {
            "stream": found.stream,
            "service": self.context.service.name,
            "messages": found.messages,
            "events_in_record": found.events,
            "first": found.first and list(found.first),
            "last": found.last and list(found.last),
            "record_last": list(found.record_last),
            "waiting": found.waiting,
            "missing": len(found.missing),
            "foreign": len(found.strangers),
            "repeated": len(found.repeated),
            "parted": len(found.parted),
            "restored": found.restored,
            "consumers": {
                hearing.durable: {
                    "present": hearing.present,
                    "pending": hearing.pending,
                    "in_hand": hearing.in_hand,
                    "mark": list(hearing.mark),
                    "passed_over": hearing.passed_over,
                    "restored": hearing.restored,
                }
                for hearing in self.hearings.values()
            },
            "problems": self.problems(),
        }

    def _of_the_stream(self) -> list[str]:
        found = self.comparison
        told = [
            (not found.present, "there is no such stream"),
            (found.restored, f"the database of {self.context.service.name} was restored"),
            (found.parted, f"{len(found.parted)} events that the record does not have"),
            (found.missing, f"{len(found.missing)} events are missing"),
            (found.strangers, f"{len(found.strangers)} foreign messages"),
            (found.repeated, f"{len(found.repeated)} events repeated or out of order"),
            (found.waiting, f"{found.waiting} events are not published"),
        ]
        return [clause for is_so, clause in told if is_so]

    def _of_the_consumers(self) -> list[str]:
        told: list[str] = []
        for hearing in self.hearings.values():
            if not hearing.present:
                told.append(f"{hearing.durable} is not there")
            if hearing.passed_over:
                told.append(
                    f"{hearing.durable} was given {hearing.passed_over} events "
                    "that its database does not know"
                )
            if hearing.highest > self.comparison.reach:
                told.append(f"{hearing.durable} has heard more than the record ever said")
        return told


async def examine(
    client: Client,
    connections: Mapping[Service, Connection],
    contexts: Sequence[Context],
    begin: Begin = unseen,
) -> list[StreamHealth]:
    """Compares streams with their records, and looks at every consumer.

    What is published within seconds is not called waiting. Raises nats-py's errors where the
    broker does not answer.
    """
    found = [await _examine(client, connections, context, begin) for context in contexts]
    deadline = asyncio.get_running_loop().time() + PUBLISHED_WITHIN_SECONDS
    for health in found:
        await _settle(client, health, deadline)
    return found


async def _examine(
    client: Client, connections: Mapping[Service, Connection], context: Context, begin: Begin
) -> StreamHealth:
    reader = StreamReader(client, context.name)
    own = connections[context.service]
    comparison = await _compare(reader, context, own, begin)
    hearings = {
        service: await hear(
            reader,
            streams.durable(service.name, context.name),
            kinds,
            connections[service],
            keeps_inbox=KEEPS_INBOX[service],
        )
        for service, kinds in context.consumers.items()
        if comparison.present
    }
    # Anew: whoever listens may have heard meanwhile what was said meanwhile.
    comparison.reach = await context.record.reach(own)
    return StreamHealth(context, comparison, hearings)


async def _compare(
    reader: StreamReader, context: Context, connection: Connection, begin: Begin
) -> Comparison:
    for _ in range(TRIES - 1):
        info = await reader.info()
        advance = begin(reader.stream, info.state.messages if info else 0)
        try:
            return await histories.compare(reader, context.record, connection, advance)
        except StreamChangedError:
            await asyncio.sleep(1)
    return await histories.compare(reader, context.record, connection)


async def _settle(client: Client, health: StreamHealth, deadline: float) -> None:
    """Waits for what is about to be published, where a relay can publish."""
    found = health.comparison
    reader = StreamReader(client, health.context.name)
    while found.waiting and found.is_whole and not found.restored:
        info = await reader.info()
        newest = info and await reader.newest(info, health.context.record.name)
        if newest and newest.position >= found.record_last:
            found.waiting = 0
        elif asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(LOOK_AGAIN_SECONDS)

"""Compares a stream with the record that it was published from, event by event.

The record says what the stream should hold: each of its events once, in order, under its id. What
a stream holds besides is told apart, since it calls for different things:

missing     an event of the record that the stream passed over: the stream lost it
stranger    a message that is no event of this record's source
repeated    an event of the record that stands there again, or out of order
parted      an event of this source that the record does not have: the record was restored from a
            backup, and the two histories go on differently from there
waiting     an event of the record behind the newest one in the stream: it is published next
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from uuid import UUID

from nats.js.api import StreamInfo

from service_kit import home
from service_kit.database import Connection
from service_kit.messages import START, Envelope, Position
from service_kit.source import Record
from service_kit.stream_reader import StreamReader
from service_kit.stream_scan import scan

BATCH = 1000

Advance = Callable[[], None]
"""Called for each message that was compared."""


class StreamChangedError(Exception):
    """The stream was emptied or made anew while it was read."""


@dataclass(slots=True)
class Comparison:
    """What a stream holds, beside what its record says that it should.

    `missing` is by position, the others by stream sequence. `reach` is the highest position that
    the record ever gave, or will never give.
    """

    stream: str
    present: bool = True
    messages: int = 0
    events: int = 0
    first: Position | None = None
    last: Position | None = None
    record_last: Position = START
    reach: Position = START
    restored: bool = False
    restored_head: int | None = None
    waiting: int = 0
    first_waiting: Position | None = None
    missing: list[Position] = field(default_factory=list[Position])
    strangers: list[int] = field(default_factory=list[int])
    repeated: list[int] = field(default_factory=list[int])
    parted: list[int] = field(default_factory=list[int])
    parted_from: Position | None = None
    parted_to: Position = START

    @property
    def is_whole(self) -> bool:
        """Whether the stream holds what the record says, but for what is published next."""
        astray = self.missing or self.strangers or self.repeated or self.parted
        return self.present and not astray

    def hidden_after(self, beyond: Position) -> Position | None:
        """The position after which events of the record would be taken for ones heard before.

        Whoever heard a history up to `beyond` passes over what comes at a position of it. Nothing
        where no event is so hidden.
        """
        unpublished = [*self.missing, *([self.first_waiting] if self.first_waiting else [])]
        hidden = [
            position.sequence - 1
            for position in unpublished
            if self.parted_from is not None and self.parted_from <= position <= beyond
        ]
        head = self.restored_head
        if head is not None and head < min(self.record_last, beyond).sequence:
            hidden.append(head)
        return Position(min(hidden)) if hidden else None


async def compare(
    reader: StreamReader, record: Record, connection: Connection, advance: Advance = lambda: None
) -> Comparison:
    """Compares what the stream holds now with the record, on a connection in autocommit.

    Raises `StreamChangedError` where the stream was emptied meanwhile, and nats-py's errors where
    the broker does not answer.
    """
    info = await reader.info()
    found = Comparison(reader.stream, present=info is not None)
    comparing = _Comparing(found, record, connection)
    await comparing.begin()
    if info is not None and info.state.messages:
        found.messages = info.state.messages
        messages = scan(reader.jetstream, reader.stream, info.state.first_seq, info.state.last_seq)
        async for stored in messages:
            await comparing.take(stored.sequence, stored.envelope)
            advance()
        if _identity(await reader.info()) != _identity(info):
            raise StreamChangedError(reader.stream)
    await comparing.end()
    return found


class _Comparing:
    """Walks through the stream, with a finger on the record's next event."""

    def __init__(self, found: Comparison, record: Record, connection: Connection) -> None:
        self._found = found
        self._record = record
        self._connection = connection
        self._events = _events(record, connection)
        self._next: tuple[Position, UUID] | None = None

    async def begin(self) -> None:
        found = self._found
        found.restored = await home.is_restored(self._connection)
        found.restored_head = await home.restored_head(self._connection)
        found.reach = await self._record.reach(self._connection)
        await self._turn()

    async def take(self, sequence: int, envelope: Envelope | None) -> None:
        if envelope is None or envelope.source != self._record.name:
            self._found.strangers.append(sequence)
            return
        while self._next is not None and self._next[0] < envelope.position:
            self._found.missing.append(self._next[0])
            await self._turn()
        if self._next == (envelope.position, envelope.id):
            self._found.first = self._found.first or envelope.position
            self._found.last = envelope.position
            await self._turn()
        elif await self._is_known(envelope):
            self._found.repeated.append(sequence)
        else:
            self._part(sequence, envelope.position)

    async def end(self) -> None:
        while self._next is not None:
            self._found.first_waiting = self._found.first_waiting or self._next[0]
            self._found.waiting += 1
            await self._turn()
        await self._events.aclose()

    def _part(self, sequence: int, position: Position) -> None:
        found = self._found
        found.parted.append(sequence)
        found.parted_from = min(found.parted_from or position, position)
        found.parted_to = max(found.parted_to, position)

    async def _is_known(self, envelope: Envelope) -> bool:
        """Whether the record has this very event at an earlier place."""
        if envelope.position > self._found.record_last:
            return False  # the record ends before it, or is about to come to it
        known = await self._record.event_id(self._connection, envelope.position)
        return known == str(envelope.id)

    async def _turn(self) -> None:
        self._next = await anext(self._events, None)
        if self._next is not None:
            self._found.events += 1
            self._found.record_last = self._next[0]


async def _events(record: Record, connection: Connection) -> AsyncGenerator[tuple[Position, UUID]]:
    position = START
    while True:
        outgoing, looked = await record.read(connection, position, BATCH)
        for message in outgoing:
            yield message.envelope.position, message.envelope.id
        if looked == position:
            return
        position = looked


def _identity(info: StreamInfo | None) -> tuple[object, ...]:
    if info is None:
        return ()
    return (info.created, info.state.first_seq or 1, info.state.num_deleted or 0)

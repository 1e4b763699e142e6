"""How far a consumer has come, by the broker's count and by its own database."""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass

from nats.js.errors import NotFoundError

from service_kit import home, inbox
from service_kit.database import Connection
from service_kit.messages import START, Envelope, Position
from service_kit.stream_reader import StreamReader
from service_kit.stream_scan import scan


@dataclass(frozen=True, slots=True)
class Hearing:
    """One durable consumer, as it was found.

    `pending` events are still to be given to it, `in_hand` ones were given and not settled.
    `highest` is the highest position that it has handled anything at. `passed_over` counts events
    that it acknowledged and that its database does not know (nothing where that cannot be told).
    """

    durable: str
    present: bool
    pending: int = 0
    in_hand: int = 0
    mark: Position = START
    highest: Position = START
    passed_over: int | None = None
    restored: bool = False


async def hear(
    reader: StreamReader,
    durable: str,
    kinds: Collection[str],
    connection: Connection,
    *,
    keeps_inbox: bool,
) -> Hearing:
    """Looks at a durable and at the consuming service's database (in autocommit).

    Raises nats-py's errors where the broker does not answer.
    """
    # The broker first: what is handled meanwhile is then known to the database.
    try:
        info = await reader.consumer(durable)
    except NotFoundError:
        info = None
    known = await inbox.ids_above_mark(connection, durable)
    mark = await inbox.mark(connection, durable)
    floor = info.ack_floor.stream_seq if info and info.ack_floor else 0
    passed_over = None
    if keeps_inbox:
        given = [event async for event in _given(reader, mark, floor) if event.type in kinds]
        passed_over = sum(event.id not in known for event in given)
    return Hearing(
        durable,
        present=info is not None,
        pending=(info and info.num_pending) or 0,
        in_hand=(info and info.num_ack_pending) or 0,
        mark=mark,
        highest=await inbox.highest(connection, durable),
        passed_over=passed_over,
        restored=await home.is_restored(connection),
    )


async def _given(reader: StreamReader, mark: Position, floor: int) -> AsyncGenerator[Envelope]:
    """The events behind a mark that a durable has had settled, by its acknowledgement floor."""
    info = await reader.info()
    if info is None or not info.state.messages:
        return
    first = await reader.first_after(mark) or info.state.first_seq
    if first > floor:
        return
    async for stored in scan(reader.jetstream, reader.stream, first, floor):
        if stored.envelope is not None and stored.envelope.position > mark:
            yield stored.envelope

"""What a relay publishes from: a record of events in commit order."""

from collections.abc import Sequence
from typing import Protocol

from service_kit.database import Connection
from service_kit.messages import Outgoing, Position


class Source(Protocol):
    """An outbox table, or an event store's own notification log.

    The connection is the one that holds the relay's lock: who lost the office cannot read on.
    """

    name: str

    async def fetch(
        self, connection: Connection, after: Position, limit: int
    ) -> tuple[Sequence[Outgoing], Position]:
        """Events after a position, and how far was looked (some map to no message)."""
        ...

    async def first(self, connection: Connection) -> Position | None:
        """The position of the first event that maps to a message."""
        ...

    async def head(self, connection: Connection) -> Position:
        """The position of the newest event."""
        ...

    async def event_id(self, connection: Connection, position: Position) -> str | None:
        """The `ce-id` of the event at a position, or nothing where there is none."""
        ...

    async def backlog(self, connection: Connection, after: Position) -> int:
        """How many events stand after a position."""
        ...


class Record(Source, Protocol):
    """A source as whoever repairs its stream sees it."""

    async def read(
        self, connection: Connection, after: Position, limit: int
    ) -> tuple[Sequence[Outgoing], Position]:
        """As `fetch`, but it changes nothing: what has no position yet is left out."""
        ...

    async def reach(self, connection: Connection) -> Position:
        """The highest position that was ever given, or will never be."""
        ...

    async def move_beyond(self, connection: Connection, after: Position, beyond: int) -> int:
        """Gives what comes after a position new positions above `beyond`, in the same order.

        No event gets one up to `beyond` any more. In the caller's transaction; answers how many
        events were moved.
        """
        ...

"""Where a stream stands in its source's history: read from the stream, never trusted to memory.

The position is that of the newest message of ours. A stream that lost its tail is behind, one
that lost its store is empty; one that lost its head is emptied, so that it can be filled again
from the first. A stream that holds what the record does not have has parted from it.
"""

from dataclasses import dataclass

import structlog
from nats.aio.client import Client
from nats.js.api import StreamInfo

from contracts import subjects
from service_kit import home, streams
from service_kit.database import Connection
from service_kit.messages import START, Envelope, Position
from service_kit.source import Source
from service_kit.stream_reader import StreamReader

_log = structlog.get_logger()


class PartedHistoriesError(Exception):
    """The stream holds what the record does not: a store was restored behind its stream."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A stream as it was found: what it holds up to, its last sequence, and which one it is."""

    position: Position
    last_sequence: int
    identity: str


class StreamPosition:
    """Finds out where a context's stream stands in a source."""

    def __init__(self, client: Client, context: str, source: Source) -> None:
        self._context, self._stream = context, subjects.stream(context)
        self._reader = StreamReader(client, context)
        self._source = source

    async def read(self, connection: Connection) -> Standing:
        """Where the stream stands; makes it where it is gone.

        Raises `PartedHistoriesError`, and nats-py's errors where the broker does not answer.
        """
        info = await self._info()
        # Before anything else: what has parted is not to be emptied unseen, nor filled.
        newest = await self._newest_of_ours(connection, info)
        if not _limited(info) and await self._lost_its_head(connection, info):
            _log.warning("events before the newest are lost; refilling", stream=self._stream)
            await self._reader.jetstream.purge_stream(self._stream)
            info, newest = await self._info(), None
        if newest is None:
            position = await self._without_newest(connection, info)
        else:
            position = newest.position
        return Standing(position, info.state.last_seq, _identity(info))

    async def unchanged(self, connection: Connection, since: Standing) -> bool:
        """Whether stream and record are still as we left them; if so, the mark is written."""
        info = await self._info()
        if _identity(info) != since.identity or info.state.last_seq != since.last_sequence:
            return False
        try:
            await self._newest_of_ours(connection, info)
        except PartedHistoriesError:
            return False  # a backup was restored under us
        await self._save_mark(connection, info, since.position)
        return True

    async def _info(self) -> StreamInfo:
        while (info := await self._reader.info()) is None:
            _log.warning("the stream is gone and is made anew", stream=self._stream)
            await streams.declare_stream(self._reader.jetstream, self._context)
        return info

    async def _lost_its_head(self, connection: Connection, info: StreamInfo) -> bool:
        """Whether older events are gone (a purge that later events hid) without any limit set."""
        if not info.state.messages:
            return False
        if info.state.num_deleted:
            return True
        oldest = await self._reader.oldest(info, self._source.name)
        first = await self._source.first(connection)
        return oldest is not None and first is not None and oldest.position > first

    async def _without_newest(self, connection: Connection, info: StreamInfo) -> Position:
        """The newest message is gone: by retention (the mark knows) or by loss (from zero)."""
        if not _limited(info):
            return START
        cursor = await connection.execute(
            """SELECT position, ordinal FROM relay_marks
               WHERE stream = %s AND stream_created = %s AND stream_sequence = %s""",
            (self._stream, str(info.created), info.state.last_seq),
        )
        row = await cursor.fetchone()
        return Position(*row) if row else START

    async def _newest_of_ours(self, connection: Connection, info: StreamInfo) -> Envelope | None:
        """The newest event of ours; raises `PartedHistoriesError` where it is not the record's."""
        try:
            await home.check(connection)
        except home.RestoredDatabaseError as error:
            await home.notice(connection, await self._source.head(connection))
            raise PartedHistoriesError("the database was restored from a backup") from error
        newest = await self._reader.newest(info, self._source.name)
        if newest is None:
            return None
        ours = await self._source.event_id(connection, newest.position)
        if ours != str(newest.id):
            raise PartedHistoriesError(
                f"{self._stream} holds event {newest.id} at {tuple(newest.position)}, "
                f"the record holds {ours or 'none'}"
            )
        return newest

    async def _save_mark(
        self, connection: Connection, info: StreamInfo, position: Position
    ) -> None:
        await connection.execute(
            """INSERT INTO relay_marks (stream, stream_created, stream_sequence, position, ordinal)
               VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT (stream) DO UPDATE SET
                   stream_created = excluded.stream_created,
                   stream_sequence = excluded.stream_sequence,
                   position = excluded.position, ordinal = excluded.ordinal
               WHERE relay_marks.stream_sequence <> excluded.stream_sequence
                  OR relay_marks.stream_created <> excluded.stream_created""",
            (self._stream, str(info.created), info.state.last_seq, *position),
        )


def _identity(info: StreamInfo) -> str:
    """Changes when the stream is made anew, purged, or loses messages."""
    # An empty stream says 0 until its first message, which is then 1.
    first = info.state.first_seq or 1
    return f"{info.created}/{first}/{info.state.num_deleted or 0}"


def _limited(info: StreamInfo) -> bool:
    """Whether the stream may forget old events by its own limits."""
    config = info.config
    return any((limit or 0) > 0 for limit in (config.max_age, config.max_msgs, config.max_bytes))

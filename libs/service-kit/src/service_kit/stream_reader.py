"""Reads what a context's stream holds: its state, single messages, and where a position stands."""

from collections.abc import Iterable
from typing import cast

from nats.aio.client import Client
from nats.js.api import ConsumerInfo, StreamInfo
from nats.js.errors import APIError

from contracts import subjects
from service_kit import streams
from service_kit.messages import START, Envelope, MalformedMessageError, Position

ANSWER_SECONDS = 3.0


class StreamReader:
    """One context's stream, read only. Raises nats-py's errors where the broker does not answer."""

    def __init__(self, client: Client, context: str) -> None:
        self.stream = subjects.stream(context)
        self.jetstream = client.jetstream(timeout=ANSWER_SECONDS)

    async def info(self) -> StreamInfo | None:
        """The stream's state, or nothing where there is no such stream."""
        try:
            return await self.jetstream.stream_info(self.stream)
        except APIError as error:
            if streams.is_missing(error):
                return None
            raise

    async def consumer(self, name: str) -> ConsumerInfo:
        """A durable's state; raises `nats.js.errors.NotFoundError` where it is gone."""
        return await self.jetstream.consumer_info(self.stream, name)

    async def message(self, sequence: int) -> Envelope | None:
        """The event at a stream sequence; nothing where it is gone or is no event of ours."""
        try:
            raw = await self.jetstream.get_msg(self.stream, seq=sequence)
        except APIError as error:
            if streams.is_missing(error):
                return None
            raise
        try:
            return Envelope.parse(raw.subject or "", cast("dict[str, str]", raw.headers))
        except MalformedMessageError:
            return None

    async def newest(self, info: StreamInfo, source: str) -> Envelope | None:
        """The newest event of a source. Strangers' messages are passed over."""
        return await self._first_found(reversed(_sequences(info)), source)

    async def oldest(self, info: StreamInfo, source: str) -> Envelope | None:
        """The oldest event of a source that the stream still holds."""
        return await self._first_found(_sequences(info), source)

    async def first_after(self, mark: Position) -> int | None:
        """The stream sequence at which what comes after `mark` begins, by binary search.

        Nothing where that is the beginning: no mark, an empty stream, or none at all.
        """
        info = await self.info()
        if mark == START or info is None or not info.state.messages:
            return None
        low, high = info.state.first_seq, info.state.last_seq + 1
        while low < high:
            middle = (low + high) // 2
            found = await self.message(middle)
            if found is not None and found.position <= mark:
                low = middle + 1
            else:
                high = middle
        return low

    async def _first_found(self, sequences: Iterable[int], source: str) -> Envelope | None:
        for sequence in sequences:
            found = await self.message(sequence)
            if found is not None and found.source == source:
                return found
        return None


def _sequences(info: StreamInfo) -> range:
    if not info.state.messages:
        return range(0)
    return range(info.state.first_seq, info.state.last_seq + 1)

"""The relay: tails a source and publishes it in order, pipelined, from where the stream stands.

JetStream is a transport that may lose what it acknowledged; Postgres is the record. Each publish
names the stream sequence that it expects, so that a relay that slept through its own succession
is refused. There is no `Nats-Msg-Id`: after a purge the broker would acknowledge a refill as a
duplicate and store nothing.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import psycopg
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import Header, PubAck
from nats.js.errors import Error as JetStreamError
from prometheus_client import Counter, Gauge

from service_kit.database import Connection, connect
from service_kit.messages import START, Outgoing
from service_kit.source import Source
from service_kit.stream_position import PartedHistoriesError, Standing, StreamPosition

PUBLISHED = Counter("relay_published_total", "Events published", ["context", "type"])
BACKLOG = Gauge("relay_backlog", "Events that wait to be published", ["context"])
LOCATED = Counter("relay_located_total", "Times the position was read anew", ["context"])

BATCH = 500
OFFICE_SECONDS = 10.0
BEAT_SECONDS = 2.0
POLL_SECONDS = 0.5
ACK_SECONDS = 3.0
ELECTION_SECONDS = 0.5

BrokerError = (NatsError, JetStreamError, TimeoutError)

_log = structlog.get_logger()


class UnexpectedAckError(Exception):
    """A publish was not acknowledged as expected; the position must be read anew."""


class Relay:
    """Publishes one source onto one context's stream, from whichever replica holds the lock."""

    def __init__(self, context: str, source: Source, database_url: str, client: Client) -> None:
        self.context = context
        self._source = source
        self._url = database_url
        self._jetstream = client.jetstream(timeout=ACK_SECONDS, publish_async_max_pending=2 * BATCH)
        self._stream = StreamPosition(client, context, source)
        self._standing = Standing(START, 0, "")
        self._wake = asyncio.Event()
        self._leading = False
        self._stale = False
        self._parted: str | None = None
        self._trouble: str | None = "not started"
        self._told = 0.0

    def wake(self) -> None:
        """Says that something was committed; the leader looks at once."""
        self._wake.set()

    def relocate(self) -> None:
        """Says that the broker may have changed under us (a reconnect)."""
        self._stale = True
        self._wake.set()

    def problem(self) -> str | None:
        """What keeps events from being published, for readiness; nothing where all is well."""
        return self._parted or self._trouble

    async def run(self) -> None:
        """Stands for election, publishes while in office; returns only by cancellation."""
        async with await connect(self._url, f"relay-{self.context}") as connection:
            # A leader that stands still (a stopped process) loses its session, and its lock.
            await connection.execute(
                "SELECT set_config('idle_session_timeout', %s, false)", (f"{OFFICE_SECONDS:.0f}s",)
            )
            await self._elected(connection)
            listening = asyncio.create_task(self._listen(), name=f"relay-listen-{self.context}")
            try:
                await self._lead(connection)
            finally:
                self._leading = False
                self._trouble = "between leaders"
                listening.cancel()
                with suppress(asyncio.CancelledError, psycopg.Error):
                    await listening

    async def nudge(self) -> None:
        """Supervised beside `run`: a replica that does not lead tells the one that does.

        One debounced NOTIFY, after the commit: a NOTIFY in each commit would halve the commits
        of the whole server (it takes a cluster-wide lock).
        """
        async with await connect(self._url, f"relay-nudge-{self.context}") as connection:
            while True:
                if self._leading:
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                await self._wake.wait()
                self._wake.clear()
                await connection.execute("NOTIFY outbox")
                await asyncio.sleep(0.005)

    async def _elected(self, connection: Connection) -> None:
        while True:
            cursor = await connection.execute(
                "SELECT pg_try_advisory_lock(hashtext('relay'), hashtext(%s))", (self.context,)
            )
            row = await cursor.fetchone()
            if row and row[0]:
                self._leading = True
                self._wake.set()
                return
            self._trouble = None  # another replica leads
            await asyncio.sleep(ELECTION_SECONDS)

    async def _listen(self) -> None:
        async with await connect(self._url, f"relay-listen-{self.context}") as connection:
            await connection.execute("LISTEN outbox")
            async for _ in connection.notifies():
                self._wake.set()

    async def _lead(self, connection: Connection) -> None:
        await self._locate(connection)
        beat = time.monotonic()
        while True:
            self._wake.clear()
            try:
                full = await self._publish_next(connection)
                if self._stale or time.monotonic() - beat > BEAT_SECONDS:
                    beat = time.monotonic()
                    await self._look_around(connection)
            except (UnexpectedAckError, *BrokerError) as error:
                self._trouble = f"broker: {type(error).__name__}"
                await asyncio.sleep(0.05)
                await self._locate(connection)
                continue
            if not full:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    async def _publish_next(self, connection: Connection) -> bool:
        position = self._standing.position
        outgoing, looked = await self._source.fetch(connection, position, BATCH)
        if outgoing:
            await self._publish(outgoing)
        self._standing = replace(
            self._standing,
            position=looked,
            last_sequence=self._standing.last_sequence + len(outgoing),
        )
        return len(outgoing) == BATCH

    async def _publish(self, outgoing: Sequence[Outgoing]) -> None:
        expected = self._standing.last_sequence
        pending: list[asyncio.Future[PubAck]] = []
        try:
            async with asyncio.timeout(ACK_SECONDS):
                for last, message in enumerate(outgoing, start=expected):
                    pending.append(await self._send(message, last))
                acks = await asyncio.gather(*pending, return_exceptions=True)
        finally:
            for future in pending:
                future.cancel()
        for sequence, ack in enumerate(acks, start=expected + 1):
            _check(ack, sequence)
        for message in outgoing:
            PUBLISHED.labels(self.context, message.envelope.type).inc()

    async def _send(self, message: Outgoing, last: int) -> asyncio.Future[PubAck]:
        headers = message.envelope.headers()
        headers[Header.EXPECTED_LAST_SEQUENCE.value] = str(last)
        return await self._jetstream.publish_async(
            message.envelope.subject, message.body, headers=headers
        )

    async def _look_around(self, connection: Connection) -> None:
        """The slow beat: sees that the stream is still the one that we filled."""
        self._stale = False
        if not await self._stream.unchanged(connection, self._standing):
            raise UnexpectedAckError("the stream changed under us")
        backlog = await self._source.backlog(connection, self._standing.position)
        BACKLOG.labels(self.context).set(backlog)

    async def _locate(self, connection: Connection) -> None:
        """Reads the position from the stream, until that succeeds."""
        LOCATED.labels(self.context).inc()
        while True:
            try:
                self._standing = await self._stream.read(connection)
            except PartedHistoriesError as error:
                self._tell("histories have parted", error)
                self._parted = f"histories have parted: {error}; run `rendezvous streams repair`"
                await asyncio.sleep(BEAT_SECONDS)
            except BrokerError as error:
                self._trouble = f"broker: {type(error).__name__}"
                self._tell("the broker does not answer", error)
                await asyncio.sleep(0.2)
            else:
                self._parted = self._trouble = None
                return

    def _tell(self, what: str, error: Exception) -> None:
        """Logs a lasting trouble once in five seconds rather than at every try."""
        if time.monotonic() - self._told > 5:
            self._told = time.monotonic()
            _log.error(what, context=self.context, error=f"{type(error).__name__}: {error}")


def _check(ack: PubAck | BaseException, sequence: int) -> None:
    """An acknowledgement counts only for the expected sequence, and when it is no duplicate."""
    if isinstance(ack, BaseException):
        raise UnexpectedAckError(str(ack)) from ack
    if ack.duplicate or ack.seq != sequence:
        raise UnexpectedAckError(f"acknowledged as {ack.seq}, duplicate={ack.duplicate}")

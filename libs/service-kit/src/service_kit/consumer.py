"""A durable consumer: takes what has arrived as one batch, in one transaction, in order.

Delivery is at least once, effects are once: the inbox row stands in the transaction of the
effects. A batch that fails is run again one by one, so that a bad message never takes the others
down; what fails is delivered again with growing, jittered delay, and put aside as a dead letter
after the last try. FastStream's own pull subscriber is not used for events; ADR 0007 says why.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid5

import psycopg
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo
from nats.js.errors import APIError
from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from psycopg_pool import PoolTimeout
from pydantic import ValidationError

from contracts.envelope import Event
from service_kit import causation, dead_letters, home, inbox, streams, telemetry
from service_kit.bus import EventHandler, Retry
from service_kit.causation import Causation
from service_kit.clock import Clock
from service_kit.database import Connection, Database
from service_kit.dead_letters import DeadLetter
from service_kit.messages import START, Envelope, MalformedMessageError
from service_kit.pull import StandingPull
from service_kit.stream_reader import StreamReader

CONSUMED = Counter("events_consumed_total", "Events handled", ["consumer", "type", "outcome"])
DEAD = Counter("dead_letters_total", "Messages put aside", ["consumer"])

BATCH = 128
BEAT_SECONDS = 3.0
STREAM_SECONDS = 0.25
LAST_BATCH_SECONDS = 3.0
LETTERS = UUID("6b1f7c52-6a3e-4d2b-9a54-0d3f5b9d1c11")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after how many seconds a failing event is tried again."""

    tries: int = 8
    first_delay: float = 0.5
    longest_delay: float = 60.0

    def delay(self, tries: int) -> float:
        """Seconds until the next try, after this many."""
        grown = min(self.first_delay * 2 ** max(0, tries - 1), self.longest_delay)
        return grown * random.uniform(0.7, 1.3)  # noqa: S311 - jitter


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that arrived, with the means to settle it."""

    envelope: Envelope
    event: Event
    message: Msg


Applier = Callable[[str, Sequence[Delivery]], Awaitable[None]]
"""Gives a batch (for the consumer of that name) its effects in one transaction, or raises."""


class ConsumerGoneError(Exception):
    """The durable is not there any more; it is made anew at its mark."""


class EventConsumer:
    """One service's durable on one context's stream."""

    def __init__(
        self,
        service: str,
        context: str,
        events: Sequence[type[Event]],
        *,
        client: Client,
        database: Database,
        clock: Clock,
        apply: Applier,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.name = streams.durable(service, context)
        self._service, self._context = service, context
        self._events = {event.ce_type(): event for event in events}
        self._client = client
        self._reader = StreamReader(client, context)
        self._database = database
        self._clock = clock
        self._apply = apply
        self._policy = policy or RetryPolicy()
        self._pull = StandingPull(client, context, self.name)
        self._held: dict[str, Msg] = {}
        self._mark = START
        self._working: asyncio.Task[None] | None = None
        self._trouble: str | None = "not started"

    def problem(self) -> str | None:
        """What keeps events from being handled, for readiness; nothing where all is well."""
        return self._trouble

    def renew(self) -> None:
        """Says that the connection was made anew."""
        self._pull.renew()

    async def run(self) -> None:
        """Handles events until cancelled; raises when its durable is gone."""
        await self._bind()
        self._pull = StandingPull(self._client, self._context, self.name)
        await self._pull.start()
        beat = asyncio.create_task(self._beat(), name=f"{self.name}-beat")
        handling = asyncio.create_task(self._handle_all(), name=f"{self.name}-handle")
        self._trouble = None
        try:
            done, _ = await asyncio.wait((beat, handling), return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._trouble = f"{type(error).__name__}: {error}"
            raise
        finally:
            await self._stop(beat, handling)

    # ------------------------------------------------------------------ handling

    async def _handle_all(self) -> None:
        while True:
            batch = await self._pull.batch(BATCH)
            self._held.update({message.reply: message for message in batch})
            self._working = asyncio.create_task(self._handle(batch), name=f"{self.name}-batch")
            await asyncio.shield(self._working)

    async def _handle(self, messages: Sequence[Msg]) -> None:
        deliveries = [d for message in messages if (d := await self._read(message))]
        if not deliveries:
            return
        try:
            await self._apply(self.name, deliveries)
        except Exception as error:  # noqa: BLE001 - the one at fault is found one by one
            await self._one_by_one(deliveries, error)
        else:
            for delivery in deliveries:
                await self._settle(delivery, "handled")

    async def _one_by_one(self, deliveries: Sequence[Delivery], error: Exception) -> None:
        if len(deliveries) == 1:
            await self._failed(deliveries[0], error)
            return
        for delivery in deliveries:
            try:
                await self._apply(self.name, [delivery])
            except Exception as own:  # noqa: BLE001 - it is told with the message
                await self._failed(delivery, own)
            else:
                await self._settle(delivery, "handled")

    async def _read(self, message: Msg) -> Delivery | None:
        try:
            headers = cast("Mapping[str, str] | None", message.headers)
            envelope = Envelope.parse(message.subject, headers)
            if envelope.position <= self._mark:
                await self._ack(message)
                return None
            event = self._event(envelope.type)
            return Delivery(envelope, event.model_validate_json(message.data), message)
        except (MalformedMessageError, ValidationError) as error:
            await self._bury(message, error)
            return None

    def _event(self, kind: str) -> type[Event]:
        try:
            return self._events[kind]
        except KeyError as error:
            raise MalformedMessageError(f"{kind} on a subject of another kind") from error

    async def _failed(self, delivery: Delivery, error: Exception) -> None:
        tries = delivery.message.metadata.num_delivered
        if isinstance(error, Retry):
            await self._later(delivery.message, error.delay_seconds)
        elif isinstance(error, psycopg.OperationalError | PoolTimeout):
            # Our database, not this message: it does not count as a try.
            await self._later(delivery.message, min(self._policy.delay(tries), 5.0))
        elif tries >= self._policy.tries:
            await self._bury(delivery.message, error)
            return
        else:
            await self._later(delivery.message, self._policy.delay(tries))
        CONSUMED.labels(self.name, delivery.envelope.type, "retried").inc()
        _log.warning(
            "an event is tried again",
            consumer=self.name,
            event_id=str(delivery.envelope.id),
            type=delivery.envelope.type,
            tries=tries,
            **telemetry.told(error),
        )

    async def _bury(self, message: Msg, error: Exception) -> None:
        metadata = message.metadata
        letter = DeadLetter(
            id=uuid5(LETTERS, f"{self.name}/{metadata.sequence.stream}/{metadata.timestamp}"),
            consumer=self.name,
            subject=message.subject,
            headers=cast("Mapping[str, str]", message.headers or {}),
            body=message.data,
            error=f"{type(error).__name__}: {error}",
            deliveries=metadata.num_delivered,
            died_at=self._clock(),
        )
        try:
            async with self._database.transaction() as connection:
                await dead_letters.keep(connection, letter)
        except (psycopg.OperationalError, PoolTimeout):
            await self._later(message, 1.0)
            return
        DEAD.labels(self.name).inc()
        _log.error("a message is put aside", consumer=self.name, letter=str(letter.id))
        await self._ack(message)

    async def _settle(self, delivery: Delivery, outcome: str) -> None:
        CONSUMED.labels(self.name, delivery.envelope.type, outcome).inc()
        await self._ack(delivery.message)

    async def _ack(self, message: Msg) -> None:
        self._held.pop(message.reply, None)
        with suppress(NatsError):  # a lost ack is a redelivery, and the inbox knows the event
            await message.ack()

    async def _later(self, message: Msg, seconds: float) -> None:
        self._held.pop(message.reply, None)
        with suppress(NatsError):
            await message.nak(delay=seconds)

    # ------------------------------------------------------------------ the beat

    async def _bind(self) -> None:
        while await self._reader.info() is None:
            # Its own relay makes a stream; whoever listens waits for it.
            self._trouble = f"there is no stream {self._reader.stream}"
            await asyncio.sleep(STREAM_SECONDS)
        async with self._database.reading() as connection:
            await home.check(connection)
            self._mark = await inbox.mark(connection, self.name)
        start = await self._reader.first_after(self._mark)
        made = await streams.declare_consumer(
            self._reader.jetstream,
            self._service,
            self._context,
            list(self._events.values()),
            start_sequence=start,
        )
        if made == "made":
            _log.info("durable made", consumer=self.name, mark=tuple(self._mark), start=start)

    async def _beat(self) -> None:
        """The slow beat: keeps claims alive, sees that the durable is there, raises the mark."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for message in list(self._held.values()):
                await message.in_progress()
            info = await self._info()
            with suppress(psycopg.OperationalError, PoolTimeout):
                async with self._database.reading() as connection:
                    await home.check(connection)
            if info is not None:
                await self._raise_mark(info)
            await self._replay_letters()

    async def _info(self) -> ConsumerInfo | None:
        try:
            info = await self._reader.consumer(self.name)
        except APIError as error:
            if streams.is_missing(error):
                raise ConsumerGoneError(self.name) from error
            self._trouble = f"broker: {error}"
            return None
        except (NatsError, TimeoutError) as error:
            self._trouble = f"broker: {type(error).__name__}"
            return None
        self._trouble = None
        return info

    async def _raise_mark(self, info: ConsumerInfo) -> None:
        floor = info.ack_floor.stream_seq if info.ack_floor else 0
        if not floor:
            return
        with suppress(NatsError, APIError, TimeoutError, psycopg.OperationalError, PoolTimeout):
            envelope = await self._reader.message(floor)
            # The same durable still: a stream made anew in between would number differently.
            again = await self._reader.consumer(self.name)
            if envelope and again.created == info.created and envelope.position > self._mark:
                async with self._database.transaction() as connection:
                    await inbox.raise_mark(connection, self.name, envelope.position)
                self._mark = envelope.position

    async def _replay_letters(self) -> None:
        with suppress(psycopg.OperationalError, PoolTimeout):
            async with self._database.reading() as connection:
                letters = await dead_letters.wanted_back(connection, self.name)
            for letter in letters:
                await self._replay(letter)

    async def _replay(self, letter: DeadLetter) -> None:
        try:
            envelope = Envelope.parse(letter.subject, letter.headers)
            event = self._events[envelope.type].model_validate_json(letter.body)
            await self._apply(self.name, [Delivery(envelope, event, Msg(self._client))])
        except Exception as error:  # noqa: BLE001 - it is written on the letter
            async with self._database.transaction() as connection:
                await dead_letters.refuse(connection, letter.id, f"{type(error).__name__}: {error}")
            return
        async with self._database.transaction() as connection:
            await dead_letters.drop(connection, letter.id)

    async def _stop(self, *tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._working is not None:  # the batch at hand is finished and acknowledged
            await asyncio.wait({self._working}, timeout=LAST_BATCH_SECONDS)
        with suppress(NatsError):
            await self._pull.stop()
        self._held.clear()


def transactional(database: Database, handlers: Sequence[EventHandler]) -> Applier:
    """Applies events to a service's own database: the inbox and the effects in one transaction."""
    by_type = {handler.event.ce_type(): handler.handle for handler in handlers}

    async def apply(consumer: str, batch: Sequence[Delivery]) -> None:
        async with database.transaction() as connection:
            fresh = await inbox.claim(connection, consumer, [d.envelope for d in batch])
            for delivery in batch:
                if delivery.envelope.id in fresh:
                    fresh.discard(delivery.envelope.id)
                    await _run(by_type[delivery.envelope.type], connection, delivery)

    return apply


async def _run(
    handle: Callable[[Connection, Any, Envelope], Awaitable[None]],
    connection: Connection,
    delivery: Delivery,
) -> None:
    envelope = delivery.envelope
    why = Causation(envelope.correlation_id, str(envelope.id))
    trace = {"traceparent": envelope.traceparent} if envelope.traceparent else None
    with causation.because_of(why), telemetry.span(envelope.type, SpanKind.CONSUMER, trace):
        await handle(connection, delivery.event, delivery.envelope)

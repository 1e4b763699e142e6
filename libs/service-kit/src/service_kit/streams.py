"""The one declaration of streams and durable consumers. Services bind to them.

Used by `rendezvous migrate`, and by a relay or a consumer that finds its own gone.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import nats
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, BadRequestError, NotFoundError

from contracts import subjects
from contracts.envelope import Event

ACK_WAIT_SECONDS = 30.0
MAX_ACK_PENDING = 2000

STREAM_EXISTS = 10058
"""JetStream's error code for a name that is taken by a stream of another configuration."""


def durable(service: str, context: str) -> str:
    """The name of a service's consumer on a context's stream."""
    return f"{service}-{context}"


def by_context(events: Sequence[type[Event]]) -> dict[str, list[type[Event]]]:
    """Event classes by the context whose stream carries them."""
    found: dict[str, list[type[Event]]] = {}
    for event in events:
        found.setdefault(event.CONTEXT, []).append(event)
    return found


async def declare(
    nats_url: str, consumers: Mapping[str, Sequence[type[Event]]], *, replicas: int = 1
) -> None:
    """Makes every stream, and each service's consumers, where they are absent.

    `consumers` names for each service the events it handles. What exists is left as it is but
    for the kinds that a consumer listens to.
    """
    client = await nats.connect(nats_url, max_reconnect_attempts=2, connect_timeout=5)
    try:
        jetstream = client.jetstream(timeout=5)
        for context in subjects.CONTEXTS:
            await declare_stream(jetstream, context, replicas=replicas)
        for service, events in consumers.items():
            for context, kinds in by_context(events).items():
                await declare_consumer(jetstream, service, context, kinds)
    finally:
        await client.close()


async def declare_stream(jetstream: JetStreamContext, context: str, *, replicas: int = 1) -> None:
    """Makes a context's stream unless it is there: on disk, without limits, to be replayed."""
    config = StreamConfig(
        name=subjects.stream(context),
        subjects=[subjects.all_of(context)],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        # A full stream refuses (the outbox grows) rather than forget.
        discard=DiscardPolicy.NEW,
        num_replicas=replicas,
        allow_direct=True,
        # Relays name the sequence they expect; a window of message ids would swallow refills.
        duplicate_window=0.1,
    )
    try:
        await jetstream.add_stream(config)
    except BadRequestError as error:
        if error.err_code != STREAM_EXISTS:
            raise


async def declare_consumer(
    jetstream: JetStreamContext,
    service: str,
    context: str,
    events: Sequence[type[Event]],
    *,
    start_sequence: int | None = None,
) -> Literal["made", "kept", "changed"]:
    """Makes a service's durable on a context's stream, or brings its filters up to date.

    `start_sequence` is the stream sequence that a new durable begins at; from the first where
    it is not given.
    """
    name, stream = durable(service, context), subjects.stream(context)
    filters = sorted(subjects.every(event) for event in events)
    try:
        info = await jetstream.consumer_info(stream, name)
    except NotFoundError:
        await jetstream.add_consumer(stream, _config(name, filters, start_sequence))
        return "made"
    kept = info.config
    known = kept.filter_subjects or ([kept.filter_subject] if kept.filter_subject else [])
    if sorted(known) == filters:
        return "kept"
    kept.filter_subject, kept.filter_subjects = None, filters
    await jetstream.add_consumer(stream, kept)
    return "changed"


def _config(name: str, filters: list[str], start_sequence: int | None) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=name,
        name=name,
        filter_subjects=filters,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        # Never given up by the broker: after the last try we keep it in dead_letters.
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
        deliver_policy=(DeliverPolicy.BY_START_SEQUENCE if start_sequence else DeliverPolicy.ALL),
        opt_start_seq=start_sequence,
    )


def is_missing(error: Exception) -> bool:
    """Whether JetStream said that a stream or a consumer is not there."""
    return isinstance(error, NotFoundError) or (isinstance(error, APIError) and error.code == 404)

"""Reads a whole stream in order, without the bodies: many messages a second."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import Error as JetStreamError

from service_kit.messages import Envelope, MalformedMessageError

BATCH = 1000
BATCH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as it stands in a stream; without an envelope it is no event of ours."""

    sequence: int
    envelope: Envelope | None


async def scan(
    jetstream: JetStreamContext, stream: str, first: int, last: int
) -> AsyncGenerator[Stored]:
    """The messages from stream sequence `first` to `last`, both included, in order.

    Raises nats-py's errors where the broker does not answer.
    """
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=max(first, 1),
        headers_only=True,
        mem_storage=True,
        num_replicas=1,
        inactive_threshold=60.0,
    )
    subscription = await jetstream.pull_subscribe(">", stream=stream, config=config)
    info = await subscription.consumer_info()
    left = info.num_pending or 0
    try:
        while left:
            for message in await subscription.fetch(BATCH, timeout=BATCH_SECONDS):
                metadata = message.metadata
                sequence, left = metadata.sequence.stream, metadata.num_pending
                if sequence > last:
                    return
                headers = cast("Mapping[str, str] | None", message.headers)
                yield Stored(sequence, _envelope(message.subject, headers))
    finally:
        with suppress(NatsError, JetStreamError, TimeoutError):
            await subscription.unsubscribe()
            await jetstream.delete_consumer(stream, info.name)


def _envelope(subject: str, headers: Mapping[str, str] | None) -> Envelope | None:
    try:
        return Envelope.parse(subject, headers)
    except MalformedMessageError:
        return None

"""Reads and writes streams as a careless operator would."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import nats
from nats.js import JetStreamContext

from contracts import subjects


@dataclass(frozen=True)
class StoredMessage:
    """A message as a stream holds it."""

    subject: str
    headers: dict[str, str]
    body: bytes


@asynccontextmanager
async def jetstream(url: str) -> AsyncGenerator[JetStreamContext]:
    """JetStream, for the length of the block."""
    client = await nats.connect(url)
    try:
        yield client.jetstream()
    finally:
        await client.close()


async def everything(stream: JetStreamContext) -> list[StoredMessage]:
    """Every message of every stream, in order within each."""
    found: list[StoredMessage] = []
    for context in subjects.CONTEXTS:
        name = subjects.stream(context)
        state = (await stream.stream_info(name)).state
        if not state.messages:
            continue
        for sequence in range(state.first_seq, state.last_seq + 1):
            raw = await stream.get_msg(name, seq=sequence)
            headers = cast("dict[str, str]", raw.headers or {})
            found.append(StoredMessage(raw.subject or "", headers, raw.data or b""))
    return found

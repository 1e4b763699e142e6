"""Makes streams their records' again, and whoever listens hear what a backup did not know.

The record is right, whatever others have heard. ADR 0009 says why each step is as it is:

1. What a stream holds and its record does not is kept in a file.
2. A restored record gives no position again that others have heard of; what it has said since
   under such a position moves behind them.
3. What a restored service had done outside since the backup is taken back from what it had said.
4. The stream is emptied; its relay fills it from the record.
5. The consumers of a restored service begin anew at its own marks.
6. The restored database is at home: its service says and hears again.
"""

import asyncio
import base64
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from rendezvous.contexts import Context
from rendezvous.services import Service
from rendezvous.stream_health import Begin, StreamHealth
from service_kit import home, streams
from service_kit.database import Connection
from service_kit.messages import Envelope, MalformedMessageError, Outgoing, Position
from service_kit.stream_reader import StreamReader

END = Position(2**63 - 1)
STANDSTILL_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.1

_RELAY_RUNS = """
SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND granted
      AND objsubid = 2 AND classid::bigint = hashtext('relay')::bigint & 4294967295
      AND objid::bigint = hashtext(%s)::bigint & 4294967295
)
"""


@dataclass(frozen=True)
class Step:
    """What is to be done about one context."""

    health: StreamHealth
    restored: bool

    @property
    def context(self) -> Context:
        """The context."""
        return self.health.context

    @property
    def refills(self) -> bool:
        """Whether its stream is to be emptied and filled anew."""
        return self.health.is_parted or not self.health.comparison.is_whole

    def told(self) -> list[str]:
        """What will be done, a clause each."""
        found, told = self.health.comparison, list[str]()
        if found.parted or found.strangers:
            told.append(
                f"keep {len(found.parted)} lost events and {len(found.strangers)} foreign messages"
            )
        if self.health.is_parted:
            told.append(f"say nothing more at positions up to {self.health.heard.sequence}")
        if (after := found.hidden_after(self.health.heard)) is not None:
            told.append(f"move what was said after position {after.sequence} behind them")
        if self.refills:
            told.append(f"empty {found.stream} and fill it from the record")
        if self.restored:
            told.append(f"have {self.context.service.name} hear again from its own marks")
        return told


@dataclass
class Repaired:
    """What was done about one context."""

    step: Step
    kept: Path | None = None
    lost: Counter[str] = field(default_factory=Counter[str])
    moved: int = 0
    taken_back: int = 0
    filled: bool | None = None
    """Whether the stream was filled; nothing where no relay runs that would."""


def plan(found: Sequence[StreamHealth]) -> list[Step]:
    """What there is to do, for the contexts that need anything."""
    restored = _restored(found)
    steps = [Step(health, health.context.service in restored) for health in found]
    return [step for step in steps if step.refills or step.restored]


def _restored(found: Sequence[StreamHealth]) -> set[Service]:
    """The services whose databases were restored: by their own account, or by that of others."""
    known = {health.context.service for health in found if health.is_parted}
    known |= {health.context.service for health in found if health.comparison.restored}
    for health in found:
        for service, hearing in health.hearings.items():
            if hearing.restored or hearing.passed_over:
                known.add(service)
    return known


class Repair:
    """Carries a plan out. The services may run all the while, or not at all."""

    def __init__(
        self,
        client: Client,
        connections: Mapping[Service, Connection],
        keeping: Path,
        replicas: int = 1,
    ) -> None:
        self._client = client
        self._connections = connections
        self._keeping = keeping
        self._replicas = replicas
        self._jetstream: JetStreamContext = client.jetstream(timeout=30)

    async def carry_out(self, steps: Sequence[Step], begin: Begin) -> list[Repaired]:
        """Does everything, for all contexts together; waits until the streams are filled.

        Every stream is its record's again before anybody hears from it anew.
        """
        done = [Repaired(step) for step in steps]
        for repaired in done:
            if repaired.step.refills:
                await self._refill(repaired, begin)
        for repaired in done:
            if repaired.step.restored:
                await self._hear_anew(repaired.step.context.service)
        for repaired in done:
            if repaired.step.refills:
                repaired.filled = await self._filled(repaired.step.context, begin)
        return done

    async def _refill(self, repaired: Repaired, begin: Begin) -> None:
        health, context = repaired.step.health, repaired.step.context
        lost = await self._keep(repaired, begin)
        async with self._connections[context.service].transaction():
            connection = self._connections[context.service]
            if health.is_parted:
                after = health.comparison.hidden_after(health.heard) or END
                repaired.moved = await context.record.move_beyond(
                    connection, after, health.heard.sequence
                )
            if lost and context.take_back:
                repaired.taken_back = await context.take_back(connection, lost)
        if health.comparison.present:
            # Emptied, not made anew: its settings stay, and the consumers whom it stays valid for.
            await self._jetstream.purge_stream(context.stream)
        else:
            await streams.declare_stream(self._jetstream, context.name, replicas=self._replicas)

    async def _keep(self, repaired: Repaired, begin: Begin) -> list[Outgoing]:
        """Writes what the record does not have into a file; answers with the lost events."""
        found, context = repaired.step.health.comparison, repaired.step.context
        sequences = sorted([*found.parted, *found.strangers])
        if not sequences:
            return []
        advance = begin(f"keep what {found.stream} holds besides", len(sequences))
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        repaired.kept = self._keeping / f"{found.stream}-{now}.jsonl"
        self._keeping.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(repaired.kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        lost: list[Outgoing] = []
        parted = set(found.parted)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for sequence in sequences:
                message = await self._message(context, sequence)
                file.write(_line(sequence, message, lost=sequence in parted) + "\n")
                if sequence in parted and message.event:
                    lost.append(Outgoing(message.event, message.body))
                    repaired.lost[message.event.type] += 1
                advance()
            file.flush()
            os.fsync(file.fileno())
        return lost

    async def _message(self, context: Context, sequence: int) -> "_Message":
        raw = await self._jetstream.get_msg(context.stream, seq=sequence)
        headers = cast("dict[str, str]", raw.headers or {})
        return _Message(raw.subject or "", headers, raw.data or b"")

    async def _hear_anew(self, service: Service) -> None:
        """Lets a service's consumers begin at the marks of its database, which is at home now."""
        for info in await self._jetstream.streams_info():
            stream = info.config.name or ""
            with suppress(NotFoundError):
                await self._jetstream.delete_consumer(
                    stream, streams.durable(service.name, stream.lower())
                )
        await home.accept(self._connections[service])

    async def _filled(self, context: Context, begin: Begin) -> bool | None:
        connection = self._connections[context.service]
        if not await relay_runs(connection, context):
            return None
        reader = StreamReader(self._client, context.name)
        target = await self._last_said(connection, context)
        advance, shown = begin(f"fill {context.stream}", await self._said(connection, context)), 0
        still_since, loop = asyncio.get_running_loop().time(), asyncio.get_running_loop()
        while True:
            info = await reader.info()
            newest = info and await reader.newest(info, context.record.name)
            messages = info.state.messages if info else 0
            if messages > shown:
                still_since = loop.time()
            for _ in range(messages - shown):
                advance()
            shown = max(shown, messages)
            if target is None or (newest and newest.position >= target):
                return True
            if loop.time() - still_since > STANDSTILL_SECONDS:
                return False
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _said(self, connection: Connection, context: Context) -> int:
        return await context.record.backlog(connection, Position(0))

    async def _last_said(self, connection: Connection, context: Context) -> Position | None:
        """The newest position that is to be in the stream, if there is anything."""
        head = await context.record.head(connection)
        return head if head.sequence else None


@dataclass(frozen=True)
class _Message:
    subject: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> Envelope | None:
        try:
            return Envelope.parse(self.subject, self.headers)
        except MalformedMessageError:
            return None


def _line(sequence: int, message: _Message, *, lost: bool) -> str:
    told: dict[str, object] = {
        "sequence": sequence,
        "why": "lost" if lost else "foreign",
        "subject": message.subject,
        "headers": dict(message.headers),
    }
    try:
        told["body"] = json.loads(message.body)
    except ValueError:
        told["body_base64"] = base64.b64encode(message.body).decode()
    return json.dumps(told, ensure_ascii=False)


async def relay_runs(connection: Connection, context: Context) -> bool:
    """Whether a relay of the context holds its office."""
    cursor = await connection.execute(_RELAY_RUNS, (context.name,))
    row = await cursor.fetchone()
    return bool(row and row[0])

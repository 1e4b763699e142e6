"""What video can do: want, provision and close a booking's meeting, and let people in."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog

from service_kit import causation, telemetry
from service_kit.clock import Clock
from service_kit.database import Connection, Database
from video import store
from video.domain import (
    MAX_ATTEMPTS,
    Fact,
    Flow,
    Meeting,
    MeetingGivenUp,
    MeetingOverError,
    MeetingReady,
    MeetingShut,
    MeetingUnknownError,
    Role,
    meeting_id_of,
    retry_delay,
)
from video.providers import ProvisioningError, VideoProvider

LEASE: Final = timedelta(seconds=60)
PROVISIONING_SECONDS: Final = 20.0
"""A provider that takes longer is asked again later; well below the lease."""

_ROOM_BYTES: Final = 20
_chance = secrets.SystemRandom()
_log = structlog.get_logger()


class Publish(Protocol):
    """Says a fact when the connection's transaction commits."""

    async def __call__(self, connection: Connection, at: datetime, fact: Fact) -> None:
        """Writes it to the outbox; `at` is UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Appointment:
    """A confirmed booking that takes place by video; `provider` is the one its terms name."""

    tenant: str
    booking_id: UUID
    starts_at: datetime
    ends_at: datetime
    provider: str | None


@dataclass(frozen=True)
class Meetings:
    """The meetings of all bookings. `default_provider` serves terms that name none."""

    database: Database
    clock: Clock
    providers: Mapping[str, VideoProvider]
    publish: Publish
    default_provider: str = "jitsi"
    jitter: Callable[[], float] = field(default=_chance.random)

    async def want(self, connection: Connection, appointment: Appointment) -> None:
        """Gives a booking its meeting; does nothing where it has one or was called off.

        A provider without network gives its room here and now, any other is left to the worker.
        """
        meeting, now = self._new(appointment), self.clock()
        provider = self.providers.get(meeting.provider)
        if provider is None:
            failed = replace(meeting, state="failed")
            reason = "provider_unknown"
            if await store.insert(connection, failed, _flow(), now, error=reason):
                await self.publish(connection, now, MeetingGivenUp(failed, reason))
        elif provider.needs_network:
            await store.insert(connection, meeting, _flow(), now)
        else:
            reference = await provider.provision(meeting)
            ready = replace(meeting, state="ready", reference=reference)
            if await store.insert(connection, ready, _flow(), now):
                await self.publish(connection, now, MeetingReady(ready))

    async def close(self, connection: Connection, tenant: str, booking_id: UUID) -> None:
        """Closes a booking's meeting for good, also one that is still to be wanted."""
        meeting_id = meeting_id_of(booking_id)
        if await store.close(connection, tenant, booking_id, meeting_id):
            shut = MeetingShut(tenant, booking_id, meeting_id)
            await self.publish(connection, self.clock(), shut)

    async def provision_next(self) -> int:
        """Asks the provider for one wanted meeting; 0 where none is due."""
        async with self.database.transaction() as connection:
            claim = await store.claim(connection, self.clock(), LEASE)
        if claim is None:
            return 0
        with _resumed(claim.flow), telemetry.span("provision meeting", headers=_trace(claim.flow)):
            await self._provision(claim.meeting)
        return 1

    async def join(self, tenant: str, booking_id: UUID, role: Role, display_name: str) -> str:
        """The URL that lets one person in.

        Raises `MeetingUnknownError` where there is no room (yet), `MeetingOverError` where it is
        closed or its time is past.
        """
        async with self.database.reading() as connection:
            meeting = await store.read(connection, tenant, booking_id)
        if meeting is None:
            raise MeetingUnknownError
        now = self.clock()
        if meeting == "closed" or now >= meeting.closes_at():
            raise MeetingOverError
        provider = self.providers.get(meeting.provider)
        if meeting.state != "ready" or provider is None:
            raise MeetingUnknownError
        return provider.join_url(meeting, role, display_name, now)

    def _new(self, appointment: Appointment) -> Meeting:
        return Meeting(
            tenant=appointment.tenant,
            booking_id=appointment.booking_id,
            meeting_id=meeting_id_of(appointment.booking_id),
            provider=appointment.provider or self.default_provider,
            # Lower-case hex, since some providers fold case; 160 bits, since it is a key.
            room=secrets.token_hex(_ROOM_BYTES),
            starts_at=appointment.starts_at,
            ends_at=appointment.ends_at,
        )

    async def _provision(self, meeting: Meeting) -> None:
        if meeting.attempts > MAX_ATTEMPTS:
            # The last attempt took its process down with it.
            await self._give_up(meeting, "attempts_exhausted")
            return
        provider = self.providers.get(meeting.provider)
        if provider is None:
            await self._give_up(meeting, "provider_unknown")
            return
        try:
            async with asyncio.timeout(PROVISIONING_SECONDS):
                reference = await provider.provision(meeting)
        except TimeoutError:
            await self._try_later(meeting, ProvisioningError("provider_timeout"))
        except ProvisioningError as error:
            await self._try_later(meeting, error)
        else:
            await self._write_down(meeting, reference)

    async def _write_down(self, meeting: Meeting, reference: str) -> None:
        now = self.clock()
        async with self.database.transaction() as connection:
            if await store.mark_ready(connection, meeting, reference, now):
                ready = replace(meeting, state="ready", reference=reference)
                await self.publish(connection, now, MeetingReady(ready))

    async def _try_later(self, meeting: Meeting, error: ProvisioningError) -> None:
        if error.permanent or meeting.attempts >= MAX_ATTEMPTS:
            await self._give_up(meeting, error.reason)
            return
        until = self.clock() + retry_delay(meeting.attempts, self.jitter())
        async with self.database.transaction() as connection:
            await store.postpone(connection, meeting, until, error.reason)

    async def _give_up(self, meeting: Meeting, reason: str) -> None:
        async with self.database.transaction() as connection:
            if await store.mark_failed(connection, meeting, reason):
                await self.publish(connection, self.clock(), MeetingGivenUp(meeting, reason))
        _log.error("no meeting could be had", meeting_id=str(meeting.meeting_id), reason=reason)


def _flow() -> Flow:
    why = causation.current()
    return Flow(why.correlation_id, why.causation_id, telemetry.traceparent())


def _resumed(flow: Flow) -> AbstractContextManager[None]:
    return causation.because_of(causation.Causation(flow.correlation_id, flow.causation_id))


def _trace(flow: Flow) -> dict[str, str]:
    return {"traceparent": flow.traceparent} if flow.traceparent else {}

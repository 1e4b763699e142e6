"""Deliveries: a claimed notification becomes a letter, and the letter goes out.

A claim is a lease with a fencing number: whoever slept through it can no longer write down what
came of it. Between the channel's yes and our commit lies the one moment in which a kill makes a
message go out a second time, then under the same id.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from notify.application.appointments import plan_updates
from notify.application.flows import resumed
from notify.application.ports import Directory, Publish
from notify.domain.appointments import Appointment
from notify.domain.letters import Letter
from notify.domain.notifications import (
    LINK_PATIENCE,
    Delivered,
    DeliveryError,
    Undeliverable,
    is_obsolete,
    retry_delay,
)
from notify.providers import Channel
from notify.store import appointments, notifications
from notify.store.notifications import Claim
from service_kit.clock import Clock
from service_kit.database import Database

LEASE: Final = timedelta(seconds=30)
ATTEMPT_SECONDS: Final = 25.0
"""The longest that one attempt may take: well within the lease."""

_MARK_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
_LINK_RETRY: Final = timedelta(milliseconds=200)
_chance = secrets.SystemRandom()
_log = structlog.get_logger()


@dataclass(frozen=True)
class Deliveries:
    """Delivers due notifications, `at_once` side by side, each in at most `attempts` attempts."""

    database: Database
    clock: Clock
    directory: Directory
    channels: Mapping[str, Channel]
    publish: Publish
    attempts: int = 20
    at_once: int = 5
    jitter: Callable[[], float] = field(default=_chance.random)

    async def deliver_due(self) -> int:
        """Attempts some due notifications; answers how many, 0 where none is due."""
        async with self.database.transaction() as connection:
            claims = await notifications.claim(connection, self.clock(), LEASE, self.at_once)
        if not claims:
            await self.rest()
            return 0
        # One that breaks must not tear down the others, who may have handed over their mail.
        ends = await asyncio.gather(*map(self._deliver, claims), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return len(claims)

    async def rest(self) -> None:
        """Puts away what the channels keep open between messages."""
        for channel in self.channels.values():
            await channel.rest()

    async def _deliver(self, claim: Claim) -> None:
        with resumed(claim.flow, f"deliver {claim.notification.kind}"):
            if claim.attempts > self.attempts:
                # The last attempt took its process down with it.
                await self._give_up(claim, "attempts_exhausted")
                return
            try:
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    letter = await self._hand_over(claim)
            except TimeoutError:
                await self._try_later(claim, DeliveryError("timeout"))
            except DeliveryError as error:
                await self._try_later(claim, error)
            else:
                if letter is not None:
                    await self._insist_on_mark(claim, letter)

    async def _hand_over(self, claim: Claim) -> Letter | None:
        """The letter that the channel took, or nothing where it is not (yet) to be sent."""
        letter = await self._write(claim)
        if letter is None:
            await self._drop(claim)
            return None
        if _lacks_its_link(letter):
            if letter.at < letter.notification.due_at + LINK_PATIENCE:
                await self._postpone(claim)
                return None
            if letter.notification.kind == "update":
                raise DeliveryError("link_unknown")
        await self.channels[claim.notification.channel].deliver(letter)
        return letter

    async def _write(self, claim: Claim) -> Letter | None:
        """The letter, with what people say of themselves now; nothing where it is obsolete."""
        notification = claim.notification
        async with self.database.reading() as connection:
            appointment = await appointments.read(connection, notification.booking_id)
        if appointment is None or is_obsolete(notification, appointment, self.clock()):
            return None
        briefing = await self.directory.brief(
            notification.tenant, notification.booking_id, appointment.terms.host_id
        )
        if briefing.cancelled and notification.kind != "cancellation":
            return None
        to = briefing.find(notification.recipient.id)
        if briefing.host is None:
            raise DeliveryError("host_unknown")
        if to is None:
            raise DeliveryError("recipient_unknown", permanent=True)
        return Letter(notification, appointment, briefing, briefing.host, to, self.clock())

    async def _insist_on_mark(self, claim: Claim, letter: Letter) -> None:
        """Marks a message that is out as sent, also across a short outage of the database."""
        for pause in _MARK_PAUSES:
            try:
                await self._mark_sent(claim, letter)
            except (psycopg.OperationalError, PoolTimeout):
                await asyncio.sleep(pause)
            else:
                return
        await self._mark_sent(claim, letter)

    async def _mark_sent(self, claim: Claim, letter: Letter) -> None:
        notification, now = claim.notification, self.clock()
        with_link = letter.join_url is not None or not letter.appointment.by_video
        async with self.database.transaction() as connection:
            current = await appointments.read_locked(connection, notification.booking_id)
            if await notifications.mark_sent(connection, claim, now, with_link=with_link):
                await self.publish(connection, now, Delivered(notification))
                if current and not with_link and self._wants_update(claim, current):
                    told = [(notification.recipient, notification.sequence)]
                    await plan_updates(connection, current, told, now)

    def _wants_update(self, claim: Claim, current: Appointment) -> bool:
        """Whether the meeting became ready while a confirmation without it was on its way."""
        return (
            claim.notification.kind == "confirmation"
            and current.status == "confirmed"
            and current.meeting == "ready"
        )

    async def _try_later(self, claim: Claim, error: DeliveryError) -> None:
        if error.permanent or claim.attempts >= self.attempts:
            await self._give_up(claim, error.reason)
            return
        until = self.clock() + retry_delay(claim.attempts, self.jitter())
        async with self.database.transaction() as connection:
            await notifications.retry(connection, claim, until, error.reason)
        self._note("a delivery is tried again", claim, error.reason)

    async def _give_up(self, claim: Claim, reason: str) -> None:
        async with self.database.transaction() as connection:
            if await notifications.mark_failed(connection, claim, reason):
                undeliverable = Undeliverable(claim.notification, reason)
                await self.publish(connection, self.clock(), undeliverable)
        self._note("a delivery has failed", claim, reason)

    async def _drop(self, claim: Claim) -> None:
        async with self.database.transaction() as connection:
            await notifications.drop(connection, claim)

    async def _postpone(self, claim: Claim) -> None:
        async with self.database.transaction() as connection:
            await notifications.postpone(connection, claim, self.clock() + _LINK_RETRY)

    def _note(self, event: str, claim: Claim, reason: str) -> None:
        _log.warning(
            event,
            notification_id=str(claim.notification.id),
            kind=claim.notification.kind,
            attempts=claim.attempts,
            reason=reason,
        )


def _lacks_its_link(letter: Letter) -> bool:
    """Whether video has the meeting ready, but booking has not heard of it yet."""
    appointment = letter.appointment
    return (
        letter.notification.kind != "cancellation"
        and appointment.by_video
        and appointment.meeting == "ready"
        and letter.join_url is None
    )

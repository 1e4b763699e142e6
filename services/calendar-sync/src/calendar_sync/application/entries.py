"""Bookings into outside calendars: what is wanted is written down, workers bring it about."""

import secrets
from collections.abc import Callable

import structlog
from prometheus_client import Counter

from calendar_sync.application import flows
from calendar_sync.application.ports import Bookings, Publish
from calendar_sync.domain import (
    Access,
    Claim,
    EntryRemoved,
    EntryWritten,
    Notice,
    WriteFailed,
    delay,
    is_last,
    resource_name,
)
from calendar_sync.providers import CalendarError, CalendarProvider, documents
from calendar_sync.store import appointments, connections, entries
from calendar_sync.store.passwords import SealBrokenError, Vault
from service_kit.clock import Clock
from service_kit.database import Connection, Database
from service_kit.errors import UnavailableError

SEAL_BROKEN = "The stored password cannot be read with the present SECRET_KEY."

_OUTCOMES = Counter(
    "calendar_entries_total", "Attempts to bring a calendar up to date", ["outcome"]
)
_chance = secrets.SystemRandom()
_log = structlog.get_logger()


class Entries:
    """The entries of all bookings in all linked calendars."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        provider: CalendarProvider,
        vault: Vault,
        bookings: Bookings,
        publish: Publish,
        public_url: str,
        jitter: Callable[[], float] = _chance.random,
    ) -> None:
        self._database = database
        self._clock = clock
        self._provider = provider
        self._vault = vault
        self._bookings = bookings
        self._publish = publish
        self._public_url = public_url
        self._jitter = jitter

    async def hear(self, connection: Connection, notice: Notice) -> None:
        """Takes in what was heard of a booking, in the caller's transaction."""
        await connections.hold_still(connection, notice.tenant, alone=False)
        await appointments.note(connection, notice)
        if notice.details is not None:
            await appointments.describe(
                connection, notice.booking_id, notice.version, notice.details
            )
        await entries.want(connection, notice.booking_id, self._clock(), flows.current())

    async def write_next(self) -> int:
        """Brings one calendar up to date in one booking; 0 where nothing is due."""
        # In autocommit: nobody waits for a claim, and a commit would wake the workers.
        async with self._database.reading() as connection:
            claim = await entries.claim(connection, self._clock())
        if claim is None:
            return 0
        with flows.resumed(claim.flow, "calendar entry"):
            await self.carry_out(claim)
        return 1

    async def carry_out(self, claim: Claim) -> None:
        """Does what a claim was made for, and says how it ended."""
        try:
            changed = await self._bring_about(claim)
        except UnavailableError:
            await self._put_off(claim)
        except CalendarError as error:
            await self._try_later(claim, str(error), anything=error.anything)
        except SealBrokenError:
            await self._try_later(claim, SEAL_BROKEN, anything=True)
        else:
            await self._done(claim, changed=changed)

    async def _bring_about(self, claim: Claim) -> bool:
        """Makes the calendar as wanted; whether that changed anything."""
        access = Access(claim.url, claim.username, self._vault.open(claim.sealed_password))
        wanted = claim.appointment
        name = resource_name(wanted.booking_id)
        if not claim.wanted:
            return await self._provider.remove(access, name)
        attendee, join_url = await self._bookings.attendance(wanted.tenant, wanted.booking_id)
        document = documents.entry(wanted, attendee, join_url, self._public_url)
        await self._provider.write(access, name, document.text.encode())
        return True

    async def _done(self, claim: Claim, *, changed: bool) -> None:
        now, tenant = self._clock(), claim.appointment.tenant
        booking_id = claim.appointment.booking_id
        async with self._database.transaction() as connection:
            if not await entries.mark_done(connection, claim):
                await entries.redo(connection, claim, now)
                _OUTCOMES.labels("overtaken").inc()
            elif claim.wanted:
                fact = EntryWritten(tenant, booking_id, claim.connection_id)
                await self._publish(connection, now, fact)
                _OUTCOMES.labels("written").inc()
            elif changed or claim.stands:
                fact = EntryRemoved(tenant, booking_id, claim.connection_id)
                await self._publish(connection, now, fact)
                _OUTCOMES.labels("removed").inc()

    async def _try_later(self, claim: Claim, reason: str, *, anything: bool) -> None:
        now = self._clock()
        again_at = now + delay(claim.attempts, self._jitter())
        async with self._database.transaction() as connection:
            if anything:
                await connections.quiet(connection, claim.connection_id, again_at)
            if is_last(claim.attempts) and await entries.give_up(connection, claim, reason, now):
                await self._publish(connection, now, _failed(claim, reason))
                _OUTCOMES.labels("given_up").inc()
            elif await entries.mark_failed(connection, claim, reason, again_at):
                _OUTCOMES.labels("failed").inc()
            else:
                await entries.redo(connection, claim, now)
                _OUTCOMES.labels("overtaken").inc()
        _log.warning(
            "a calendar could not be written to",
            connection_id=str(claim.connection_id),
            booking_id=str(claim.appointment.booking_id),
            attempts=claim.attempts,
            reason=reason,
        )

    async def _put_off(self, claim: Claim) -> None:
        """Booking does not answer: no fault of the calendar's."""
        again_at = self._clock() + delay(1, self._jitter())
        async with self._database.transaction() as connection:
            await entries.put_off(connection, claim, again_at)
        _OUTCOMES.labels("put_off").inc()


def _failed(claim: Claim, reason: str) -> WriteFailed:
    wanted = claim.appointment
    return WriteFailed(wanted.tenant, wanted.booking_id, claim.connection_id, reason)
